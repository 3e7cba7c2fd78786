#include "degradations/kernel_pca.h"

#include "core/error.h"
#include "core/random.h"
#include "degradations/array_file.h"
#include "degradations/kernel_analysis.h"
#include "degradations/kernel_families.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace zsr {

KernelPca KernelPca::load(const std::filesystem::path& path) {
  const std::vector<torch::Tensor> arrays = load_arrays(path, "kernel basis");
  if (arrays.size() != 1) {
    throw InputError(fmt::format("kernel basis '{}' holds {} arrays, must be one", path.string(), arrays.size()));
  }
  return from_basis(arrays[0], path.string());
}

KernelPca KernelPca::from_basis(const torch::Tensor& basis, const std::string& origin) {
  const int64_t columns = basis.dim() == 2 ? basis.size(1) : 0;
  const auto size = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(columns))));
  if (columns == 0 || size * size != columns || size % 2 == 0 || basis.size(0) > columns) {
    throw InputError(fmt::format("kernel basis '{}' is {}x{}, must be components x (odd size squared), e.g. 15x225",
                                 origin, basis.dim() > 0 ? basis.size(0) : 0, columns));
  }
  if (!torch::isfinite(basis).all().item<bool>()) {
    throw InputError(fmt::format("kernel basis '{}' has NaN or infinite entries", origin));
  }
  return {basis.to(torch::kFloat64).clone(), size};
}

KernelPca KernelPca::fit(const std::vector<BlurKernel>& kernels, int64_t size, int64_t components) {
  if (size < 1 || size % 2 == 0 || size > 63)
    throw OptionError(fmt::format("basis size = {}, must be odd, 1-63", size));
  if (components < 1 || components > size * size) {
    throw OptionError(fmt::format("components = {}, must be 1 to {}", components, size * size));
  }
  if (kernels.empty()) throw OptionError("no kernels to find principal directions of");
  KernelPca empty(torch::empty({0, size * size}, torch::kFloat64), size);
  torch::Tensor moment = torch::zeros({size * size, size * size}, torch::kFloat64);
  for (const BlurKernel& kernel : kernels) {
    const torch::Tensor k = empty.flattened(kernel);
    moment.addr_(k, k);
  }
  const auto eigen = torch::linalg_eigh(moment, "U");
  torch::Tensor basis = std::get<1>(eigen).slice(1, size * size - components).flip({1}).t().contiguous();
  basis = basis * torch::where(basis.sum(1, true).lt(0.0), -1.0, 1.0);  // the sign of an eigenvector is free
  return {basis, size};
}

KernelPca KernelPca::srmd(int64_t count, uint64_t seed) {
  Random random(derive_seed(seed, "kernel-pca"));
  std::vector<BlurKernel> kernels;
  kernels.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    KernelSpec spec{.family = KernelFamily::kGaussian, .size = 15};
    const double first = random.uniform(0.1, 10.0);
    spec.sigma_1 = std::sqrt(first);
    spec.sigma_2 = std::sqrt(random.uniform(0.1, first));
    spec.angle = random.uniform(0.0, std::numbers::pi);
    kernels.push_back(make_kernel(spec));
  }
  return fit(kernels);
}

torch::Tensor KernelPca::flattened(const BlurKernel& kernel) const {
  const BlurKernel fitted = with_support(kernel, size_, size_);
  return fitted.to_convention(KernelConvention::kKair).t().contiguous().view({-1});
}

torch::Tensor KernelPca::encode(const BlurKernel& kernel) const {
  return torch::mv(basis_, flattened(kernel));
}

BlurKernel KernelPca::decode(const torch::Tensor& code) const {
  const torch::Tensor vector = torch::mv(basis_.t(), code.to(torch::kFloat64));
  return BlurKernel::from_convention(vector.view({size_, size_}).t().contiguous(), KernelConvention::kKair,
                                     "kernel of the code");
}

double KernelPca::energy(const BlurKernel& kernel) const {
  const torch::Tensor k = flattened(kernel);
  const torch::Tensor inside = torch::mv(basis_.t(), torch::mv(basis_, k));
  return (inside.square().sum() / k.square().sum()).item<double>();
}

}  // namespace zsr
