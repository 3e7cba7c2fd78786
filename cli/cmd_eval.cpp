#include "cli/command.h"
#include "cli/options.h"
#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/image/metrics.h"
#include "core/image/photo.h"
#include "datasets/image_folder.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace zsr::cli {
namespace {

struct EvalFlags {
  std::string reference;
  std::string result;
  std::string scale = "2";
  std::string luma = "float";
  std::string csv;
  int64_t shave = -1;
  bool json = false;
  bool force = false;
};

struct Row {
  std::string name;
  Metrics metrics;
};

// References that were not cut to a multiple of the scale are a few pixels larger; papers cut them at the bottom right.
torch::Tensor cut_to(const torch::Tensor& reference, const torch::Tensor& result, Scale scale, const ImagePair& pair) {
  const int64_t more_rows = reference.size(2) - result.size(2);
  const int64_t more_columns = reference.size(3) - result.size(3);
  if (more_rows < 0 || more_columns < 0 || static_cast<double>(more_rows) >= scale.y ||
      static_cast<double>(more_columns) >= scale.x) {
    throw InputError(fmt::format("'{}' is {}x{} but its reference '{}' is {}x{}; they must be equal in size",
                                 pair.result.string(), result.size(3), result.size(2), pair.reference.string(),
                                 reference.size(3), reference.size(2)));
  }
  return reference.slice(2, 0, result.size(2)).slice(3, 0, result.size(3));
}

Row evaluate(const ImagePair& pair, Scale scale, const MetricProtocol& protocol) {
  const torch::Tensor result = load_photo(pair.result).color;
  const torch::Tensor reference = load_photo(pair.reference).color;
  return {pair.name, compare_images(result, cut_to(reference, result, scale, pair), protocol)};
}

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

nlohmann::json to_json(const Metrics& metrics) {
  return {{"psnr_y", number(metrics.psnr_y)},
          {"ssim_y", number(metrics.ssim_y)},
          {"psnr_rgb", number(metrics.psnr_rgb)},
          {"ssim_rgb", number(metrics.ssim_rgb)}};
}

Metrics mean_of(const std::vector<Row>& rows) {
  Metrics mean;
  const auto n = static_cast<double>(rows.size());
  for (const Row& row : rows) {
    mean.psnr_y += row.metrics.psnr_y / n;
    mean.ssim_y += row.metrics.ssim_y / n;
    mean.psnr_rgb += row.metrics.psnr_rgb / n;
    mean.ssim_rgb += row.metrics.ssim_rgb / n;
  }
  return mean;
}

void print_table(const std::vector<Row>& rows, const Metrics& mean, const MetricProtocol& protocol) {
  size_t width = 4;
  for (const Row& row : rows) width = std::max(width, row.name.size());
  const auto line = [&](const std::string& name, const Metrics& m) {
    fmt::print("{:<{}}  {:>8.4f}  {:.4f}  {:>8.4f}  {:.4f}\n", name, width, m.psnr_y, m.ssim_y, m.psnr_rgb, m.ssim_rgb);
  };
  fmt::print("{:<{}}  {:>8}  {:<6}  {:>8}  {:<6}\n", "name", width, "PSNR-Y", "SSIM-Y", "PSNR", "SSIM");
  for (const Row& row : rows) line(row.name, row.metrics);
  line("mean", mean);
  fmt::print("{}\n", describe(protocol));
}

std::string csv_text(const std::vector<Row>& rows) {
  std::string text = "name,psnr_y,ssim_y,psnr_rgb,ssim_rgb\n";
  for (const Row& row : rows) {
    std::string name;
    for (const char c : row.name) {
      if (c == '"') name += '"';  // doubled inside quotes
      name += c;
    }
    text += fmt::format("\"{}\",{},{},{},{}\n", name, row.metrics.psnr_y, row.metrics.ssim_y, row.metrics.psnr_rgb,
                        row.metrics.ssim_rgb);
  }
  return text;
}

}  // namespace

int run_eval(const std::vector<std::string>& arguments) {
  EvalFlags flags;
  OptionSet options(
      "zsr eval -r REFERENCE -i RESULT -s 2 [options]",
      "PSNR and SSIM of images against references, paired by name. Protocol of the super-resolution papers:\n"
      "luma of MATLAB's rgb2ycbcr, as many pixels cut from every side as the scale says.",
      "  zsr eval -r Set5/HR -i results -s 2\n  zsr eval -r truth.png -i result.png -s 4 --json\n");
  options.group("Options");
  options.add("reference,r", "PATH", "Ground truth: a file or a folder", &flags.reference);
  options.add("input,i", "PATH", "Results: a file or a folder", &flags.result);
  options.add("scale,s", "FACTOR", "Scale of the results; decides how much is shaved", &flags.scale);
  options.add("shave", "PIXELS", "Pixels cut from every side; -1 = the scale", &flags.shave);
  options.add("luma", "NAME", "float (as RCAN and later) or integer (rounded, as SelfExSR and older)", &flags.luma);
  options.add("csv", "FILE", "Also write a row per image", &flags.csv);
  options.flag("force", "Replace an existing CSV file", &flags.force);
  options.flag("json", "Print one JSON object instead of the table", &flags.json);
  if (!options.parse(arguments)) return kExitOk;
  if (flags.reference.empty() || flags.result.empty()) throw UsageError("eval needs -r REFERENCE and -i RESULT");
  if (flags.luma != "float" && flags.luma != "integer") {
    throw UsageError(fmt::format("--luma '{}' must be float or integer", flags.luma));
  }
  const Scale scale = parse_scale(flags.scale, true);
  MetricProtocol protocol;
  protocol.shave = flags.shave >= 0 ? flags.shave : static_cast<int64_t>(std::ceil(std::max(scale.x, scale.y)));
  protocol.luma = flags.luma == "integer" ? MetricProtocol::Luma::kInteger : MetricProtocol::Luma::kFloat;
  set_thread_count(0);
  const Overwrite overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
  if (!flags.csv.empty()) check_output(flags.csv, {}, overwrite);

  std::vector<Row> rows;
  for (const ImagePair& pair : pair_by_name(flags.result, flags.reference)) {
    rows.push_back(evaluate(pair, scale, protocol));
  }
  const Metrics mean = mean_of(rows);
  if (!flags.csv.empty()) write_file_atomically(flags.csv, csv_text(rows), overwrite);
  if (!flags.json) {
    print_table(rows, mean, protocol);
    return kExitOk;
  }
  nlohmann::json images = nlohmann::json::array();
  for (const Row& row : rows) {
    nlohmann::json entry = to_json(row.metrics);
    entry["name"] = row.name;
    images.push_back(std::move(entry));
  }
  fmt::print("{}\n",
             nlohmann::json{{"mean", to_json(mean)}, {"images", images}, {"protocol", describe(protocol)}}.dump(2));
  return kExitOk;
}

}  // namespace zsr::cli
