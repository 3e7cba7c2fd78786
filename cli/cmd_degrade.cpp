#include "cli/command.h"
#include "cli/options.h"
#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/device.h"
#include "core/error.h"
#include "core/image/photo.h"
#include "datasets/image_folder.h"
#include "degradations/downsample.h"
#include "degradations/kernel_io.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <filesystem>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct DegradeFlags {
  std::vector<std::string> inputs;
  std::string output;
  std::string scale = "2";
  std::string kernel = "bicubic";
  std::string phase = "center";
  std::string border = "symmetric";
  bool force = false;
};

torch::Tensor cut_to_multiple(const torch::Tensor& image, Scale scale) {
  const auto cut = [](int64_t length, double factor) {
    const auto whole = static_cast<int64_t>(std::llround(factor));
    return std::abs(factor - static_cast<double>(whole)) < 1e-9 ? std::max(whole, length / whole * whole) : length;
  };
  return image.slice(2, 0, cut(image.size(2), scale.y)).slice(3, 0, cut(image.size(3), scale.x));
}

}  // namespace

int run_degrade(const std::vector<std::string>& arguments) {
  DegradeFlags flags;
  OptionSet options(
      "zsr degrade HR... -o FOLDER -s 2 [options]",
      "Makes low-resolution images: MATLAB's imresize of uint8 images to the byte (the benchmark protocol), or a\n"
      "blur kernel and sampling. Images are cut to a multiple of the scale first; results are 8-bit PNG.",
      "  zsr degrade Set5/HR -o Set5/LR_x2 -s 2\n  zsr degrade HR/ -o LR/ -s 4 --kernel kernel.mat\n");
  options.group("Options");
  options.positional("input,i", "HR", "Images or folders", &flags.inputs);
  options.add("output,o", "FOLDER", "Folder for the results", &flags.output);
  options.add("scale,s", "FACTOR", "How many times smaller", &flags.scale);
  options.add("kernel", "FILE", "Blur kernel file, or bicubic", &flags.kernel);
  options.add("phase", "NAME", "center (as imresize) or corner (as image[::s])", &flags.phase);
  options.add("border", "NAME", "Bicubic beyond the edge: symmetric, or replicate (MATLAB before 2014)", &flags.border);
  options.flag("force", "Replace existing results", &flags.force);
  if (!options.parse(arguments)) return kExitOk;
  if (flags.inputs.empty() || flags.output.empty()) throw UsageError("degrade needs images and -o FOLDER");
  const Scale scale = parse_scale(flags.scale);
  if (flags.phase != "center" && flags.phase != "corner") {
    throw UsageError(fmt::format("--phase '{}' must be center or corner", flags.phase));
  }
  if (flags.border != "symmetric" && flags.border != "replicate") {
    throw UsageError(fmt::format("--border '{}' must be symmetric or replicate", flags.border));
  }
  const Phase phase = flags.phase == "corner" ? Phase{} : centered_phase(scale);
  set_thread_count(0);
  std::optional<BlurKernel> kernel;
  if (flags.kernel != "bicubic") kernel = load_kernel(flags.kernel).moved_to(phase);

  std::vector<fs::path> images;
  for (const std::string& input : flags.inputs) {
    if (!fs::is_directory(input)) {
      images.emplace_back(input);
      continue;
    }
    for (const fs::path& image : list_images(input)) images.push_back(image);
  }
  std::error_code error;
  fs::create_directories(flags.output, error);
  if (error) throw IoError(fmt::format("cannot make folder '{}': {}", flags.output, error.message()));

  int result = kExitOk;
  for (const fs::path& path : images) {
    try {
      const fs::path output = fs::path(flags.output) / path.filename().replace_extension("png");
      check_output(output, path, flags.force ? Overwrite::kYes : Overwrite::kNo);
      Photo photo = load_photo(path);
      const torch::Tensor hr = cut_to_multiple(photo.color, scale);
      ResizeOptions resize;
      resize.phase = phase;
      if (flags.border == "replicate") resize.border = ResizeBorder::kReplicate;
      photo.color = kernel ? downsample(hr.to(torch::kFloat64), *kernel, scale, std::nullopt, phase)
                           : imresize_uint8(quantize(hr.to(torch::kFloat64)), {1.0 / scale.y, 1.0 / scale.x}, resize);
      photo.alpha = torch::Tensor();
      WriteOptions write;
      write.bit_depth = 8;
      write.overwrite = flags.force ? Overwrite::kYes : Overwrite::kNo;
      save_photo(photo, output, write);
      fmt::print("{}\n", output.string());
    } catch (const Error& failure) {
      fmt::print(stderr, "zsr: {}\n", failure.what());
      result = kExitFailed;
    }
  }
  return result;
}

}  // namespace zsr::cli
