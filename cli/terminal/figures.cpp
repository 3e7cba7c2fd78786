#include "cli/terminal/figures.h"

#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/sha256.h"
#include "core/values.h"
#include "degradations/downsample.h"
#include "degradations/kernel.h"
#include "degradations/kernel_analysis.h"
#include "image/color.h"
#include "nn/weights/load_weights.h"
#include "quality/perceptual.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace zsr::cli {
namespace {

// How well the result, made smaller, is the photo again.
double consistency(const Judged& judged) {
  const auto [image, photo] = with_equal_channels(judged.image, judged.photo);
  const Size size{photo.size(2), photo.size(3)};
  const Scale scale = judged.scale;
  if (!judged.kernel.defined()) return psnr(imresize(image, {1.0 / scale.y, 1.0 / scale.x}, size), photo);
  const BlurKernel kernel = BlurKernel(judged.kernel).moved_to(centered_phase(scale));
  return psnr(downsample(image, kernel, scale, size), photo);
}

}  // namespace

const std::vector<FigureColumn>& figure_columns() {
  static const std::vector<FigureColumn> columns = {
      {"name", "", "method", "", 0, ""},
      {"psnr_y", "psnr", "PSNR Y", "dB, luma, the scale's pixels cut from every side", 2, "high"},
      {"ssim_y", "ssim", "SSIM Y", "structural similarity of luma", 4, "high"},
      {"psnr_rgb", "psnr", "PSNR RGB", "dB, all channels", 2, "high"},
      {"ssim_rgb", "ssim", "SSIM RGB", "structural similarity, mean of the channels", 4, "high"},
      {"ms_ssim", "ms-ssim", "MS-SSIM", "SSIM over five scales, luma", 4, "high"},
      {"psnr_shifted", "shifted", "PSNR shifted", "dB, luma, at the shift by quarter pixels where it is highest", 2,
       "high"},
      {"lpips", "lpips", "LPIPS", "distance in what a classification network sees", 4, "low"},
      {"niqe", "niqe", "NIQE", "how far from the statistics of undistorted photos; no reference", 2, "low"},
      {"consistency_db", "consistency", "LR-PSNR", "dB: the result made smaller by its kernel against the photo", 1,
       "high"},
      {"invented", "invented", "invented detail", "mean energy of detail beyond what the photo suggests, 1/255", 2, ""},
      {"kernel_psnr", "kernel", "kernel PSNR", "dB, the estimated blur kernel against the true one's peak", 1, "high"},
      {"seconds", "", "seconds", "from start to end of the process", 1, "low"},
      {"peak_memory_mb", "", "memory, MB", "most that it held at once", 0, "low"},
  };
  return columns;
}

void add_figure_flags(OptionSet& options, FigureFlags& flags) {
  options.add("niqe", "FILE",
              "NIQE too: its model, modelparameters.mat of the authors' release or niqe_pris_params.npz of BasicSR",
              &flags.niqe);
  options.add(
      "lpips", "BACKBONE,HEADS",
      "LPIPS too: torchvision's alexnet or vgg16 (.pth, .safetensors) and the authors' heads (alex.pth, vgg.pth)",
      &flags.lpips);
}

FigureTools load_figure_tools(const FigureFlags& flags) {
  FigureTools tools;
  for (const FigureColumn& column : figure_columns()) {
    if (!column.metric.empty()) tools.metrics.insert(column.metric);
  }
  if (!flags.niqe.empty()) {
    tools.niqe = NiqeModel::from(load_weights(flags.niqe));
    tools.key += "niqe " + sha256_of_file(flags.niqe);
  }
  if (!flags.lpips.empty()) {
    const std::vector<std::string> files = split_list(flags.lpips);
    if (files.size() != 2 || files[0].empty()) {
      throw UsageError(fmt::format("--lpips '{}' must be BACKBONE,HEADS: two files", flags.lpips));
    }
    tools.lpips = std::make_shared<const Lpips>(load_weights(files[0]), load_weights(files[1]));
    tools.key += "lpips " + sha256_of_file(files[0]) + sha256_of_file(files[1]);
  }
  return tools;
}

nlohmann::json figures_of(const Judged& judged, const FigureTools& tools) {
  nlohmann::json figures = nlohmann::json::object();
  const auto wanted = [&](const char* metric) { return tools.metrics.count(metric) > 0; };
  const auto put = [&](const char* key, double value) { put_figure(figures, key, value); };
  if (tools.niqe && wanted("niqe")) put("niqe", niqe(judged.image, *tools.niqe));
  if (judged.photo.defined()) {
    if (wanted("consistency")) put("consistency_db", consistency(judged));
    if (wanted("invented") && judged.scale.y == judged.scale.x) {
      const auto [image, photo] = with_equal_channels(judged.image, judged.photo);
      put("invented", 255.0 * invented_detail(image, photo).mean().item<double>());
    }
  }
  if (wanted("kernel") && judged.kernel.defined() && judged.true_kernel.defined()) {
    put("kernel_psnr", compare_kernels(BlurKernel(judged.true_kernel), BlurKernel(judged.kernel)).psnr);
  }
  if (!judged.reference.defined()) return figures;
  const auto [image, reference] = with_equal_channels(judged.image, judged.reference);
  if (wanted("psnr") || wanted("ssim")) {
    const Metrics metrics = compare_images(image, reference, judged.protocol);
    if (wanted("psnr")) put("psnr_y", metrics.psnr_y), put("psnr_rgb", metrics.psnr_rgb);
    if (wanted("ssim")) put("ssim_y", metrics.ssim_y), put("ssim_rgb", metrics.ssim_rgb);
  }
  if (wanted("ms-ssim")) put("ms_ssim", ms_ssim(luma(image), luma(reference)));
  if (wanted("shifted")) {
    const ShiftedPsnr shifted = shifted_psnr(luma(image), luma(reference), judged.protocol.shave);
    put("psnr_shifted", shifted.psnr);
    put("shift_x", shifted.shift_x);
    put("shift_y", shifted.shift_y);
  }
  if (tools.lpips && wanted("lpips")) put("lpips", tools.lpips->distance(image, reference));
  return figures;
}

std::optional<double> figure_value(const nlohmann::json& figures, const std::string& key) {
  const auto found = figures.find(key);
  if (found == figures.end()) return std::nullopt;
  if (found->is_number()) return found->get<double>();
  const auto infinite = figures.find("infinite");
  if (infinite == figures.end() || std::find(infinite->begin(), infinite->end(), key) == infinite->end()) {
    return std::nullopt;
  }
  return std::numeric_limits<double>::infinity();
}

std::string figure_text(std::optional<double> value, int digits) {
  if (!value) return "-";
  return std::isinf(*value) ? "inf" : fmt::format("{:.{}f}", *value, digits);
}

void put_figure(nlohmann::json& figures, const std::string& key, double value) {
  if (std::isfinite(value)) figures[key] = value;
  if (!std::isinf(value)) return;
  figures[key] = nullptr;
  figures["inf"] = true;
  figures["infinite"].push_back(key);
}

nlohmann::json mean_figures(const std::vector<nlohmann::json>& images, const std::vector<std::string>& keys) {
  nlohmann::json mean = nlohmann::json::object();
  nlohmann::json counted = nlohmann::json::object();
  for (const std::string& key : keys) {
    double sum = 0.0;
    int64_t count = 0;
    bool infinite = false;
    for (const nlohmann::json& figures : images) {
      const std::optional<double> value = figure_value(figures, key);
      if (!value) continue;
      infinite = infinite || std::isinf(*value);
      if (std::isinf(*value)) continue;
      sum += *value;
      ++count;
    }
    counted[key] = count;
    mean[key] = nullptr;
    if (count > 0) {
      mean[key] = sum / static_cast<double>(count);
    } else if (infinite) {
      put_figure(mean, key, std::numeric_limits<double>::infinity());
    }
  }
  mean["counted"] = counted;
  return mean;
}

}  // namespace zsr::cli
