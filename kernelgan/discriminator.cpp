#include "kernelgan/discriminator.h"

#include "kernelgan/channel_loops.h"
#include "nn/kernels/small_product.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kWidth = 64;
constexpr int64_t kPixels = Discriminator::kMapCount;
constexpr int64_t kFilter = 7;
constexpr size_t kLast = Discriminator::kConvolutions - 1;
constexpr double kInitGain = 0.1;

// All but the first and the last are followed by batch normalisation and ReLU.
constexpr bool is_normalized(size_t convolution) {
  return convolution > 0 && convolution < kLast;
}

constexpr int64_t outputs_of(size_t convolution) {
  return convolution == kLast ? 1 : kWidth;
}

// Parameters in order: 7 x 7 weight, bias; per hidden layer weight, bias, scale, shift; last weight, bias.
std::vector<std::vector<int64_t>> shapes(int64_t channels) {
  std::vector<std::vector<int64_t>> all = {{kWidth, channels, kFilter, kFilter}, {kWidth}};
  for (size_t i = 1; i < kLast; ++i) {
    all.insert(all.end(), {{kWidth, kWidth, 1, 1}, {kWidth}, {kWidth}, {kWidth}});
  }
  all.insert(all.end(), {{1, kWidth, 1, 1}, {1}});
  return all;
}

// Index of a convolution's weight among the parameters.
constexpr size_t leaf_of(size_t convolution) {
  constexpr size_t kPerHidden = 4;
  return convolution == 0 ? 0 : 2 + (convolution - 1) * kPerHidden;
}

// Where the parameters of a convolution begin in the flat order.
struct Places {
  int64_t weight;
  int64_t bias;
  int64_t scale;
  int64_t shift;
};
Places places_of(size_t convolution, int64_t channels) {
  int64_t at = 0;
  for (size_t i = 0; i < convolution; ++i) {
    at += i == 0 ? kWidth * (channels * kFilter * kFilter + 1) : kWidth * (kWidth + 3);
  }
  const int64_t weights = outputs_of(convolution) * (convolution == 0 ? channels * kFilter * kFilter : kWidth);
  const int64_t bias = at + weights;
  return {at, bias, bias + kWidth, bias + 2 * kWidth};
}

std::vector<float> unit_normal(int64_t length, Random& random) {
  std::vector<float> vector(static_cast<size_t>(length));
  float squares = 0.0F;
  for (float& value : vector) {
    value = static_cast<float>(random.normal());
    squares += value * value;
  }
  for (float& value : vector) value /= std::sqrt(squares);
  return vector;
}

// Calls visit(line of the columns, line of the patch) for the 7 x 7 neighbourhoods of a patch as columns, rows
// [begin, end) of [C * 49, 400].
template <class Visit>
void each_neighbour(const Share::Range& rows, Visit visit) {
  constexpr int64_t kSide = Discriminator::kPatch;
  constexpr int64_t kMap = Discriminator::kMap;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t c = row / (kFilter * kFilter);
    const int64_t dy = row / kFilter % kFilter;
    const int64_t dx = row % kFilter;
    for (int64_t y = 0; y < kMap; ++y) visit(row * kPixels + y * kMap, (c * kSide + y + dy) * kSide + dx);
  }
}

}  // namespace

int64_t Discriminator::inputs_of(size_t convolution) const {
  return convolution == 0 ? channels_ * kFilter * kFilter : kWidth;
}

Discriminator::Discriminator(int64_t channels, Random& random) : channels_(channels), parameters_(shapes(channels)) {
  for (size_t i = 0; i < kConvolutions; ++i) {
    parameters_.xavier_normal(leaf_of(i), kInitGain, random);
    left_[i] = unit_normal(outputs_of(i), random);
    right_[i] = unit_normal(inputs_of(i), random);
    if (!is_normalized(i)) continue;
    float* const scale = parameters_[leaf_of(i) + 2].data_ptr<float>();
    for (int64_t c = 0; c < kWidth; ++c) scale[c] = static_cast<float>(1.0 + 0.02 * random.normal());
  }
}

Discriminator::Pass Discriminator::make_pass() const {
  Pass pass;
  pass.columns.resize(static_cast<size_t>(inputs_of(0) * kPixels));
  for (size_t i = 0; i < kConvolutions; ++i) {
    const auto values = static_cast<size_t>(outputs_of(i) * kPixels);
    pass.output[i].resize(values);
    pass.slope[i].resize(values);
    if (!is_normalized(i)) continue;
    pass.after[i].resize(values);
    pass.rstd[i].resize(kWidth);
  }
  return pass;
}

void Discriminator::normalize(AllNormalized& made) {
  for (size_t i = 0; i < kConvolutions; ++i) {
    const float* const matrix = parameters_.data<float>() + places_of(i, channels_).weight;
    const int64_t count = outputs_of(i) * inputs_of(i);
    made[i].sigma = power_iteration(matrix, outputs_of(i), inputs_of(i), left_[i].data(), right_[i].data());
    made[i].left = left_[i];
    made[i].right = right_[i];
    made[i].weight.resize(static_cast<size_t>(count));
    const float inverse = 1.0F / made[i].sigma;
    for (int64_t k = 0; k < count; ++k) made[i].weight[k] = matrix[k] * inverse;
  }
}

void Discriminator::forward(std::span<const float> patch, Pass& pass, const Share& share) const {
  each_neighbour(share.of(inputs_of(0)), [&](int64_t column, int64_t pixel) {
    std::copy_n(patch.data() + pixel, kMap, pass.columns.data() + column);
  });
  share.meet();
  const float* input = pass.columns.data();
  for (size_t i = 0; i < kConvolutions; ++i) {
    const Places place = places_of(i, channels_);
    const float* const values = parameters_.data<float>();
    const Share::Range rows = share.of(outputs_of(i));
    float* const output = pass.output[i].data();
    const int64_t depth = inputs_of(i);
    small_product(rows.count(), kPixels, depth, pass.weights[i].weight.data() + rows.begin * depth, {depth, 1}, input,
                  output + rows.begin * kPixels);
    for (int64_t c = rows.begin; c < rows.end; ++c) {
      float* const line = output + c * kPixels;
      if (is_normalized(i)) {
        // Batch normalisation takes the bias out again; only the record of the published network keeps it.
        pass.rstd[i][static_cast<size_t>(c)] = normalize_and_rectify(line, pass.after[i].data() + c * kPixels, kPixels,
                                                                     values[place.scale + c], values[place.shift + c]);
      } else {
        for (int64_t p = 0; p < kPixels; ++p) line[p] += values[place.bias + c];
      }
    }
    if (i < kLast) share.meet();
    input = is_normalized(i) ? pass.after[i].data() : output;
  }
  // The last convolution's one row is the last part's: of(1) gives it to one thread alone.
  if (share.of(1).count() == 1) {
    for (int64_t p = 0; p < kPixels; ++p) pass.map[static_cast<size_t>(p)] = 1.0F / (1.0F + std::exp(-input[p]));
  }
  share.meet();
}

void Discriminator::slope_below(size_t convolution, Pass& pass, std::span<float> flat, const Share& share) const {
  const size_t below = convolution - 1;
  const Share::Range rows = share.of(kWidth);
  float* const slope = pass.slope[below].data();
  const AlignedVector<float>& weight = pass.weights[convolution].weight;
  small_product(rows.count(), kPixels, outputs_of(convolution), weight.data() + rows.begin, {1, kWidth},
                pass.slope[convolution].data(), slope + rows.begin * kPixels);
  if (!is_normalized(below)) return;
  const Places place = places_of(below, channels_);
  for (int64_t c = rows.begin; c < rows.end; ++c) {
    std::array<float, 2> sums{};
    rectify_and_normalize_back(
        slope + c * kPixels, pass.output[below].data() + c * kPixels, pass.after[below].data() + c * kPixels, kPixels,
        parameters_.data<float>()[place.scale + c], pass.rstd[below][static_cast<size_t>(c)], sums.data());
    if (flat.empty()) continue;
    flat[static_cast<size_t>(place.shift + c)] = sums[0];
    flat[static_cast<size_t>(place.scale + c)] = sums[1];
  }
}

void Discriminator::weight_gradient(size_t convolution, Pass& pass, std::span<float> flat, const Share& share) const {
  const size_t i = convolution;
  const Share::Range rows = share.of(outputs_of(i));
  const Places place = places_of(i, channels_);
  const int64_t columns = inputs_of(i);
  const float* const slope = pass.slope[i].data() + rows.begin * kPixels;
  const AlignedVector<float>& input =
      i == 0 ? pass.columns : (is_normalized(i - 1) ? pass.after[i - 1] : pass.output[i - 1]);
  float* const own = flat.data() + place.weight + rows.begin * columns;
  small_product_transposed(rows.count(), columns, kPixels, slope, input.data(), own);
  pass.along[i][static_cast<size_t>(share.part)] =
      inner_product(own, pass.weights[i].weight.data() + rows.begin * columns, rows.count() * columns);
  for (int64_t r = 0; r < rows.count(); ++r) {
    flat[static_cast<size_t>(place.bias + rows.begin + r)] = sum_of(slope + r * kPixels, kPixels);
  }
}

void Discriminator::finish_weight_gradient(size_t convolution, const Pass& pass, std::span<float> flat,
                                           const Share& share) const {
  // Through W / sigma with sigma = u' W v, u and v held fixed.
  const Normalized& w = pass.weights[convolution];
  const Share::Range rows = share.of(outputs_of(convolution));
  const int64_t columns = inputs_of(convolution);
  double along = 0.0;
  for (int part = 0; part < share.parts; ++part) along += pass.along[convolution][static_cast<size_t>(part)];
  through_singular_value(flat.data() + places_of(convolution, channels_).weight + rows.begin * columns, rows.count(),
                         columns, static_cast<float>(along), w.left.data() + rows.begin, w.right.data(), w.sigma);
}

void Discriminator::input_gradient(Pass& pass, std::span<const float> map_gradient, std::span<float> out) const {
  for (size_t p = 0; p < kPixels; ++p) pass.slope[kLast][p] = map_gradient[p] * pass.map[p] * (1.0F - pass.map[p]);
  for (size_t i = kLast; i > 0; --i) slope_below(i, pass, {}, {});
  // The columns have done their service.
  small_product(inputs_of(0), kPixels, kWidth, pass.weights[0].weight.data(), {1, inputs_of(0)}, pass.slope[0].data(),
                pass.columns.data());
  std::fill(out.begin(), out.end(), 0.0F);
  each_neighbour({0, inputs_of(0)}, [&](int64_t column, int64_t pixel) {
    for (int64_t x = 0; x < kMap; ++x) out[static_cast<size_t>(pixel + x)] += pass.columns[column + x];
  });
}

void Discriminator::parameter_gradient(Pass& pass, std::span<const float> map_gradient, std::span<float> flat,
                                       const Share& share) const {
  if (share.first()) {
    for (size_t p = 0; p < kPixels; ++p) pass.slope[kLast][p] = map_gradient[p] * pass.map[p] * (1.0F - pass.map[p]);
  }
  share.meet();
  for (size_t i = kConvolutions; i-- > 0;) {
    if (i > 0) slope_below(i, pass, flat, share);
    weight_gradient(i, pass, flat, share);
    share.meet();
    finish_weight_gradient(i, pass, flat, share);
  }
}

}  // namespace zsr::kernelgan
