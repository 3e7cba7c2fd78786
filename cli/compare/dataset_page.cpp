#include "cli/compare/dataset_page.h"

#include "cli/compare/page_parts.h"
#include "cli/compare/web_files.h"
#include "cli/terminal/figures.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace zsr::cli {
namespace {

using Json = nlohmann::json;

std::string cell(const Json& figures, const Json& spread, const FigureColumn& column) {
  const std::optional<double> value = figure_value(figures, column.key);
  if (!value) return "<td>&ndash;</td>";
  std::string text = figure_text(value, column.digits);
  if (spread.contains(column.key))
    text += fmt::format(" &plusmn; {:.{}f}", spread[column.key].get<double>(), column.digits);
  return fmt::format("<td data-sort=\"{}\">{}</td>", *value, text);
}

// Methods and the means of their figures.
std::string means_table(const Json& report) {
  std::set<std::string> known;
  for (const Json& method : report["methods"]) {
    for (const auto& [key, value] : method["mean"].items()) known.insert(key);
  }
  std::string table =
      "<table class=\"sortable n-last\"><thead><tr><th scope=\"col\">method</th><th scope=\"col\">images</th>";
  for (const FigureColumn& column : figure_columns()) {
    if (known.count(column.key) > 0) {
      table += fmt::format("<th scope=\"col\" title=\"{}\">{}</th>", escaped(column.about), escaped(column.title));
    }
  }
  table += "</tr></thead><tbody>";
  for (const Json& method : report["methods"]) {
    table += fmt::format("<tr><td>{}</td><td>{}</td>", escaped(method["method"].get<std::string>()),
                         method["images"].get<int64_t>());
    for (const FigureColumn& column : figure_columns()) {
      if (known.count(column.key) > 0) table += cell(method["mean"], method["spread_over_seeds"], column);
    }
    table += "</tr>";
  }
  return table + "</tbody></table>";
}

// Images and what each method reached, mean over the seeds.
std::string images_table(const Json& report) {
  std::map<std::string, std::map<std::string, std::vector<double>>> values;  // image -> method -> PSNR
  std::map<std::string, std::map<std::string, std::string>> why;
  for (const Json& run : report["runs"]) {
    const auto image = run["image"].get<std::string>();
    const auto method = run["method"].get<std::string>();
    const auto psnr_y = figure_value(run["figures"], "psnr_y");
    if (run["status"] == "done" && psnr_y) {
      values[image][method].push_back(*psnr_y);
    } else {
      values[image];
      why[image][method] = run["status"].get<std::string>();
    }
  }
  std::string table = "<table class=\"sortable n-last\"><thead><tr><th scope=\"col\">image</th>";
  for (const Json& method : report["methods"]) {
    table += fmt::format("<th scope=\"col\">{}</th>", escaped(method["method"].get<std::string>()));
  }
  table += "</tr></thead><tbody>";
  for (const auto& [image, by_method] : values) {
    table += fmt::format("<tr><td><a href=\"pages/{}.html\">{}</a></td>", file_name_of(image), escaped(image));
    for (const Json& method : report["methods"]) {
      const auto name = method["method"].get<std::string>();
      const auto found = by_method.find(name);
      if (found == by_method.end()) {
        table += fmt::format("<td data-sort=\"\">{}</td>", escaped(why[image][name]));
        continue;
      }
      double mean = 0.0;
      for (const double value : found->second) mean += value / static_cast<double>(found->second.size());
      table += fmt::format("<td data-sort=\"{0}\">{0:.2f}</td>", mean);
    }
    table += "</tr>";
  }
  return table + "</tbody></table>";
}

}  // namespace

std::string dataset_page(const Json& report) {
  const std::string title = escaped(fmt::format("Methods on {}", report["benchmark"].get<std::string>()));
  const auto section = [](const char* heading, const std::string& note, const std::string& table) {
    return fmt::format(
        "<section><h2>{0}</h2><p class=\"note\">{1}</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"{0}\">{2}</div></section>",
        heading, note, table);
  };
  const std::string subtitle = fmt::format("{}, enlarged {} times, {} seed(s)", report["layout"].get<std::string>(),
                                           report["scale"].get<int64_t>(), report["seeds"].get<int64_t>());
  std::string notes;
  for (const Json& left_out : report["left_out"]) {
    notes += fmt::format("<p class=\"note\">Left out: {}</p>", escaped(left_out.get<std::string>()));
  }
  for (const Json& note : report["notes"]) {
    notes += fmt::format("<p class=\"note\">{}</p>", escaped(note.get<std::string>()));
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, "
      "initial-scale=1\"><title>{0}</title><style>{1}</style></head>\n<body><header><h1>{0}"
      "</h1><p "
      "class=\"note\">{2}</p></header><main>{3}{4}{5}</main><footer>{6}</footer><script>{7}\n;\n{8}</script></body>"
      "</html>\n",
      title, web_file("report.css"), escaped(subtitle),
      section("Means", escaped(report["protocol"].get<std::string>()), means_table(report)),
      section("Every image", "PSNR of luma, dB; the name leads to the pictures.", images_table(report)), notes,
      escaped(report["environment"].get<std::string>()), web_file("vendor/sortable.min.js"),
      web_file("vendor/sortable.a11y.min.js"));
}

std::string dataset_csv(const Json& report) {
  std::string text = "image,method,seed,status";
  for (const FigureColumn& column : figure_columns()) {
    if (column.key != "name") text += "," + column.key;
  }
  text += "\n";
  for (const Json& run : report["runs"]) {
    text += fmt::format("\"{}\",\"{}\",{},{}", run["image"].get<std::string>(), run["method"].get<std::string>(),
                        run["seed"].get<int64_t>(), run["status"].get<std::string>());
    for (const FigureColumn& column : figure_columns()) {
      if (column.key == "name") continue;
      text += ",";
      if (const auto value = figure_value(run["figures"], column.key)) text += fmt::format("{:.6g}", *value);
    }
    text += "\n";
  }
  return text;
}

}  // namespace zsr::cli
