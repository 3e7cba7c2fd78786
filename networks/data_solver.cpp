#include "networks/data_solver.h"

#include "core/huge_pages.h"
#include "networks/data_step.h"

#include <ATen/Parallel.h>
#include <torch/fft.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

// Rows and columns that one call transforms: they fit into a cache of 1 MB.
constexpr int64_t kRowsAtOnce = 32;
constexpr int64_t kColumnsAtOnce = 32;

struct Complex {
  float re = 0.0F;
  float im = 0.0F;
};

Complex* values_of(const torch::Tensor& spectrum) {
  return reinterpret_cast<Complex*>(spectrum.data_ptr<c10::complex<float>>());
}

torch::Tensor complex_planes(std::vector<int64_t> sizes) {
  torch::Tensor made = torch::empty(sizes, torch::kComplexFloat);
  prefer_huge_pages(made.data_ptr(), made.nbytes());
  return made;
}

// body(plane, first, count) for stretches of at most `step` of `length` lines of each of `planes`, in parallel.
template <typename Body>
void for_lines(int64_t planes, int64_t length, int64_t step, const Body& body) {
  const int64_t parts = (length + step - 1) / step;
  at::parallel_for(0, planes * parts, 1, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // one of each thread
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % parts * step;
      body(i / parts, first, std::min(step, length - first));
    }
  });
}

void transform_columns(const torch::Tensor& spectrum, bool back) {
  for_lines(spectrum.size(0), spectrum.size(2), kColumnsAtOnce, [&](int64_t plane, int64_t first, int64_t count) {
    torch::Tensor part = spectrum[plane].narrow(1, first, count);
    part.copy_(back ? torch::fft::ifft(part, c10::nullopt, 0) : torch::fft::fft(part, c10::nullopt, 0));
  });
}

// A spectrum of a real image of height x width, of which only columns up to width / 2 are there: the others are those
// mirrored, conjugate.
struct Half {
  const Complex* values;
  int64_t height, width;

  Complex at(int64_t row, int64_t column) const {
    const int64_t columns = width / 2 + 1;
    if (column < columns) return values[row * columns + column];
    const Complex other = values[(height - row) % height * columns + width - column];
    return {other.re, -other.im};
  }
};

}  // namespace

void real_transform(const torch::Tensor& images, const torch::Tensor& spectrum) {
  for_lines(images.size(0), images.size(1), kRowsAtOnce, [&](int64_t plane, int64_t first, int64_t count) {
    spectrum[plane].narrow(0, first, count).copy_(torch::fft::rfft(images[plane].narrow(0, first, count)));
  });
  transform_columns(spectrum, false);
}

void real_transform_back(const torch::Tensor& spectrum, const torch::Tensor& images) {
  transform_columns(spectrum, true);
  for_lines(images.size(0), images.size(1), kRowsAtOnce, [&](int64_t plane, int64_t first, int64_t count) {
    images[plane]
        .narrow(0, first, count)
        .copy_(torch::fft::irfft(spectrum[plane].narrow(0, first, count), images.size(2)));
  });
}

DataSolver::DataSolver(const torch::Tensor& y, const torch::Tensor& kernel, int64_t s)
    : s_(s), channels_(y.size(1)), height_(y.size(2)), width_(y.size(3)) {
  const torch::NoGradGuard no_grad;
  const int64_t columns = s * width_ / 2 + 1;
  transfer_ = complex_planes({1, s * height_, columns});
  real_transform(kernel_plane(kernel, {s * height_, s * width_})[0], transfer_);
  transfer_ = torch::conj(transfer_[0]).resolve_conj();  // correlation, not convolution
  photo_ = complex_planes({channels_, height_, width_ / 2 + 1});
  real_transform(y[0], photo_);
  power_ = torch::empty({height_, width_ / 2 + 1});
  const Half transfer{values_of(transfer_), s * height_, s * width_};
  float* const power = power_.data_ptr<float>();
  for (int64_t row = 0; row < height_; ++row) {
    for (int64_t column = 0; column <= width_ / 2; ++column) {
      float sum = 0.0F;
      for (int64_t alias = 0; alias < s * s; ++alias) {
        const Complex value = transfer.at(row + alias / s * height_, column + alias % s * width_);
        sum += value.re * value.re + value.im * value.im;
      }
      power[row * (width_ / 2 + 1) + column] = sum / static_cast<float>(s * s);
    }
  }
  spectrum_ = complex_planes({channels_, s * height_, columns});
  small_ = torch::empty_like(photo_);
}

// (A A' + alpha)^-1 (y - A z): what taking every s-th pixel does to a spectrum is the mean over the s x s aliases of
// each frequency.
void DataSolver::misses(double alpha) {
  const int64_t columns = width_ / 2 + 1;
  const int64_t wide = s_ * width_ / 2 + 1;
  const auto strength = static_cast<float>(alpha);
  const float share = 1.0F / static_cast<float>(s_ * s_);
  const Half transfer{values_of(transfer_), s_ * height_, s_ * width_};
  at::parallel_for(0, channels_ * height_, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i % height_;
      const Half z{values_of(spectrum_) + i / height_ * s_ * height_ * wide, s_ * height_, s_ * width_};
      const Complex* const photo = values_of(photo_) + i * columns;
      const float* const power = power_.data_ptr<float>() + row * columns;
      Complex* const to = values_of(small_) + i * columns;
      for (int64_t column = 0; column < columns; ++column) {
        Complex sum;
        for (int64_t down = 0; down < s_; ++down) {
          for (int64_t right = 0; right < s_; ++right) {
            const Complex a = transfer.at(row + down * height_, column + right * width_);
            const Complex b = z.at(row + down * height_, column + right * width_);
            sum.re += a.re * b.re - a.im * b.im;
            sum.im += a.re * b.im + a.im * b.re;
          }
        }
        const float weight = 1.0F / (power[column] + strength);
        to[column] = {(photo[column].re - sum.re * share) * weight, (photo[column].im - sum.im * share) * weight};
      }
    }
  });
}

// z + A' of the small spectrum, which repeats itself on the fine grid.
void DataSolver::spread() {
  const int64_t columns = width_ / 2 + 1;
  const int64_t wide = s_ * width_ / 2 + 1;
  const int64_t tall = s_ * height_;
  at::parallel_for(0, channels_ * tall, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i % tall;
      const Half small{values_of(small_) + i / tall * height_ * columns, height_, width_};
      const Complex* const transfer = values_of(transfer_) + row * wide;
      Complex* const to = values_of(spectrum_) + i * wide;
      for (int64_t column = 0; column < wide; ++column) {
        const Complex a = transfer[column];
        const Complex b = small.at(row % height_, column % width_);
        to[column].re += a.re * b.re + a.im * b.im;
        to[column].im += a.re * b.im - a.im * b.re;
      }
    }
  });
}

void DataSolver::solve(const torch::Tensor& z, double alpha, const torch::Tensor& x) {
  const torch::NoGradGuard no_grad;
  real_transform(z[0], spectrum_);
  misses(alpha);
  spread();
  real_transform_back(spectrum_, x[0]);
}

}  // namespace zsr::networks
