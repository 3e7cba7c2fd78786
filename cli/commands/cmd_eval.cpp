#include "cli/command.h"
#include "cli/commands/left_out.h"
#include "cli/commands/light_figures.h"
#include "cli/flags/options.h"
#include "cli/terminal/figures.h"
#include "cli/terminal/usage_error.h"
#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "datasets/image_folder.h"
#include "degradations/kernel_io.h"
#include "image/hdr_metrics.h"
#include "image/metrics.h"
#include "image/photo.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct EvalFlags {
  std::string reference;
  std::string result;
  std::string photo;
  std::string kernel;
  std::string scale = "2";
  std::string luma = "float";
  std::string metrics;
  std::string csv;
  FigureFlags figures;
  int64_t shave = -1;
  bool json = false;
  bool force = false;
};

// An image to be judged, with its partners.
struct Entry {
  std::string name;
  fs::path result, reference, photo;
};

struct Row {
  std::string name;
  nlohmann::json figures;
};

Photo load_whole(const fs::path& path, bool hdr, LeftOut& left_out) {
  ReadLimits limits;
  limits.hdr = hdr;
  Photo photo = load_photo(path, limits);
  if (photo.alpha.defined()) left_out.add("transparency is ignored", path.string());
  return photo;
}

torch::Tensor load_judged(const fs::path& path, LeftOut& left_out) {
  return load_whole(path, false, left_out).color;
}

// References that were not cut to a multiple of the scale are a few pixels larger; papers cut them at the bottom right.
torch::Tensor cut_to(const torch::Tensor& reference, const torch::Tensor& result, Scale scale, const Entry& entry,
                     LeftOut& left_out) {
  const int64_t more_rows = reference.size(2) - result.size(2);
  const int64_t more_columns = reference.size(3) - result.size(3);
  if (more_rows < 0 || more_columns < 0 || static_cast<double>(more_rows) >= scale.y ||
      static_cast<double>(more_columns) >= scale.x) {
    throw InputError(fmt::format("'{}' is {}x{} but its reference '{}' is {}x{}; they must be equal in size",
                                 entry.result.string(), result.size(3), result.size(2), entry.reference.string(),
                                 reference.size(3), reference.size(2)));
  }
  if (more_rows > 0 || more_columns > 0) {
    left_out.add("the reference is cut at right and bottom to its result's size",
                 fmt::format("{} ({}x{} to {}x{})", entry.reference.string(), reference.size(3), reference.size(2),
                             result.size(3), result.size(2)));
  }
  return reference.slice(2, 0, result.size(2)).slice(3, 0, result.size(3));
}

torch::Tensor read_photo(const Entry& entry, const torch::Tensor& result, Scale scale, LeftOut& left_out) {
  const torch::Tensor photo = load_judged(entry.photo, left_out);
  const Size size = scaled_size({photo.size(2), photo.size(3)}, scale);
  if (size.height != result.size(2) || size.width != result.size(3)) {
    throw InputError(fmt::format("'{}' is {}x{} but '{}' enlarged {} times is {}x{}", entry.result.string(),
                                 result.size(3), result.size(2), entry.photo.string(), format_scale(scale), size.width,
                                 size.height));
  }
  return photo;
}

std::vector<Entry> entries_of(const EvalFlags& flags) {
  std::vector<Entry> entries;
  std::map<std::string, size_t> by_name;
  if (!flags.reference.empty()) {
    for (const ImagePair& pair : pair_by_name(flags.result, flags.reference)) {
      by_name[pair.name] = entries.size();
      entries.push_back({pair.name, pair.result, pair.reference, {}});
    }
  }
  if (!flags.photo.empty()) {
    const bool alone = entries.empty();
    for (const ImagePair& pair : pair_by_name(flags.result, flags.photo)) {
      if (alone) {
        entries.push_back({pair.name, pair.result, {}, pair.reference});
      } else if (const auto found = by_name.find(pair.name); found != by_name.end()) {
        entries[found->second].photo = pair.reference;
      }
    }
  }
  if (!entries.empty()) return entries;
  if (!fs::is_directory(flags.result)) return {{fs::path(flags.result).filename().string(), flags.result, {}, {}}};
  for (const fs::path& path : list_images(flags.result)) entries.push_back({path.filename().string(), path, {}, {}});
  if (entries.empty()) throw InputError(fmt::format("the folder '{}' holds no images", flags.result));
  return entries;
}

// The columns that were asked for and can be had.
std::vector<FigureColumn> columns_of(const EvalFlags& flags, const FigureTools& tools) {
  if (is_light_metric(flags.metrics)) return light_columns(flags.metrics);
  std::vector<FigureColumn> columns;
  for (const FigureColumn& column : figure_columns()) {
    const std::string& metric = column.metric;
    if (metric.empty() || metric == "kernel" || tools.metrics.count(metric) == 0) continue;
    const bool without_reference = metric == "niqe" || metric == "consistency" || metric == "invented";
    if (metric == "niqe" ? !tools.niqe : without_reference ? flags.photo.empty() : flags.reference.empty()) continue;
    if (metric == "lpips" && !tools.lpips) continue;
    columns.push_back(column);
  }
  return columns;
}

// The metrics that the flags name; what a named one lacks is said.
void choose_metrics(const EvalFlags& flags, FigureTools& tools) {
  if (flags.metrics == "all") return;
  if (is_light_metric(flags.metrics)) {
    if (flags.reference.empty()) throw UsageError(fmt::format("--metrics {} needs -r REFERENCE", flags.metrics));
    return;
  }
  if (flags.metrics.empty()) {
    tools.metrics = {"psnr", "ssim", "niqe", "lpips", "consistency", "invented"};
    return;
  }
  std::set<std::string> chosen;
  for (const std::string& word : split_list(flags.metrics)) {
    if (is_light_metric(word)) {
      throw UsageError(fmt::format("--metrics {} stands alone: the others are for sRGB values", word));
    }
    if (tools.metrics.count(word) == 0 || word == "kernel") {
      throw UsageError(
          fmt::format("--metrics: '{}' is none of psnr, ssim, ms-ssim, shifted, lpips, niqe, consistency, invented, "
                      "all, hdr, linear",
                      word));
    }
    const char* lacks = nullptr;
    if (word == "niqe") {
      lacks = tools.niqe ? nullptr : "--niqe FILE";
    } else if (word == "consistency" || word == "invented") {
      lacks = flags.photo.empty() ? "--photo, what the results were made of" : nullptr;
    } else if (flags.reference.empty()) {
      lacks = "-r REFERENCE";
    } else if (word == "lpips" && !tools.lpips) {
      lacks = "--lpips BACKBONE,HEADS";
    }
    if (lacks != nullptr) throw UsageError(fmt::format("--metrics {} needs {}", word, lacks));
    chosen.insert(word);
  }
  tools.metrics = chosen;
}

nlohmann::json mean_of(const std::vector<Row>& rows, const std::vector<FigureColumn>& columns) {
  std::vector<nlohmann::json> images;
  std::vector<std::string> keys;
  for (const Row& row : rows) images.push_back(row.figures);
  for (const FigureColumn& column : columns) keys.push_back(column.key);
  return mean_figures(images, keys);
}

// "PSNR Y over 3 of 4 images, ...": the means that are not over all images.
std::string partial_means(const nlohmann::json& mean, const std::vector<FigureColumn>& columns, size_t images) {
  std::string text;
  for (const FigureColumn& column : columns) {
    const auto count = mean["counted"][column.key].get<size_t>();
    if (count == images || count == 0) continue;
    text += fmt::format("{}{} over {} of {} images", text.empty() ? "" : ", ", column.title, count, images);
  }
  return text;
}

void print_table(const std::vector<Row>& rows, const nlohmann::json& mean, const std::vector<FigureColumn>& columns) {
  size_t width = 4;
  for (const Row& row : rows) width = std::max(width, row.name.size());
  const auto line = [&](const std::string& name, const nlohmann::json& figures) {
    fmt::print("{:<{}}", name, width);
    for (const FigureColumn& column : columns) {
      const int digits = column.metric == "psnr" ? 4 : column.digits;
      const std::string text = figure_text(figure_value(figures, column.key), digits);
      fmt::print("  {:>{}}", text, std::max<size_t>(8, column.title.size()));
    }
    fmt::print("\n");
  };
  fmt::print("{:<{}}", "name", width);
  for (const FigureColumn& column : columns)
    fmt::print("  {:>{}}", column.title, std::max<size_t>(8, column.title.size()));
  fmt::print("\n");
  for (const Row& row : rows) line(row.name, row.figures);
  line("mean", mean);
  const std::string partial = partial_means(mean, columns, rows.size());
  if (!partial.empty()) fmt::print("means are over the finite figures: {}\n", partial);
}

std::string csv_text(const std::vector<Row>& rows, const std::vector<FigureColumn>& columns) {
  std::string text = "name";
  for (const FigureColumn& column : columns) text += "," + column.key;
  text += "\n";
  for (const Row& row : rows) {
    std::string name;
    for (const char c : row.name) {
      if (c == '"') name += '"';  // doubled inside quotes
      name += c;
    }
    text += fmt::format("\"{}\"", name);
    for (const FigureColumn& column : columns) {
      const std::optional<double> value = figure_value(row.figures, column.key);
      text += value ? fmt::format(",{}", *value) : ",";
    }
    text += "\n";
  }
  return text;
}

// Figures of light instead of sRGB values.
nlohmann::json measure_light(const EvalFlags& flags, const Entry& entry, Scale scale, const MetricProtocol& protocol,
                             LeftOut& left_out) {
  const bool hdr = flags.metrics == "hdr";
  const Photo result = load_whole(entry.result, hdr, left_out);
  Photo reference = load_whole(entry.reference, hdr, left_out);
  reference.color = cut_to(reference.color, result.color, scale, entry, left_out);
  for (const auto& [photo, path] : {std::pair{&result, entry.result}, {&reference, entry.reference}}) {
    if (!hdr && !states_linear_light(*photo))
      left_out.add("no profile of linear light; sRGB is taken and made linear", path.string());
    if (hdr && photo->range == DynamicRange::kSdr) {
      left_out.add("SDR, shown with white at 203 cd/m2", path.string());
    }
  }
  return light_figures(flags.metrics, result, reference, protocol.shave);
}

// The figures of all images.
std::vector<Row> measure_all(const EvalFlags& flags, Scale scale, const MetricProtocol& protocol,
                             const FigureTools& tools, LeftOut& left_out) {
  torch::Tensor kernel;
  if (!flags.kernel.empty()) kernel = load_kernel(flags.kernel).weights();
  std::vector<Row> rows;
  for (const Entry& entry : entries_of(flags)) {
    if (is_light_metric(flags.metrics)) {
      rows.push_back({entry.name, measure_light(flags, entry, scale, protocol, left_out)});
      continue;
    }
    Judged judged;
    judged.image = load_judged(entry.result, left_out);
    judged.kernel = kernel;
    judged.scale = scale;
    judged.protocol = protocol;
    if (!entry.reference.empty()) {
      judged.reference = cut_to(load_judged(entry.reference, left_out), judged.image, scale, entry, left_out);
    }
    if (!entry.photo.empty()) judged.photo = read_photo(entry, judged.image, scale, left_out);
    rows.push_back({entry.name, figures_of(judged, tools)});
  }
  return rows;
}

// One object: the mean, every image, the protocol, and what was left out of the comparison.
nlohmann::json report_of(const std::vector<Row>& rows, const nlohmann::json& mean,
                         const std::vector<FigureColumn>& columns, const std::string& about,
                         const std::vector<std::string>& notes) {
  nlohmann::json images = nlohmann::json::array();
  for (const Row& row : rows) {
    nlohmann::json entry{{"name", row.name}};
    for (const FigureColumn& column : columns) {
      entry[column.key] = nullptr;
      if (const auto value = figure_value(row.figures, column.key)) put_figure(entry, column.key, *value);
    }
    images.push_back(std::move(entry));
  }
  return {{"mean", mean}, {"images", images}, {"protocol", about}, {"notes", notes}};
}

std::unique_ptr<OptionSet> make_options(EvalFlags& flags) {
  auto options = std::make_unique<OptionSet>(
      "zsr eval -r REFERENCE -i RESULT -s 2 [options]",
      "PSNR and SSIM of images against references, paired by name. Protocol of the super-resolution papers:\n"
      "luma of MATLAB's rgb2ycbcr, as many pixels cut from every side as the scale says. Without references:\n"
      "NIQE, and what --photo allows to say. Gray against RGB is compared as RGB. PSNR of equal images is inf; in\n"
      "--json null, beside \"inf\": true and the list \"infinite\" of these figures. Means are over the finite "
      "figures;\n"
      "\"counted\" says how many.",
      "  zsr eval -r Set5/HR -i results -s 2\n  zsr eval -r truth.png -i result.png -s 4 --metrics all --json\n"
      "  zsr eval -i result.png --photo small.png -s 2 --kernel kernel.mat\n  zsr eval -r truth.exr -i result.exr -s 2 "
      "--metrics hdr\n");
  options->group("Options");
  options->add("reference,r", "PATH", "Ground truth: a file or a folder", &flags.reference);
  options->add("input,i", "PATH", "Results: a file or a folder", &flags.result);
  options->add("photo", "PATH", "What the results were made of: measures LR consistency and the detail that they add",
               &flags.photo);
  options->add("kernel", "FILE", "--photo: the blur kernel; else bicubic", &flags.kernel);
  options->add("scale,s", "FACTOR", "Scale of the results; decides how much is shaved", &flags.scale);
  options->add(
      "metrics", "LIST",
      "psnr, ssim, ms-ssim, shifted, lpips, niqe, consistency, invented, or all. Default: psnr, ssim and what "
      "the other flags' files allow. Alone: hdr (PQ-PSNR and PU21-PSNR of absolute light), linear (PSNR of "
      "pictures of linear light, such as those of 'zsr develop --color-space linear', and of the same as sRGB)",
      &flags.metrics);
  add_figure_flags(*options, flags.figures);
  options->add("shave", "PIXELS", "Pixels cut from every side; -1 = the scale", &flags.shave);
  options->add("luma", "NAME", "float (as RCAN and later) or integer (rounded, as SelfExSR and older)", &flags.luma);
  options->add("csv", "FILE", "Also write a row per image", &flags.csv);
  options->flag("force", "Replace an existing CSV file", &flags.force);
  options->flag("json", "Print one JSON object instead of the table", &flags.json);
  return options;
}

// Throws UsageError.
void check(const EvalFlags& flags) {
  if (flags.result.empty()) throw UsageError("eval needs -i RESULT, and -r REFERENCE, --photo or --niqe");
  if (flags.reference.empty() && flags.photo.empty() && flags.figures.niqe.empty()) {
    throw UsageError("eval needs -r REFERENCE; without one, --photo or --niqe");
  }
  if (flags.luma != "float" && flags.luma != "integer") {
    throw UsageError(fmt::format("--luma '{}' must be float or integer", flags.luma));
  }
  if (!flags.kernel.empty() && flags.photo.empty()) throw UsageError("--kernel belongs to --photo");
}

}  // namespace

int run_eval(const std::vector<std::string>& arguments) {
  EvalFlags flags;
  const auto options = make_options(flags);
  if (!options->parse(arguments)) return kExitOk;
  check(flags);
  const Scale scale = parse_scale(flags.scale, true);
  MetricProtocol protocol;
  protocol.shave = flags.shave >= 0 ? flags.shave : static_cast<int64_t>(std::ceil(std::max(scale.x, scale.y)));
  protocol.luma = flags.luma == "integer" ? MetricProtocol::Luma::kInteger : MetricProtocol::Luma::kFloat;
  set_thread_count(0);
  const Overwrite overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  if (!flags.csv.empty()) check_output(flags.csv, {}, overwrite);
  FigureTools tools = load_figure_tools(flags.figures);
  choose_metrics(flags, tools);
  const std::vector<FigureColumn> columns = columns_of(flags, tools);
  LeftOut left_out;
  const std::vector<Row> rows = measure_all(flags, scale, protocol, tools, left_out);
  const nlohmann::json mean = mean_of(rows, columns);
  if (!flags.csv.empty()) write_file_atomically(flags.csv, csv_text(rows, columns), overwrite);
  const std::string about = flags.reference.empty()          ? "no references"
                            : is_light_metric(flags.metrics) ? light_protocol(flags.metrics, protocol.shave)
                                                             : describe(protocol);
  const std::vector<std::string> notes = left_out.lines();
  for (const std::string& note : notes) fmt::print(stderr, "zsr: warning: {}\n", note);
  if (flags.json) {
    fmt::print("{}\n", json_text(report_of(rows, mean, columns, about, notes), 2));
    return kExitOk;
  }
  print_table(rows, mean, columns);
  fmt::print("{}\n", about);
  return kExitOk;
}

}  // namespace zsr::cli
