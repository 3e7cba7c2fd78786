// Stands in for onednn_chain.cpp where oneDNN 2.x is not available: everything falls back to at::conv2d.
#include "core/conv/onednn_chain.h"
#include "core/error.h"

#include <torch/torch.h>

namespace zsr::onednn {

struct Chain::Impl {};

Chain::Chain(std::vector<ConvLayer>, ConvBackend) {
  throw Error("this build has no oneDNN convolution");
}
Chain::~Chain() = default;
torch::Tensor Chain::infer(const torch::Tensor&, const std::vector<torch::Tensor>&, const std::vector<torch::Tensor>&) {
  return {};
}
torch::Tensor Chain::forward(const torch::Tensor&, const std::vector<torch::Tensor>&, const std::vector<torch::Tensor>&,
                             std::shared_ptr<Activations>&) {
  return {};
}
torch::Tensor Chain::backward(const torch::Tensor&, const std::vector<torch::Tensor>&,
                              const std::shared_ptr<Activations>&, bool, std::vector<torch::Tensor>&,
                              std::vector<torch::Tensor>&) {
  return {};
}

bool supports(ConvBackend) {
  return false;
}
std::string version() {
  return {};
}

}  // namespace zsr::onednn
