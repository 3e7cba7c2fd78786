#include "degradations/estimation/condition/measures.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace zsr::condition {
namespace {

constexpr int64_t kBlock = 8;
constexpr int64_t kStep = 4;  // blocks overlap by half, so that more of them fit into small flat places

struct Block {
  double deviation = 0.0;  // around a fitted plane
  double fine = 0.0;       // from second differences
  double chroma = 0.0;
  double products = 0.0;  // of neighbouring residuals, mean over both directions
  double power = 0.0;     // of the residuals
  bool open = true;       // neither burnt out nor black
};

// Mean square response to [1 -2 1] along both axes (gain 36 on white noise), in the inner 6 x 6 pixels.
double second_difference_power(const Plane& plane, int64_t y0, int64_t x0) {
  double sum = 0.0;
  for (int64_t y = y0 + 1; y < y0 + kBlock - 1; ++y) {
    const float* const above = plane.row(y - 1);
    const float* const here = plane.row(y);
    const float* const below = plane.row(y + 1);
    for (int64_t x = x0 + 1; x < x0 + kBlock - 1; ++x) {
      const float corners = above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1];
      const float sides = above[x] + below[x] + here[x - 1] + here[x + 1];
      const float value = corners - 2.0F * sides + 4.0F * here[x];
      sum += static_cast<double>(value) * value;
    }
  }
  return sum / ((kBlock - 2) * (kBlock - 2) * 36.0);
}

// Residuals of one block around its mean and slopes. The slopes' regressors are orthogonal on a full block.
void fit_block(const Plane& plane, int64_t y0, int64_t x0, Block& block, double& range) {
  double residual[kBlock][kBlock];
  double mean = 0.0;
  double slope_y = 0.0;
  double slope_x = 0.0;
  float low = 1e9F;
  float high = -1e9F;
  constexpr double kMiddle = 0.5 * (kBlock - 1);
  constexpr double kMoment = kBlock * 42.0;  // sum of squared distances from the middle, over the block
  for (int64_t y = 0; y < kBlock; ++y) {
    const float* const row = plane.row(y0 + y) + x0;
    for (int64_t x = 0; x < kBlock; ++x) {
      mean += row[x];
      slope_y += row[x] * (static_cast<double>(y) - kMiddle);
      slope_x += row[x] * (static_cast<double>(x) - kMiddle);
      low = std::min(low, row[x]);
      high = std::max(high, row[x]);
    }
  }
  mean /= kBlock * kBlock;
  slope_y /= kMoment;
  slope_x /= kMoment;
  range = high - low;
  block.open = mean > 8.0 && mean < 247.0;
  for (int64_t y = 0; y < kBlock; ++y) {
    const float* const row = plane.row(y0 + y) + x0;
    for (int64_t x = 0; x < kBlock; ++x) {
      residual[y][x] =
          row[x] - mean - slope_y * (static_cast<double>(y) - kMiddle) - slope_x * (static_cast<double>(x) - kMiddle);
      block.power += residual[y][x] * residual[y][x];
    }
  }
  for (int64_t y = 0; y < kBlock; ++y) {
    for (int64_t x = 0; x + 1 < kBlock; ++x) {
      block.products += 0.5 * (residual[y][x] * residual[y][x + 1] + residual[x][y] * residual[x + 1][y]);
    }
  }
  block.products *= static_cast<double>(kBlock) / (kBlock - 1);
  block.deviation = std::sqrt(block.power / (kBlock * kBlock - 3));
}

double quantile(std::vector<double> values, double part) {
  const auto place = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<size_t>(place)];
}

}  // namespace

BlockNoise measure_block_noise(const std::vector<Crop>& crops) {
  constexpr double kLow = 0.05;  // quantile of the blocks that counts as the flattest
  std::vector<Block> blocks;
  BlockNoise found;
  int64_t all = 0;
  for (const Crop& crop : crops) {
    const bool color = !crop.red.values.empty();
    for (int64_t y = 0; y + kBlock <= crop.luma.height; y += kStep) {
      for (int64_t x = 0; x + kBlock <= crop.luma.width; x += kStep) {
        Block block;
        double range = 0.0;
        fit_block(crop.luma, y, x, block, range);
        ++all;
        found.smooth_share += range <= 2.0 ? 1.0 : 0.0;
        if (range <= 0.0) {
          found.flat_share += 1.0;
          continue;  // drawn, clipped or compressed away: it says nothing of noise elsewhere
        }
        if (!block.open) continue;
        block.fine = std::sqrt(second_difference_power(crop.luma, y, x));
        if (color) {
          block.chroma =
              std::sqrt(0.5 * (second_difference_power(crop.red, y, x) + second_difference_power(crop.blue, y, x)));
        }
        blocks.push_back(block);
      }
    }
  }
  if (all == 0) return found;
  found.flat_share /= static_cast<double>(all);
  found.smooth_share /= static_cast<double>(all);
  found.usable = blocks.size();
  if (blocks.size() < kFewestBlocks) return found;
  std::vector<double> values(blocks.size());
  const auto collect = [&](double Block::*field) {
    std::transform(blocks.begin(), blocks.end(), values.begin(), [&](const Block& b) { return b.*field; });
  };
  collect(&Block::fine);
  found.luma_fine = quantile(values, kLow);
  found.fine_median = quantile(values, 0.5);
  collect(&Block::chroma);
  found.chroma = quantile(values, kLow);
  found.chroma_median = quantile(values, 0.5);
  collect(&Block::deviation);
  found.luma = quantile(values, kLow);
  found.luma_median = quantile(values, 0.5);
  const double limit = quantile(values, 2.0 * kLow);
  double products = 0.0;
  double power = 0.0;
  for (const Block& block : blocks) {
    if (block.deviation > limit) continue;
    products += block.products;
    power += block.power;
  }
  constexpr double kRounding = 0.35;  // below, residuals are the rounding to whole levels
  if (power > 0.0 && found.luma > kRounding) found.correlation = products / power;
  return found;
}

double share_of_few_colours(const std::vector<Crop>& crops) {
  std::unordered_map<int32_t, int64_t> counts;
  int64_t all = 0;
  const auto level = [](double value) { return static_cast<int32_t>(std::clamp(value, 0.0, 255.0)) / 8; };
  for (const Crop& crop : crops) {
    for (size_t i = 0; i < crop.luma.values.size(); i += 3) {
      const double luma = crop.luma.values[i] + 1e-3;
      const double red = crop.red.values.empty() ? luma : luma + crop.red.values[i];
      const double blue = crop.blue.values.empty() ? luma : luma + crop.blue.values[i];
      ++counts[(level(red) * 32 + level(luma)) * 32 + level(blue)];
      ++all;
    }
  }
  std::vector<int64_t> sorted;
  sorted.reserve(counts.size());
  for (const auto& [key, count] : counts) sorted.push_back(count);
  std::sort(sorted.rbegin(), sorted.rend());
  int64_t covered = 0;
  for (size_t i = 0; i < std::min<size_t>(8, sorted.size()); ++i) covered += sorted[i];
  return all > 0 ? static_cast<double>(covered) / static_cast<double>(all) : 0.0;
}

}  // namespace zsr::condition
