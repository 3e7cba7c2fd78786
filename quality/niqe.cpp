#include "quality/niqe.h"

#include "core/error.h"
#include "image/resize.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace zsr {
namespace {

constexpr int64_t kBlock = 96;

// An asymmetric generalised Gaussian: shape, and a width on either side of zero (Lasmar, Stitou and Berthoumieu 2009).
struct Fit {
  double shape, left, right;
};

// Shapes 0.2 to 10 and, for each, the ratio (mean of |x|)^2 / mean of x^2 that a symmetric one has.
struct ShapeTable {
  std::vector<double> shapes, ratios;
  ShapeTable() {
    for (int64_t i = 0; i <= 9800; ++i) {
      const double shape = 0.2 + 0.001 * static_cast<double>(i);
      shapes.push_back(shape);
      ratios.push_back(std::exp(2.0 * std::lgamma(2.0 / shape) - std::lgamma(1.0 / shape) - std::lgamma(3.0 / shape)));
    }
  }
  // The ratio grows with the shape.
  double shape_of(double ratio) const {
    const auto above = std::lower_bound(ratios.begin(), ratios.end(), ratio);
    if (above == ratios.begin()) return shapes.front();
    if (above == ratios.end()) return shapes.back();
    const auto at = static_cast<size_t>(above - ratios.begin());
    return std::abs(ratios[at] - ratio) < std::abs(ratios[at - 1] - ratio) ? shapes[at] : shapes[at - 1];
  }
};

Fit fit(const std::vector<double>& values) {
  static const ShapeTable table;
  double left = 0.0;
  double right = 0.0;
  double absolute = 0.0;
  double square = 0.0;
  int64_t lefts = 0;
  int64_t rights = 0;
  for (const double value : values) {
    absolute += std::abs(value);
    square += value * value;
    if (value < 0.0) left += value * value, ++lefts;
    if (value > 0.0) right += value * value, ++rights;
  }
  const auto n = static_cast<double>(values.size());
  const double sigma_left = std::sqrt(left / static_cast<double>(lefts));
  const double sigma_right = std::sqrt(right / static_cast<double>(rights));
  const double gamma = sigma_left / sigma_right;
  const double ratio = (absolute / n) * (absolute / n) / (square / n);
  const double gamma2 = gamma * gamma;
  const double even = ratio * (gamma2 * gamma + 1.0) * (gamma + 1.0) / ((gamma2 + 1.0) * (gamma2 + 1.0));
  // A flat block has no sides: its features are no numbers and it does not count.
  if (!std::isfinite(even)) return {even, even, even};
  const double shape = table.shape_of(even);
  const double width = std::exp(0.5 * (std::lgamma(1.0 / shape) - std::lgamma(3.0 / shape)));
  return {shape, sigma_left * width, sigma_right * width};
}

// Image less its local mean, by its local deviation: a 7 x 7 Gaussian of sigma 7 / 6, borders repeated; grey 0 to 255.
torch::Tensor normalised(const torch::Tensor& gray) {
  const torch::Tensor offsets = torch::arange(-3.0, 4.0, torch::kFloat64);
  torch::Tensor line = torch::exp(-offsets.square() / (2.0 * (7.0 / 6.0) * (7.0 / 6.0)));
  line = line / line.sum();
  const auto blur = [&](const torch::Tensor& image) {
    const torch::Tensor wide = torch::replication_pad2d(image, {3, 3, 3, 3});
    return torch::conv2d(torch::conv2d(wide, line.view({1, 1, 7, 1})), line.view({1, 1, 1, 7}));
  };
  const torch::Tensor mean = blur(gray);
  const torch::Tensor deviation = (blur(gray.square()) - mean.square()).abs().sqrt();
  return (gray - mean) / (deviation + 1.0);
}

// The 18 features of a square of `side` from (y, x): of the values, and of their products with four neighbours, taken
// around the square's ends.
void append_features(const torch::Tensor& map, int64_t y, int64_t x, int64_t side, std::vector<double>& features) {
  const auto at = map.accessor<double, 4>()[0][0];
  std::vector<double> values(static_cast<size_t>(side * side));
  const auto fill = [&](int64_t dy, int64_t dx, bool product) {
    size_t next = 0;
    for (int64_t i = 0; i < side; ++i) {
      const int64_t other_row = y + (i - dy + side) % side;
      for (int64_t k = 0; k < side; ++k) {
        const double own = at[y + i][x + k];
        values[next++] = product ? own * at[other_row][x + (k - dx + side) % side] : own;
      }
    }
  };
  fill(0, 0, false);
  const Fit own = fit(values);
  features.insert(features.end(), {own.shape, (own.left + own.right) / 2.0});
  constexpr std::array<std::array<int64_t, 2>, 4> kNeighbours = {{{0, 1}, {1, 0}, {1, 1}, {1, -1}}};
  for (const auto& [dy, dx] : kNeighbours) {
    fill(dy, dx, true);
    const Fit pair = fit(values);
    const double mean =
        (pair.right - pair.left) * std::exp(std::lgamma(2.0 / pair.shape) - std::lgamma(1.0 / pair.shape));
    features.insert(features.end(), {pair.shape, mean, pair.left, pair.right});
  }
}

torch::Tensor gray_of(const torch::Tensor& image) {
  const torch::Tensor exact = image.to(torch::kCPU, torch::kFloat64) * 255.0;
  if (exact.size(1) == 1) return exact;
  // MATLAB's rgb2gray, of whole values.
  return (0.298936021293775 * exact.slice(1, 0, 1) + 0.587043074451121 * exact.slice(1, 1, 2) +
          0.114020904255103 * exact.slice(1, 2, 3))
      .round();
}

}  // namespace

NiqeModel NiqeModel::from(const WeightsFile& file) {
  const auto take = [&](const char* release, const char* other) {
    const torch::Tensor* found = file.find(release);
    if (found == nullptr) found = file.find(other);
    if (found == nullptr) {
      throw InputError(fmt::format(
          "'{}' is no model of NIQE: it lacks {} (modelparameters.mat of the authors' release or niqe_pris_params.npz)",
          file.origin, release));
    }
    return found->to(torch::kFloat64);
  };
  NiqeModel model{take("mu_prisparam", "mu_pris_param"), take("cov_prisparam", "cov_pris_param")};
  const bool fits = model.mean.numel() == kFeatures && model.covariance.dim() == 2 &&
                    model.covariance.size(0) == kFeatures && model.covariance.size(1) == kFeatures &&
                    torch::isfinite(model.mean).all().item<bool>() &&
                    torch::isfinite(model.covariance).all().item<bool>();
  if (!fits) throw InputError(fmt::format("'{}' is no model of NIQE: 36 features are expected", file.origin));
  model.mean = model.mean.reshape({kFeatures});
  return model;
}

double niqe(const torch::Tensor& image, const NiqeModel& model) {
  const torch::NoGradGuard no_grad;
  const int64_t rows = image.size(2) / kBlock;
  const int64_t columns = image.size(3) / kBlock;
  const int64_t blocks = rows * columns;
  if (blocks < 2) return std::numeric_limits<double>::quiet_NaN();
  torch::Tensor gray = gray_of(image).slice(2, 0, rows * kBlock).slice(3, 0, columns * kBlock).contiguous();
  std::vector<std::vector<double>> features(static_cast<size_t>(blocks));
  for (const int64_t side : {kBlock, kBlock / 2}) {
    const torch::Tensor map = normalised(gray).contiguous();
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        append_features(map, i / columns * side, i % columns * side, side, features[static_cast<size_t>(i)]);
      }
    });
    gray = imresize(gray, {0.5, 0.5});
  }
  std::vector<torch::Tensor> kept;
  torch::Tensor sum = torch::zeros({NiqeModel::kFeatures}, torch::kFloat64);
  torch::Tensor count = torch::zeros_like(sum);
  for (const auto& values : features) {
    const torch::Tensor one = torch::tensor(values, torch::kFloat64);
    const torch::Tensor known = torch::isfinite(one);
    sum += torch::where(known, one, torch::zeros_like(one));
    count += known.to(torch::kFloat64);
    if (known.all().item<bool>()) kept.push_back(one);
  }
  if (kept.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  // Mean over every block that has the feature, covariance over the blocks that have them all.
  const torch::Tensor difference = model.mean - sum / count;
  const torch::Tensor covariance = torch::cov(torch::stack(kept, 1));
  const torch::Tensor inverse =
      torch::linalg_pinv((model.covariance + covariance) / 2.0, c10::optional<double>(), c10::optional<double>(), true);
  return std::sqrt(difference.dot(inverse.mv(difference)).item<double>());
}

}  // namespace zsr
