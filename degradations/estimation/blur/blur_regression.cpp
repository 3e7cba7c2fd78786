#include "degradations/estimation/blur/blur_regression.h"

#include "core/error.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::blur {
namespace {

constexpr int64_t kRows = 9;          // each Spoiled at x2, x3, x4
constexpr double kLeastError = 0.05;  // keeps the logarithm of a small error finite
constexpr const char* kRegression = "zsr blur regression";

torch::Tensor take_double(const WeightsFile& weights, const std::string& name, at::IntArrayRef shape) {
  return weights.take(name, shape).to(torch::kFloat64).contiguous();
}

}  // namespace

BlurRegression::Machine::Machine(const WeightsFile& weights, const std::string& name, const std::string& centers_of,
                                 int64_t inputs, int64_t outputs) {
  const std::string at = centers_of + ".centers";
  const torch::Tensor* const found = weights.find(at);
  if (found == nullptr || found->dim() != 2) {
    throw InputError(fmt::format("{}: no tensor '{}' of two dimensions: not a blur regression", weights.origin, at));
  }
  const int64_t count = found->size(0);
  centers = take_double(weights, at, {count, inputs});
  coefficients = take_double(weights, name + ".coefficients", {count + inputs, outputs});
  offsets = take_double(weights, name + ".offsets", {outputs});
  width = take_double(weights, name + ".width", {1}).item<double>();
}

torch::Tensor BlurRegression::Machine::nearness(const torch::Tensor& z) const {
  return torch::exp(-width / static_cast<double>(z.size(0)) * (centers - z).square().sum(1));
}

torch::Tensor BlurRegression::Machine::operator()(const torch::Tensor& z) const {
  return (torch::matmul(torch::cat({nearness(z), z}), coefficients) + offsets).contiguous();
}

BlurRegression::BlurRegression(const WeightsFile& weights)
    : mean_(take_double(weights, "mean", {BlurEvidence::kFeatures})),
      deviation_(take_double(weights, "deviation", {BlurEvidence::kFeatures})),
      size_(weights, "size", "size", BlurEvidence::kFeatures, kRows),
      error_(weights, "error", "error", BlurEvidence::kFeatures + 2, kRows),
      kind_(weights, "kind", "size", BlurEvidence::kFeatures, 1),
      stretch_(take_double(weights, "stretch", {kRows, 3})),
      interval_(take_double(weights, "interval", {kRows, 2})),
      most_error_(take_double(weights, "most_error", {kRows})) {}

bool BlurRegression::is_regression(const WeightsFile& weights) {
  const auto remark = weights.metadata.find("network");
  return remark != weights.metadata.end() && remark->second == kRegression;
}

const BlurRegression& BlurRegression::shipped() {
  static const BlurRegression regression(shipped_weights("blur-regression"));
  return regression;
}

BlurAnswer BlurRegression::operator()(const BlurEvidence& evidence, double scale) const {
  const torch::NoGradGuard no_grad;
  constexpr double kFarthest = 4.0;  // deviations; what is farther is as far
  const torch::Tensor z =
      ((torch::tensor(evidence.features, torch::kFloat64) - mean_) / deviation_).clamp(-kFarthest, kFarthest);
  const int64_t factor = std::clamp<int64_t>(std::lround(scale), 2, 4);
  const int64_t row = 3 * static_cast<int64_t>(evidence.spoiled) + factor - 2;
  std::array<double, 3> log{size_(z)[row].item<double>(), 0.0, 0.0};
  for (size_t axis = 0; axis < 2; ++axis) {
    for (size_t i = 0; i < 3; ++i) {
      log[axis + 1] += stretch_[row][static_cast<int64_t>(i)].item<double>() * evidence.stretch[axis][i];
    }
  }
  BlurAnswer answer;
  answer.covariance = exp_of(log);
  const torch::Tensor shape = torch::tensor({log[0], std::hypot(log[1], log[2])}, torch::kFloat64);
  const double error = std::exp(error_(torch::cat({z, shape}))[row].item<double>());
  answer.expected_error = std::max(error - kLeastError, 0.0);
  answer.most_error = most_error_[row].item<double>();
  for (size_t i = 0; i < 2; ++i) {
    answer.interval[i] = std::exp(0.5 * error * interval_[row][static_cast<int64_t>(i)].item<double>());
  }
  answer.gaussian = kind_(z)[0].item<double>();
  answer.likeness = size_.nearness(z).max().item<double>();
  return answer;
}

}  // namespace zsr::blur
