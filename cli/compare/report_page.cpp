#include "cli/compare/report_page.h"

#include "cli/compare/page_parts.h"
#include "cli/compare/web_files.h"
#include "cli/terminal/figures.h"
#include "image/photo.h"
#include "quality/perceptual.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>

namespace zsr::cli {
namespace {

// JSON inside a script element: nothing in it may end that element.
std::string for_script(const nlohmann::json& json) {
  std::string text = json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  std::string safe;
  for (const char c : text) safe += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return safe;
}

void replace(std::string& page, const std::string& mark, const std::string& by) {
  const size_t at = page.find(mark);
  page.replace(at, mark.size(), by);
}

nlohmann::json rows_of(const torch::Tensor& kernel) {
  nlohmann::json rows = nlohmann::json::array();
  for (int64_t y = 0; y < kernel.size(0); ++y) {
    nlohmann::json row = nlohmann::json::array();
    for (int64_t x = 0; x < kernel.size(1); ++x) row.push_back(kernel[y][x].item<double>());
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string picture(const torch::Tensor& image, int quality) {
  return "data:image/webp;base64," + base64(encode_webp(image, quality));
}

// Energy in 1/255 as a picture: black where there is none, through red and yellow to white at `most`.
torch::Tensor heat(const torch::Tensor& map, double most) {
  const torch::Tensor level = (map / most).clamp(0.0, 1.0);
  const auto ramp = [&](double from) { return (3.0 * level - from).clamp(0.0, 1.0); };
  return torch::cat({ramp(0.0), ramp(1.0), ramp(2.0)}, 1).to(torch::kFloat32);
}

// Of every method, on one scale: the 99.9th percentile of the method that adds most.
void add_invented(const Comparison& comparison, nlohmann::json& data) {
  std::vector<torch::Tensor> maps;
  double most = 0.0;
  for (const MethodResult& result : comparison.results) {
    maps.emplace_back();
    if (!result.figures.contains("invented") || !comparison.input.defined()) continue;
    maps.back() = 255.0 * invented_detail(result.image, comparison.input);
    const torch::Tensor values = maps.back().flatten();
    const int64_t rank = std::max<int64_t>(1, static_cast<int64_t>(0.999 * static_cast<double>(values.numel())));
    most = std::max(most, std::get<0>(values.kthvalue(rank)).item<double>());
  }
  if (most <= 0.0) return;
  data["invented_most"] = most;
  for (size_t i = 0; i < maps.size(); ++i) {
    if (maps[i].defined()) data["methods"][i]["invented"] = picture(heat(maps[i], most), 60);
  }
}

nlohmann::json method_json(const MethodResult& result) {
  nlohmann::json json{{"name", result.spec.name},
                      {"status", result.status},
                      {"message", result.message},
                      {"figures", result.figures},
                      {"settings", result.settings}};
  if (json["figures"].is_null()) json["figures"] = nlohmann::json::object();
  if (result.kernel.defined()) json["kernel"] = rows_of(result.kernel);
  if (!result.steps.empty()) json["losses"] = {result.steps, result.losses};
  return json;
}

// The columns that some method has a figure for.
nlohmann::json columns_json(const Comparison& comparison) {
  nlohmann::json columns = nlohmann::json::array();
  for (const FigureColumn& column : figure_columns()) {
    bool known = column.key == "name";
    for (const MethodResult& result : comparison.results) known = known || result.figures.contains(column.key);
    if (!known) continue;
    columns.push_back({{"key", column.key},
                       {"title", column.title},
                       {"about", column.about},
                       {"digits", column.digits},
                       {"best", column.best}});
  }
  return columns;
}

std::string page_with(const Comparison& comparison, int quality) {
  nlohmann::json data{{"photo", comparison.photo}, {"columns", columns_json(comparison)}};
  nlohmann::json methods = nlohmann::json::array();
  std::string preferred;
  for (const MethodResult& result : comparison.results) {
    nlohmann::json method = method_json(result);
    if (result.image.defined()) method["image"] = picture(result.image, quality);
    if (result.image.defined()) preferred = result.spec.name;
    methods.push_back(std::move(method));
  }
  if (comparison.reference.defined()) data["truth"] = picture(comparison.reference, quality);
  data["methods"] = std::move(methods);
  add_invented(comparison, data);
  data["preferred"] = preferred;
  data["crops"] = nlohmann::json::array();
  for (const Crop& crop : comparison.crops)
    data["crops"].push_back({{"x", crop.x}, {"y", crop.y}, {"side", crop.side}});

  std::string styles;
  for (const char* const file : {"vendor/img-comparison-slider.css", "vendor/uPlot.min.css", "report.css"}) {
    styles += web_file(file);
    styles += '\n';
  }
  std::string scripts;
  for (const char* const file : {"vendor/img-comparison-slider.js", "vendor/panzoom.min.js", "vendor/uPlot.iife.min.js",
                                 "vendor/sortable.min.js", "vendor/sortable.a11y.min.js", "report.js"}) {
    scripts += web_file(file);
    scripts += "\n;\n";
  }
  std::string page(web_file("report.html"));
  const std::string title = escaped("Methods on " + comparison.photo);
  replace(page, "@TITLE@", title);
  replace(page, "@TITLE@", title);
  replace(page, "@SUBTITLE@", escaped(comparison.subtitle));
  replace(page, "@PROTOCOL@", escaped(comparison.protocol));
  replace(page, "@FOOTER@", escaped(comparison.footer));
  replace(page, "@STYLES@", styles);
  // The large parts last: no mark is looked for in them.
  const size_t script_at = page.find("@SCRIPTS@");
  page.replace(script_at, std::string("@SCRIPTS@").size(), scripts);
  replace(page, "@DATA@", for_script(data));
  return page;
}

}  // namespace

std::string report_page(const Comparison& comparison, size_t most_bytes) {
  std::string page;
  for (const int quality : {92, 80, 60, 40}) {
    page = page_with(comparison, quality);
    if (page.size() <= most_bytes) break;
  }
  return page;
}

nlohmann::json report_json(const Comparison& comparison) {
  nlohmann::json methods = nlohmann::json::array();
  for (const MethodResult& result : comparison.results) methods.push_back(method_json(result));
  nlohmann::json crops = nlohmann::json::array();
  for (const Crop& crop : comparison.crops) crops.push_back({{"x", crop.x}, {"y", crop.y}, {"side", crop.side}});
  return {{"command", "compare"},
          {"photo", comparison.photo},
          {"about", comparison.subtitle},
          {"protocol", comparison.protocol},
          {"environment", comparison.footer},
          {"methods", methods},
          {"crops", crops}};
}

std::string report_csv(const Comparison& comparison) {
  std::string text = "method,status";
  for (const FigureColumn& column : figure_columns()) {
    if (column.key != "name") text += "," + column.key;
  }
  text += "\n";
  for (const MethodResult& result : comparison.results) {
    text += fmt::format("\"{}\",{}", result.spec.name, result.status);
    for (const FigureColumn& column : figure_columns()) {
      if (column.key == "name") continue;
      text += ",";
      if (const auto value = figure_value(result.figures, column.key)) text += fmt::format("{:.6g}", *value);
    }
    text += "\n";
  }
  return text;
}

}  // namespace zsr::cli
