#include "pipeline/kernel_network.h"

#include "degradations/kernel_analysis.h"
#include "nn/weights/shipped.h"
#include "pipeline/trained.h"

#include <cmath>
#include <memory>

namespace zsr::pipeline {
namespace {

constexpr const char* kNetworkName = "usrnet-light";
// Of the kernel's difference to the Gaussian fitted to it: 0.1 with the noise of DIV2KRK's kernels, 0.4 a disk, 0.55
// and more a shaken camera. Under Gaussians ZSSR's starting point is better (Set5 x2, variance 2).
constexpr double kMostUnlike = 0.3;
constexpr double kMostNoise = 25.0;  // 1/255, of its training

bool suits(const Request& request) {
  if (request.method != "auto" || request.trained || request.training) return false;
  if (request.kernel.source != KernelRequest::Source::kGiven || !request.kernel.kernel) return false;
  const bool whole = request.scale.y == request.scale.x && request.scale.y == std::round(request.scale.y);
  if (!whole || request.scale.y < 2.0 || request.scale.y > 4.0) return false;
  if (request.noise.source == NoiseRequest::Source::kGiven && request.noise.sigma > kMostNoise) return false;
  return fit_gaussian(*request.kernel.kernel).residual > kMostUnlike;
}

}  // namespace

Request settled(Request request) {
  if (!suits(request) || !is_shipped(kNetworkName)) return request;
  static const auto network = std::make_shared<const Trained>(load_kernel_network(kNetworkName, request.scale));
  request.trained = network;
  return request;
}

}  // namespace zsr::pipeline
