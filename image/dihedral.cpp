#include "image/dihedral.h"

#include <torch/types.h>

namespace zsr {

torch::Tensor dihedral(const torch::Tensor& image, int64_t index) {
  const torch::Tensor turned = (index & 3) == 0 ? image : torch::rot90(image, index & 3, {-2, -1});
  return index >= 4 ? turned.flip({-1}) : turned;
}

torch::Tensor inverse_dihedral(const torch::Tensor& image, int64_t index) {
  const torch::Tensor mirrored = index >= 4 ? image.flip({-1}) : image;
  return (index & 3) == 0 ? mirrored : torch::rot90(mirrored, -(index & 3), {-2, -1});
}

}  // namespace zsr
