#pragma once

#include "degradations/kernel.h"

#include <filesystem>
#include <vector>

namespace zsr {

/// A linear code of blur kernels: the principal directions of many, not centred (SRMD stretches kernels this way).
/// Kernels are flattened column by column, as MATLAB's (:), in true-convolution order (KernelConvention::kKair).
class KernelPca {
 public:
  /// The published basis: a file with one array [components, size * size] (SRMD's P, 15 x 225). Throws InputError.
  static KernelPca load(const std::filesystem::path& path);
  /// The same from a tensor [components, size * size]; `origin` names it in messages.
  static KernelPca from_basis(const torch::Tensor& basis, const std::string& origin);
  /// Basis of `kernels`, all on a support of `size` x `size` (odd): the eigenvectors of K K' with the largest
  /// eigenvalues, each with a positive sum. Throws OptionError.
  static KernelPca fit(const std::vector<BlurKernel>& kernels, int64_t size = 15, int64_t components = 15);
  /// The basis of SRMD's training: `count` random anisotropic Gaussians 15 x 15, sigma along and across from
  /// sqrt(U(0.1, 10)) and its own upper bound (numbers of KAIR's SRMD training).
  static KernelPca srmd(int64_t count = 10000, uint64_t seed = 0);

  /// [components] float64: P vec(k). The kernel is cut or filled to the basis' size first.
  torch::Tensor encode(const BlurKernel& kernel) const;
  /// The kernel of a code, normalised.
  BlurKernel decode(const torch::Tensor& code) const;
  /// Part of the energy of `kernel` that the basis holds, in [0, 1].
  double energy(const BlurKernel& kernel) const;

  /// [components, size * size] float64.
  const torch::Tensor& basis() const { return basis_; }
  int64_t size() const { return size_; }
  int64_t components() const { return basis_.size(0); }

 private:
  KernelPca(torch::Tensor basis, int64_t size) : basis_(std::move(basis)), size_(size) {}
  torch::Tensor flattened(const BlurKernel& kernel) const;

  torch::Tensor basis_;
  int64_t size_;
};

}  // namespace zsr
