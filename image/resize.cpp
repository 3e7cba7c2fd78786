#include "image/resize.h"

#include "core/error.h"
#include "core/values.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace zsr {
namespace {

struct FilterShape {
  double (*value)(double);
  double width;
};

double cubic(double x) {
  const double a = std::abs(x);
  if (a <= 1.0) return (1.5 * a - 2.5) * a * a + 1.0;
  if (a <= 2.0) return ((-0.5 * a + 2.5) * a - 4.0) * a + 2.0;
  return 0.0;
}

double linear(double x) {
  return std::max(0.0, 1.0 - std::abs(x));
}

double box(double x) {
  return -0.5 <= x && x < 0.5 ? 1.0 : 0.0;
}

double lanczos(double x, double lobes) {
  if (std::abs(x) >= lobes) return 0.0;
  const double eps = std::numeric_limits<double>::epsilon();
  const double pi_x = M_PI * x;
  return (std::sin(pi_x) * std::sin(pi_x / lobes) + eps) / (pi_x * pi_x / lobes + eps);
}

FilterShape shape_of(Interpolation method) {
  switch (method) {
    case Interpolation::kCubic:
      return {cubic, 4.0};
    case Interpolation::kLinear:
      return {linear, 2.0};
    case Interpolation::kBox:
      return {box, 1.0};
    case Interpolation::kLanczos2:
      return {[](double x) { return lanczos(x, 2.0); }, 4.0};
    case Interpolation::kLanczos3:
      return {[](double x) { return lanczos(x, 3.0); }, 6.0};
  }
  return {cubic, 4.0};
}

// Index into an image of `length` continued by mirror images of itself, the edge pixel repeated.
int64_t mirrored(int64_t index, int64_t length) {
  const int64_t period = 2 * length;
  index = ((index % period) + period) % period;
  return index < length ? index : period - 1 - index;
}

ResampleMatrix::Rows transpose(const ResampleMatrix::Rows& rows) {
  ResampleMatrix::Rows result;
  result.in_length = rows.out_length();
  result.start.assign(static_cast<size_t>(rows.in_length) + 1, 0);
  for (const int64_t column : rows.column) ++result.start[column + 1];
  for (int64_t i = 0; i < rows.in_length; ++i) result.start[i + 1] += result.start[i];
  std::vector<int64_t> next(result.start.begin(), result.start.end() - 1);
  result.column.resize(rows.column.size());
  result.weight.resize(rows.weight.size());
  for (int64_t row = 0; row < rows.out_length(); ++row) {
    for (int64_t k = rows.start[row]; k < rows.start[row + 1]; ++k) {
      const int64_t place = next[rows.column[k]]++;
      result.column[place] = row;
      result.weight[place] = rows.weight[k];
    }
  }
  return result;
}

// `Count` neighbouring values of one output row: the weighted sum of those values of the input rows, `stride` apart.
// The sums stay in registers.
template <int64_t Count, typename Scalar>
void combine_values(const ResampleMatrix::Rows& rows, const Scalar* weight, int64_t row, const Scalar* in,
                    int64_t stride, Scalar* out) {
  std::array<Scalar, Count> sum{};
  for (int64_t k = rows.start[row]; k < rows.start[row + 1]; ++k) {
    const Scalar w = weight[k];
    const Scalar* line = in + rows.column[k] * stride;
    for (int64_t i = 0; i < Count; ++i) sum[i] += w * line[i];
  }
  std::copy(sum.begin(), sum.end(), out);
}

template <typename Scalar>
void combine_row(const ResampleMatrix::Rows& rows, const Scalar* weight, int64_t row, const Scalar* in, Scalar* out,
                 int64_t length) {
  int64_t i = 0;
  for (; i + 256 <= length; i += 256) combine_values<256>(rows, weight, row, in + i, length, out + i);
  for (; i + 32 <= length; i += 32) combine_values<32>(rows, weight, row, in + i, length, out + i);
  for (; i + 16 <= length; i += 16) combine_values<16>(rows, weight, row, in + i, length, out + i);
  for (; i + 4 <= length; i += 4) combine_values<4>(rows, weight, row, in + i, length, out + i);
  for (; i < length; ++i) combine_values<1>(rows, weight, row, in + i, length, out + i);
}

// [lines, length] -> [length, lines], or back with the arguments exchanged.
template <typename Scalar>
void turn(const Scalar* in, Scalar* out, int64_t lines, int64_t length) {
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t line = 0; line < lines; ++line) out[i * lines + line] = in[line * length + i];
  }
}

// Along the last axis nothing is neighbouring: sixteen lines are turned into one of sixteen values a pixel, resampled
// as vectors and turned back.
template <typename Scalar>
void apply_along_lines(const ResampleMatrix::Rows& rows, const Scalar* weight, const Scalar* in, Scalar* out,
                       int64_t lines) {
  constexpr int64_t kLines = 16;
  const int64_t in_length = rows.in_length;
  const int64_t out_length = rows.out_length();
  const int64_t blocks = (lines + kLines - 1) / kLines;
  const int64_t grain = std::max<int64_t>(1, 16384 / (out_length * kLines));
  at::parallel_for(0, blocks, grain, [&](int64_t begin, int64_t end) {
    std::vector<Scalar> from(static_cast<size_t>(in_length * kLines));
    std::vector<Scalar> to(static_cast<size_t>(out_length * kLines));
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kLines;
      const int64_t count = std::min(kLines, lines - first);
      turn(in + first * in_length, from.data(), count, in_length);
      for (int64_t row = 0; row < out_length; ++row) {
        combine_row(rows, weight, row, from.data(), to.data() + row * count, count);
      }
      turn(to.data(), out + first * out_length, out_length, count);
    }
  });
}

// [outer, in, inner] -> [outer, out, inner]; the inner loop runs over neighbouring memory.
template <typename Scalar>
void apply_rows(const ResampleMatrix::Rows& rows, const Scalar* in, Scalar* out, int64_t outer, int64_t inner) {
  const int64_t in_length = rows.in_length;
  const int64_t out_length = rows.out_length();
  const std::vector<Scalar> weight(rows.weight.begin(), rows.weight.end());
  if (inner == 1) return apply_along_lines(rows, weight.data(), in, out, outer);
  const int64_t grain = std::max<int64_t>(1, 16384 / inner);
  at::parallel_for(0, outer * out_length, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      combine_row(rows, weight.data(), item % out_length, in + (item / out_length) * in_length * inner,
                  out + item * inner, inner);
    }
  });
}

torch::Tensor dense_matrix(const ResampleMatrix::Rows& rows) {
  torch::Tensor matrix = torch::zeros({rows.out_length(), rows.in_length}, torch::kFloat64);
  auto entry = matrix.accessor<double, 2>();
  for (int64_t row = 0; row < rows.out_length(); ++row) {
    for (int64_t k = rows.start[row]; k < rows.start[row + 1]; ++k) entry[row][rows.column[k]] += rows.weight[k];
  }
  return matrix;
}

torch::Tensor resample(const ResampleMatrix::Rows& rows, const torch::Tensor& input, int64_t dim) {
  if (!input.device().is_cpu()) {
    const torch::Tensor matrix = dense_matrix(rows).to(input.device(), input.scalar_type());
    return dim == 2 ? torch::matmul(matrix, input) : torch::matmul(input, matrix.t());
  }
  const torch::Tensor image = input.contiguous();
  std::vector<int64_t> size = image.sizes().vec();
  size[dim] = rows.out_length();
  torch::Tensor output = torch::empty(size, image.options());
  const int64_t outer = image.size(0) * image.size(1) * (dim == 3 ? image.size(2) : 1);
  const int64_t inner = dim == 3 ? 1 : image.size(3);
  AT_DISPATCH_FLOATING_TYPES(image.scalar_type(), "resample", [&] {
    apply_rows<scalar_t>(rows, image.data_ptr<scalar_t>(), output.data_ptr<scalar_t>(), outer, inner);
  });
  return output;
}

using SharedData = std::shared_ptr<const ResampleMatrix::Data>;

// The transpose carries gradients; being linear, it needs nothing saved. `Holder` takes the matrix through autograd.
struct Holder : torch::CustomClassHolder {
  explicit Holder(SharedData matrix) : data(std::move(matrix)) {}
  SharedData data;
};

struct ResampleFunction : torch::autograd::Function<ResampleFunction> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& image,
                               const c10::intrusive_ptr<Holder>& holder, int64_t dim) {
    context->saved_data["matrix"] = c10::IValue::make_capsule(holder);
    context->saved_data["dim"] = dim;
    return resample(holder->data->rows, image, dim);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto holder = context->saved_data["matrix"].toCapsule();
    const auto* matrix = static_cast<const Holder*>(holder.get());
    const int64_t dim = context->saved_data["dim"].toInt();
    return {resample(matrix->data->transposed, gradients[0], dim), {}, {}};
  }
};

}  // namespace

Phase centered_phase(Scale scale) {
  return {(scale.y - 1.0) / 2.0, (scale.x - 1.0) / 2.0};
}

std::string format_scale(Scale scale) {
  return scale.x == scale.y ? fmt::format("{:g}", scale.x) : fmt::format("{:g}x{:g}", scale.x, scale.y);
}

Scale parse_scale(const std::string& text, bool one_too, const std::string& flag) {
  std::string rest;
  const double first = leading_number(text, rest);
  double second = first;
  if (!rest.empty() && (rest[0] == 'x' || rest[0] == 'X')) second = leading_number(rest.substr(1), rest);
  if (!std::isfinite(first) || !std::isfinite(second) || !rest.empty()) {
    throw OptionError(fmt::format(
        "--{} '{}' is not a factor; use a number like 2 or 1.5, or 2x1.5 for horizontal x vertical", flag, text));
  }
  if (first < 1.0 || second < 1.0 || (!one_too && first <= 1.0 && second <= 1.0)) {
    throw OptionError(fmt::format("--{} {} does not enlarge; it must be above 1", flag, text));
  }
  return {second, first};
}

Size scaled_size(Size size, Scale scale) {
  // 0.1 * 10 must give 1, not 2: products that are whole up to rounding noise count as whole.
  const auto ceil_of = [](double value) {
    const double whole = std::round(value);
    return static_cast<int64_t>(std::abs(value - whole) < 1e-9 * std::max(1.0, whole) ? whole : std::ceil(value));
  };
  return {std::max<int64_t>(1, ceil_of(static_cast<double>(size.height) * scale.y)),
          std::max<int64_t>(1, ceil_of(static_cast<double>(size.width) * scale.x))};
}

ResampleMatrix::ResampleMatrix(int64_t in_length, int64_t out_length, double scale, const ResizeOptions& options,
                               std::optional<double> phase) {
  if (in_length < 1 || out_length < 1 || !(scale > 0.0) || !std::isfinite(scale)) {
    throw OptionError(
        fmt::format("cannot resize {} to {} pixels at scale {}; all must be > 0", in_length, out_length, scale));
  }
  const FilterShape filter = shape_of(options.method);
  const bool widen = options.antialias && scale < 1.0;
  const double stretch = widen ? scale : 1.0;
  const double width = filter.width / stretch;
  const double grid = scale >= 1.0 ? scale : 1.0 / scale;
  const double offset = phase.value_or((grid - 1.0) / 2.0);

  auto data = std::make_shared<Data>();
  Rows& rows = data->rows;
  rows.in_length = in_length;
  rows.start.push_back(0);
  const auto taps = static_cast<int64_t>(std::ceil(width)) + 2;
  std::vector<double> weight(static_cast<size_t>(taps));
  for (int64_t out = 0; out < out_length; ++out) {
    const double center =
        scale >= 1.0 ? (static_cast<double>(out) - offset) / scale : static_cast<double>(out) / scale + offset;
    const auto left = static_cast<int64_t>(std::floor(center - width / 2.0));
    double sum = 0.0;
    for (int64_t tap = 0; tap < taps; ++tap) {
      weight[tap] = stretch * filter.value(stretch * (center - static_cast<double>(left + tap)));
      sum += weight[tap];
    }
    for (int64_t tap = 0; tap < taps; ++tap) {
      if (weight[tap] == 0.0) continue;
      rows.column.push_back(options.border == ResizeBorder::kReplicate
                                ? std::clamp<int64_t>(left + tap, 0, in_length - 1)
                                : mirrored(left + tap, in_length));
      rows.weight.push_back(weight[tap] / sum);
    }
    rows.start.push_back(static_cast<int64_t>(rows.column.size()));
  }
  data->transposed = transpose(rows);
  data_ = std::move(data);
}

torch::Tensor ResampleMatrix::apply(const torch::Tensor& image, int64_t dim) const {
  if (!image.requires_grad() || !torch::GradMode::is_enabled()) return resample(data_->rows, image, dim);
  return ResampleFunction::apply(image, c10::make_intrusive<Holder>(data_), dim);
}

torch::Tensor ResampleMatrix::dense() const {
  return dense_matrix(data_->rows);
}

torch::Tensor imresize(const torch::Tensor& image, Scale scale, const ResizeOptions& options) {
  return imresize(image, scale, scaled_size({image.size(2), image.size(3)}, scale), options);
}

namespace {

torch::Tensor resize_axis(const torch::Tensor& from, int64_t dim, Scale scale, Size size,
                          const ResizeOptions& options) {
  const double factor = dim == 2 ? scale.y : scale.x;
  const int64_t length = dim == 2 ? size.height : size.width;
  std::optional<double> phase;
  if (options.phase) phase = dim == 2 ? options.phase->y : options.phase->x;
  if (factor == 1.0 && from.size(dim) == length && phase.value_or(0.0) == 0.0) return from;
  return ResampleMatrix(from.size(dim), length, factor, options, phase).apply(from, dim);
}

}  // namespace

torch::Tensor imresize(const torch::Tensor& image, Scale scale, Size size, const ResizeOptions& options) {
  const int64_t first = scale.x < scale.y ? 3 : 2;  // MATLAB's order: the axis that shrinks more, rows when equal
  return resize_axis(resize_axis(image, first, scale, size, options), 5 - first, scale, size, options);
}

torch::Tensor imresize_uint8(const torch::Tensor& image, Scale scale, const ResizeOptions& options) {
  const Size size = scaled_size({image.size(2), image.size(3)}, scale);
  const int64_t first = scale.x < scale.y ? 3 : 2;
  // In whole levels 0-255: halves must be exact halves, for a tie decides which way a sample is rounded.
  const auto saturated = [](const torch::Tensor& levels) { return levels.add(0.5).floor_().clamp_(0.0, 255.0); };
  const torch::Tensor levels = saturated(image.to(torch::kFloat64).mul(255.0));
  const torch::Tensor half = saturated(resize_axis(levels, first, scale, size, options));
  return saturated(resize_axis(half, 5 - first, scale, size, options)).div_(255.0).to(image.scalar_type());
}

}  // namespace zsr
