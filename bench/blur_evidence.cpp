// What photos tell about their blur (degradations/estimation/blur/blur_evidence.h), a line of JSON each, for
// bench/fit-blur-regression.
//   zsr_blur_evidence SCALE FOLDER...
// FOLDER is what 'zsr degrade -o FOLDER -s SCALE' wrote: LR/ and, with a recipe that blurs, kernels/; without kernels/
// the photos count as made by imresize. "true" is the logarithm of the blur's covariance in pixels of the LR photo.
#include "degradations/estimation/blur/blur_evidence.h"

#include "core/error.h"
#include "datasets/image_folder.h"
#include "degradations/estimation/estimate.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace {

using namespace zsr;
namespace fs = std::filesystem;

std::array<double, 3> log_of_kernel(const BlurKernel& kernel, double scale) {
  const torch::Tensor weights = kernel.weights();
  const auto [middle_y, middle_x] = kernel.center_of_mass();
  const torch::Tensor y = torch::arange(kernel.height(), torch::kFloat64).sub(middle_y).unsqueeze(1);
  const torch::Tensor x = torch::arange(kernel.width(), torch::kFloat64).sub(middle_x).unsqueeze(0);
  const auto moment = [&](const torch::Tensor& product) {
    return (weights * product).sum().item<double>() / (scale * scale);
  };
  return blur::log_of({moment(x * x), moment(y * y), moment(x * y)});
}

void print_folder(const fs::path& folder, double scale) {
  for (const fs::path& path : list_images(folder / "LR")) {
    const Photo photo = load_photo(path);
    const FineScale fine = look_at_fine_scale(photo.color);
    const blur::BlurEvidence evidence =
        blur::gather_evidence(photo.color, {fine.noise, fine.detail, fine.jpeg_quality});
    nlohmann::json line = {{"set", folder.filename().string()},
                           {"photo", path.stem().string()},
                           {"scale", scale},
                           {"spoiled", static_cast<int>(evidence.spoiled)},
                           {"features", evidence.features},
                           {"stretch", evidence.stretch},
                           {"detail", fine.detail},
                           {"true", nullptr}};
    const fs::path kernel = folder / "kernels" / path.stem().concat(".mat");
    if (fs::exists(kernel)) line["true"] = log_of_kernel(load_kernel(kernel), scale);
    fmt::print("{}\n", line.dump());
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    fmt::print(stderr, "usage: zsr_blur_evidence SCALE FOLDER...\n");
    return 2;
  }
  try {
    for (int i = 2; i < count; ++i) print_folder(words[i], std::stod(words[1]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "zsr_blur_evidence: {}\n", error.what());
    return 1;
  }
  return 0;
}
