#include "core/error.h"
#include "core/files.h"
#include "degradations/estimation/estimate.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace zsr {
namespace {

// ITU-T T.81, table K.1.
constexpr std::array<int, 64> kStandardLuma = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                               14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                               18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                               49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

// Place in the block, row by row, of the n-th coefficient of the file's zigzag order.
std::array<int, 64> zigzag_places() {
  std::array<int, 64> places{};
  int n = 0;
  for (int sum = 0; sum < 15; ++sum) {
    for (int i = 0; i <= sum; ++i) {
      const int row = sum % 2 == 0 ? sum - i : i;
      const int column = sum - row;
      if (row < 8 && column < 8) places[n++] = row * 8 + column;
    }
  }
  return places;
}

// Jumps across columns, summed by column modulo 8. Third differences are blind to smooth shading.
std::array<double, 8> column_jumps(const torch::Tensor& luma) {
  const int64_t width = luma.size(1);
  const torch::Tensor jump = (luma.slice(1, 3) - luma.slice(1, 0, width - 3) +
                              3.0 * (luma.slice(1, 1, width - 2) - luma.slice(1, 2, width - 1)))
                                 .abs()
                                 .clamp_max(40.0)
                                 .mean(0)
                                 .contiguous();
  std::array<double, 8> sum{};
  std::array<double, 8> count{};
  const double* const value = jump.data_ptr<double>();
  for (int64_t i = 0; i < jump.size(0); ++i) {
    const auto residue = static_cast<size_t>((i + 2) % 8);  // the jump lies before column i + 2
    sum[residue] += value[i];
    count[residue] += 1.0;
  }
  for (size_t i = 0; i < 8; ++i) sum[i] /= count[i];
  return sum;
}

struct Grid {
  int64_t offset = 0;
  double contrast = 0.0;  // the largest over the mean of the others, less 1
};

Grid find_grid(const std::array<double, 8>& jumps) {
  const auto largest = std::max_element(jumps.begin(), jumps.end());
  const double others = (std::accumulate(jumps.begin(), jumps.end(), 0.0) - *largest) / 7.0;
  return {largest - jumps.begin(), others > 0.0 ? *largest / others - 1.0 : 0.0};
}

// Orthonormal DCT-II of size 8.
torch::Tensor dct_matrix() {
  torch::Tensor matrix = torch::empty({8, 8}, torch::kFloat64);
  for (int k = 0; k < 8; ++k) {
    for (int n = 0; n < 8; ++n) {
      matrix[k][n] = (k == 0 ? std::sqrt(0.125) : 0.5) * std::cos((2 * n + 1) * k * std::numbers::pi / 16.0);
    }
  }
  return matrix;
}

// [blocks, 64] coefficients of the blocks of the grid that are neither flat nor burnt out.
torch::Tensor block_coefficients(const torch::Tensor& luma, int64_t offset_y, int64_t offset_x) {
  const int64_t rows = (luma.size(0) - offset_y) / 8;
  const int64_t columns = (luma.size(1) - offset_x) / 8;
  torch::Tensor blocks = luma.slice(0, offset_y, offset_y + rows * 8)
                             .slice(1, offset_x, offset_x + columns * 8)
                             .reshape({rows, 8, columns, 8})
                             .permute({0, 2, 1, 3})
                             .reshape({rows * columns, 8, 8});
  const torch::Tensor high = blocks.amax(std::vector<int64_t>{1, 2});
  const torch::Tensor low = blocks.amin(std::vector<int64_t>{1, 2});
  const torch::Tensor useful = (high - low).gt(3.0) * high.lt(254.0) * low.gt(1.0);
  blocks = blocks.index_select(0, useful.nonzero().view({-1}));
  constexpr int64_t kMost = 20000;
  if (blocks.size(0) > kMost) blocks = blocks.slice(0, 0, blocks.size(0), blocks.size(0) / kMost + 1);
  const torch::Tensor dct = dct_matrix();
  return torch::matmul(torch::matmul(dct, blocks), dct.t()).reshape({-1, 64}).contiguous();
}

// Log-likelihood of "multiples of `step` plus rounding noise" over "anything", of one coefficient; 0 for those that the
// step would have made zero, which say nothing.
double evidence(double coefficient, double step) {
  constexpr double kNoise = 0.45;  // what rounding three colours to whole levels leaves in a coefficient, measured
  if (std::abs(coefficient) < 0.5 * step) return 0.0;
  const double away = std::abs(coefficient - step * std::round(coefficient / step));
  const double on_grid =
      std::exp(-0.5 * away * away / (kNoise * kNoise)) / (kNoise * std::sqrt(2.0 * std::numbers::pi));
  return std::log(0.9 * on_grid * step + 0.1);
}

}  // namespace

std::array<int, 64> jpeg_luma_table(int64_t quality) {
  if (quality < 1 || quality > 100) throw OptionError(fmt::format("JPEG quality = {}, must be 1 to 100", quality));
  const int64_t percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  std::array<int, 64> table{};
  for (size_t i = 0; i < 64; ++i) {
    table[i] = static_cast<int>(std::clamp<int64_t>((kStandardLuma[i] * percent + 50) / 100, 1, 255));
  }
  return table;
}

std::optional<JpegEstimate> jpeg_quality_of_file(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, size_t{1} << 30U);
  const auto byte = [&](size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])); };
  if (bytes.size() < 4 || byte(0) != 0xFF || byte(1) != 0xD8) return std::nullopt;
  const std::array<int, 64> places = zigzag_places();
  std::optional<std::array<int, 64>> found;
  for (size_t at = 2; at + 4 <= bytes.size() && byte(at) == 0xFF && !found;) {
    const unsigned marker = byte(at + 1);
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;
    const size_t length = byte(at + 2) * 256 + byte(at + 3);
    const size_t end = std::min(bytes.size(), at + 2 + length);
    if (marker == 0xDB) {
      for (size_t p = at + 4; p < end;) {
        const bool wide = (byte(p) >> 4U) != 0;
        const bool luma = (byte(p) & 15U) == 0;
        const size_t size = wide ? 128 : 64;
        if (p + 1 + size > end) break;
        if (luma) {
          found.emplace();
          for (size_t n = 0; n < 64; ++n) {
            const size_t entry = p + 1 + n * (wide ? 2 : 1);
            (*found)[places[n]] = static_cast<int>(wide ? byte(entry) * 256 + byte(entry + 1) : byte(entry));
          }
        }
        p += 1 + size;
      }
    }
    at = end;
  }
  if (!found) return std::nullopt;
  JpegEstimate best{.quality = 100, .confidence = 1.0, .from_tables = true};
  double least = 1e300;
  for (int64_t quality = 1; quality <= 100; ++quality) {
    const std::array<int, 64> table = jpeg_luma_table(quality);
    double distance = 0.0;
    for (size_t i = 0; i < 64; ++i) {
      const double ratio = std::log((table[i] + 0.5) / (std::max(1, (*found)[i]) + 0.5));
      distance += ratio * ratio;
    }
    if (distance < least) {
      least = distance;
      best.quality = quality;
    }
  }
  return best;
}

std::optional<JpegEstimate> jpeg_quality_of_pixels(const torch::Tensor& image) {
  if (image.size(2) < 64 || image.size(3) < 64) return std::nullopt;
  const torch::Tensor rgb = image[0].to(torch::kCPU, torch::kFloat64).mul(255.0);
  const torch::Tensor luma = rgb.size(0) == 3 ? rgb[0] * 0.299 + rgb[1] * 0.587 + rgb[2] * 0.114 : rgb[0];
  const Grid columns = find_grid(column_jumps(luma));
  const Grid rows = find_grid(column_jumps(luma.t().contiguous()));
  constexpr double kLeastContrast = 0.02;  // chance contrasts of uncompressed photos stay below
  if (std::min(columns.contrast, rows.contrast) < kLeastContrast) return std::nullopt;

  const torch::Tensor coefficients = block_coefficients(luma, rows.offset, columns.offset);
  if (coefficients.size(0) < 16) return std::nullopt;
  // The lowest frequencies without the mean: they are seldom all zero.
  const std::array<int, 64> places = zigzag_places();
  const auto at = coefficients.accessor<double, 2>();
  JpegEstimate best{.offset_y = rows.offset, .offset_x = columns.offset};
  double best_evidence = 0.0;
  std::array<std::array<double, 256>, 64> known{};
  for (auto& row : known) row.fill(std::nan(""));
  for (int64_t quality = 100; quality >= 1; --quality) {
    const std::array<int, 64> table = jpeg_luma_table(quality);
    double sum = 0.0;
    for (size_t n = 1; n < 21; ++n) {
      const int place = places[n];
      double& value = known[static_cast<size_t>(place)][static_cast<size_t>(table[static_cast<size_t>(place)])];
      if (std::isnan(value)) {
        value = 0.0;
        for (int64_t block = 0; block < coefficients.size(0); ++block) {
          value += evidence(at[block][place], table[static_cast<size_t>(place)]);
        }
      }
      sum += value;
    }
    if (sum > best_evidence) {
      best_evidence = sum;
      best.quality = quality;
    }
  }
  // One nat a block is much more than chance gives.
  best.confidence = std::clamp(best_evidence / static_cast<double>(coefficients.size(0)), 0.0, 1.0);
  if (best.confidence < 0.2) return std::nullopt;
  return best;
}

}  // namespace zsr
