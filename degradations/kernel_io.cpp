#include "degradations/kernel_io.h"

#include "core/error.h"
#include "degradations/array_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace zsr {
namespace {

namespace fs = std::filesystem;

// Rounding of float32 files with some thousand entries stays far below this.
constexpr double kSumTolerance = 1e-3;

void check_sum(const torch::Tensor& weights, const std::string& name) {
  const double sum = weights.sum().item<double>();
  if (std::abs(sum - 1.0) <= kSumTolerance || !std::isfinite(sum)) return;  // BlurKernel names NaN and the like
  throw InputError(
      fmt::format("{} sums to {:.6g}, not 1, and would change the brightness; normalise it on purpose "
                  "(--normalize-kernel)",
                  name, sum));
}

struct OneOfMany {
  fs::path file;
  size_t number = 0;
};

// "kernels_12.mat#3", unless a file has that very name.
std::optional<OneOfMany> one_of_many(const fs::path& path) {
  const std::string text = path.string();
  const size_t hash = text.rfind('#');
  if (hash == std::string::npos || hash + 1 == text.size() || fs::exists(path)) return std::nullopt;
  OneOfMany chosen{text.substr(0, hash), 0};
  const auto parsed = std::from_chars(text.data() + hash + 1, text.data() + text.size(), chosen.number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return chosen;
}

void append_file(const fs::path& path, KernelConvention convention, KernelSum rule, std::vector<BlurKernel>& kernels) {
  const std::vector<torch::Tensor> arrays = load_arrays(path, "kernel");
  const bool strict = rule == KernelSum::kMustBeOne && !is_image_file(path);  // brightness has no scale of its own
  for (size_t i = 0; i < arrays.size(); ++i) {
    const std::string name = arrays.size() == 1 ? fmt::format("kernel '{}'", path.string())
                                                : fmt::format("kernel {} of '{}'", i + 1, path.string());
    if (strict) check_sum(arrays[i], name);
    kernels.push_back(BlurKernel::from_convention(arrays[i], convention, name));
  }
}

}  // namespace

BlurKernel load_kernel(const fs::path& path, KernelConvention convention, KernelSum rule) {
  std::vector<BlurKernel> kernels;
  if (const auto chosen = one_of_many(path)) {
    append_file(chosen->file, convention, rule, kernels);
    if (chosen->number < 1 || chosen->number > kernels.size()) {
      throw InputError(fmt::format("kernel '{}': the file holds {} kernels", path.string(), kernels.size()));
    }
    return kernels[chosen->number - 1];
  }
  append_file(path, convention, rule, kernels);
  if (kernels.size() != 1) {
    throw InputError(fmt::format("kernel '{}' holds {} kernels, one is needed; name one as FILE#N (1 to {})",
                                 path.string(), kernels.size(), kernels.size()));
  }
  return kernels[0];
}

std::vector<BlurKernel> load_kernels(const fs::path& path, KernelConvention convention, KernelSum rule) {
  std::vector<BlurKernel> kernels;
  if (!fs::is_directory(path)) {
    append_file(path, convention, rule, kernels);
    return kernels;
  }
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const std::string extension = it->path().extension().string();
    if (extension == ".mat" || extension == ".npy" || extension == ".txt") files.push_back(it->path());
  }
  if (error) throw IoError(fmt::format("cannot list folder '{}': {}", path.string(), error.message()));
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) append_file(file, convention, rule, kernels);
  if (kernels.empty()) throw InputError(fmt::format("no kernel files (.mat, .npy, .txt) in '{}'", path.string()));
  return kernels;
}

void save_kernel(const BlurKernel& kernel, const fs::path& path, KernelConvention convention, Overwrite overwrite) {
  save_array(kernel.to_convention(convention), path, overwrite);
}

KernelConvention parse_kernel_convention(const std::string& text, const std::string& flag) {
  if (text == "zssr" || text == "kernelgan") return KernelConvention::kZssr;
  if (text == "kair" || text == "usrnet") return KernelConvention::kKair;
  if (text == "fkp") return KernelConvention::kFkp;
  throw OptionError(fmt::format("--{} '{}' must be zssr, kair or fkp", flag, text));
}

}  // namespace zsr
