#include "nn/optim/muon.h"

#include "nn/kernels/winograd/kernels.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr {
namespace {

// Coefficients of the quintic x -> a x + b x^3 + c x^5 (Jordan et al. 2024).
constexpr float kA = 3.4445F;
constexpr float kB = -4.7750F;
constexpr float kC = 2.0315F;
constexpr int kIterations = 5;

int64_t round_up(int64_t value) {
  return (value + 15) / 16 * 16;
}

// Row-major matrix of which only `rows` x `columns` are meant; padded with zeros to whole vectors.
struct Padded {
  int64_t rows, columns, stride;
  std::vector<float> data;
  Padded(int64_t rows_, int64_t columns_)
      : rows(rows_), columns(columns_), stride(round_up(columns_)), data(static_cast<size_t>(rows_ * stride), 0.0F) {}
  float& at(int64_t row, int64_t column) { return data[static_cast<size_t>(row * stride + column)]; }
  float at(int64_t row, int64_t column) const { return data[static_cast<size_t>(row * stride + column)]; }
};

Padded product(const Padded& left, const Padded& right) {
  Padded result(left.rows, right.columns);
  winograd::kernels().multiply(left.rows, right.stride, left.columns, left.data.data(), left.stride, 1,
                               right.data.data(), result.data.data(), false);
  return result;
}

// Sixteen columns of the result at a time, so that it is written line by line.
Padded transposed(const Padded& from) {
  constexpr int64_t kLine = 16;
  Padded to(from.columns, from.rows);
  for (int64_t begin = 0; begin < from.rows; begin += kLine) {
    const int64_t end = std::min(from.rows, begin + kLine);
    for (int64_t column = 0; column < from.columns; ++column) {
      for (int64_t row = begin; row < end; ++row) to.at(column, row) = from.at(row, column);
    }
  }
  return to;
}

// P with P x = the orthogonalised x, from the Gram matrix x x^T: each step multiplies x by Q = aI + bA + cA^2, a
// polynomial of A, so that all of them commute and A becomes Q A Q = Q^2 A.
Padded polynomial_of(Padded gram) {
  const int64_t n = gram.rows;
  Padded result(n, n);
  for (int i = 0; i < kIterations; ++i) {
    Padded factor = product(gram, gram);
    for (int64_t row = 0; row < n; ++row) {
      for (int64_t column = 0; column < n; ++column) {
        factor.at(row, column) = kC * factor.at(row, column) + kB * gram.at(row, column) + (row == column ? kA : 0.0F);
      }
    }
    if (i + 1 < kIterations) gram = product(product(factor, factor), gram);
    result = i == 0 ? std::move(factor) : product(factor, result);
  }
  return result;
}

}  // namespace

torch::Tensor orthogonalize(const torch::Tensor& update) {
  const torch::NoGradGuard no_grad;
  const bool tall = update.size(0) > update.size(1);
  torch::Tensor x = tall ? update.t() : update;
  x = x / (x.norm() + 1e-12);
  for (int i = 0; i < kIterations; ++i) {
    const torch::Tensor gram = torch::matmul(x, x.t());
    x = kA * x + torch::matmul(kB * gram + kC * torch::matmul(gram, gram), x);
  }
  return tall ? x.t() : x;
}

Muon::Muon(std::vector<MatrixSlice> slices, torch::Device device, double momentum)
    : slices_(std::move(slices)), momentum_(momentum) {
  for (const MatrixSlice& slice : slices_) {
    average_.push_back(torch::zeros({slice.rows, slice.columns}, torch::TensorOptions(torch::kFloat32).device(device)));
  }
}

void Muon::reset() {
  for (torch::Tensor& average : average_) average.zero_();
}

void Muon::step_on_cpu(float* parameters, const float* gradient, size_t index, float learning_rate) {
  const MatrixSlice& slice = slices_[index];
  const auto keep = static_cast<float>(momentum_);
  float* average = average_[index].data_ptr<float>();
  const float* slope = gradient + slice.offset;
  Padded ahead(slice.rows, slice.columns);
  for (int64_t row = 0; row < slice.rows; ++row) {
    for (int64_t column = 0; column < slice.columns; ++column) {
      const int64_t i = row * slice.columns + column;
      average[i] = keep * average[i] + (1.0F - keep) * slope[i];
      ahead.at(row, column) = keep * average[i] + (1.0F - keep) * slope[i];  // Nesterov's look ahead
    }
  }
  const bool tall = slice.rows > slice.columns;
  Padded turned = transposed(ahead);
  const Padded& x = tall ? turned : ahead;
  Padded gram = product(x, tall ? ahead : turned);
  float trace = 0.0F;  // the squared Frobenius norm of x
  for (int64_t i = 0; i < gram.rows; ++i) trace += gram.at(i, i);
  const float scale = 1.0F / (std::sqrt(trace) + 1e-12F);
  for (float& value : gram.data) value *= scale * scale;
  Padded direction = product(polynomial_of(std::move(gram)), x);
  if (tall) direction = transposed(direction);
  float* value = parameters + slice.offset;
  const float step = learning_rate * scale;
  for (int64_t row = 0; row < slice.rows; ++row) {
    for (int64_t column = 0; column < slice.columns; ++column) {
      value[row * slice.columns + column] -= step * direction.at(row, column);
    }
  }
}

std::vector<NamedTensor> Muon::state(const std::string& prefix) const {
  std::vector<NamedTensor> all;
  for (size_t i = 0; i < average_.size(); ++i) {
    all.push_back({prefix + std::to_string(i), average_[i].to(torch::kCPU).clone()});
  }
  return all;
}

void Muon::load_state(const WeightsFile& file, const std::string& prefix) {
  for (size_t i = 0; i < average_.size(); ++i) {
    average_[i].copy_(file.take(prefix + std::to_string(i), average_[i].sizes()));
  }
}

void Muon::step(torch::Tensor parameters, const torch::Tensor& gradient, double learning_rate) {
  const torch::NoGradGuard no_grad;
  if (parameters.device().is_cpu()) {
    float* value = parameters.data_ptr<float>();
    const float* slope = gradient.data_ptr<float>();
    at::parallel_for(0, static_cast<int64_t>(slices_.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        step_on_cpu(value, slope, static_cast<size_t>(i), static_cast<float>(learning_rate));
      }
    });
    return;
  }
  for (size_t i = 0; i < slices_.size(); ++i) {
    const MatrixSlice& slice = slices_[i];
    const auto view = [&](const torch::Tensor& flat) {
      return flat.narrow(0, slice.offset, slice.rows * slice.columns).view({slice.rows, slice.columns});
    };
    const torch::Tensor slope = view(gradient);
    average_[i].mul_(momentum_).add_(slope, 1.0 - momentum_);
    const torch::Tensor ahead = average_[i] * momentum_ + slope * (1.0 - momentum_);
    view(parameters).sub_(orthogonalize(ahead), learning_rate);
  }
}

}  // namespace zsr
