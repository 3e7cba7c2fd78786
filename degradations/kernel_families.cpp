#include "degradations/kernel_families.h"

#include "core/error.h"
#include "core/random.h"
#include "core/sha256.h"
#include "degradations/kernel_io.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr {
namespace {

constexpr int64_t kLargestSize = 255;

void check(bool good, const char* field, double value, const char* rule) {
  if (!good) throw OptionError(fmt::format("kernel {} = {:g}, must be {}", field, value, rule));
}

struct Grid {
  torch::Tensor y;  // [size, 1]
  torch::Tensor x;  // [1, size]
};

Grid centered_grid(const KernelSpec& spec) {
  check(spec.size >= 1 && spec.size <= kLargestSize, "size", static_cast<double>(spec.size), "1 to 255");
  check(std::isfinite(spec.offset) && std::abs(spec.offset) < static_cast<double>(spec.size), "offset", spec.offset,
        "smaller than the kernel");
  const double middle = static_cast<double>(spec.size - 1) / 2.0 + spec.offset;
  const torch::Tensor line = torch::arange(spec.size, torch::kFloat64) - middle;
  return {line.unsqueeze(1), line.unsqueeze(0)};
}

// x' C^-1 x on the grid.
torch::Tensor quadratic_form(const KernelSpec& spec) {
  check(std::isfinite(spec.sigma_1) && spec.sigma_1 > 0.0, "sigma_1", spec.sigma_1, "> 0 pixels");
  check(std::isfinite(spec.sigma_2) && spec.sigma_2 > 0.0, "sigma_2", spec.sigma_2, "> 0 pixels");
  check(std::isfinite(spec.angle), "angle", spec.angle, "finite");
  const Grid grid = centered_grid(spec);
  const torch::Tensor along = grid.x * std::cos(spec.angle) + grid.y * std::sin(spec.angle);
  const torch::Tensor across = grid.y * std::cos(spec.angle) - grid.x * std::sin(spec.angle);
  // Below a hundredth of a pixel the kernel is a single one; smaller numbers would only overflow.
  const double along_sigma = std::max(spec.sigma_1, 1e-2);
  const double across_sigma = std::max(spec.sigma_2, 1e-2);
  return along.square() / (along_sigma * along_sigma) + across.square() / (across_sigma * across_sigma);
}

torch::Tensor sinc(const KernelSpec& spec) {
  check(spec.cutoff > 0.0 && spec.cutoff <= std::numbers::pi + 1e-12, "cutoff", spec.cutoff, "in (0, pi]");
  const Grid grid = centered_grid(spec);
  const torch::Tensor distance = (grid.x.square() + grid.y.square()).sqrt();
  torch::Tensor weights = torch::empty_like(distance);
  auto at = weights.accessor<double, 2>();
  auto r = distance.accessor<double, 2>();
  for (int64_t i = 0; i < spec.size; ++i) {
    for (int64_t j = 0; j < spec.size; ++j) {
      at[i][j] = r[i][j] < 1e-9
                     ? spec.cutoff * spec.cutoff / (4.0 * std::numbers::pi)
                     : spec.cutoff * std::cyl_bessel_j(1.0, spec.cutoff * r[i][j]) / (2.0 * std::numbers::pi * r[i][j]);
    }
  }
  return weights;
}

torch::Tensor disk(const KernelSpec& spec) {
  check(spec.radius > 0.0 && spec.radius < 127.0, "radius", spec.radius, "in (0, 127) pixels");
  const Grid grid = centered_grid(spec);
  // Each pixel's covered part by 32 x 32 sub-samples.
  constexpr int64_t kParts = 32;
  const torch::Tensor part = (torch::arange(kParts, torch::kFloat64) + 0.5) / kParts - 0.5;
  const torch::Tensor y2 = (grid.y + part.unsqueeze(0)).square().view({spec.size, 1, kParts, 1});
  const torch::Tensor x2 = (grid.x.t() + part.unsqueeze(0)).square().view({1, spec.size, 1, kParts});
  return (y2 + x2).le(spec.radius * spec.radius).to(torch::kFloat64).mean(std::vector<int64_t>{2, 3});
}

// A path as weights: each of its points gives one to the four pixels around it.
torch::Tensor drawn_path(const std::vector<std::array<double, 2>>& points, const KernelSpec& spec) {
  torch::Tensor weights = torch::zeros({spec.size, spec.size}, torch::kFloat64);
  auto at = weights.accessor<double, 2>();
  const double middle = static_cast<double>(spec.size - 1) / 2.0 + spec.offset;
  for (const auto& [py, px] : points) {
    const double y = py + middle;
    const double x = px + middle;
    const auto row = static_cast<int64_t>(std::floor(y));
    const auto column = static_cast<int64_t>(std::floor(x));
    for (int64_t r = row; r <= row + 1; ++r) {
      for (int64_t c = column; c <= column + 1; ++c) {
        if (r < 0 || c < 0 || r >= spec.size || c >= spec.size) continue;
        at[r][c] += (1.0 - std::abs(y - static_cast<double>(r))) * (1.0 - std::abs(x - static_cast<double>(c)));
      }
    }
  }
  return weights;
}

void check_path(const KernelSpec& spec) {
  check(spec.length > 0.0 && spec.length <= static_cast<double>(spec.size), "length", spec.length,
        "> 0 and at most the kernel's size");
}

torch::Tensor straight_motion(const KernelSpec& spec) {
  check_path(spec);
  const auto steps = static_cast<int64_t>(std::ceil(spec.length * 16.0)) + 1;
  std::vector<std::array<double, 2>> points;
  for (int64_t i = 0; i < steps; ++i) {
    const double t = (static_cast<double>(i) + 0.5) / static_cast<double>(steps) - 0.5;
    points.push_back({t * spec.length * std::sin(spec.angle), t * spec.length * std::cos(spec.angle)});
  }
  return drawn_path(points, spec);
}

// The hand's velocity wanders and is pulled back to the middle; now and then a jerk turns it.
torch::Tensor shake(const KernelSpec& spec) {
  check_path(spec);
  Random random(derive_seed(spec.seed, "shake"));
  constexpr int64_t kSteps = 2000;
  std::vector<std::array<double, 2>> points;
  double vy = random.normal();
  double vx = random.normal();
  double y = 0.0;
  double x = 0.0;
  const double jerk_chance = random.uniform(0.0, 4.0) / kSteps;
  const double wander = random.uniform(0.02, 0.12);
  for (int64_t i = 0; i < kSteps; ++i) {
    vy += wander * random.normal() - 4e-5 * y;
    vx += wander * random.normal() - 4e-5 * x;
    if (random.uniform() < jerk_chance) {
      const double turn = random.uniform(0.5 * std::numbers::pi, 1.5 * std::numbers::pi);
      const double turned = vy * std::cos(turn) - vx * std::sin(turn);
      vx = vy * std::sin(turn) + vx * std::cos(turn);
      vy = turned;
    }
    const double speed = std::max(std::hypot(vy, vx), 1e-9);
    vy *= (1.0 + 0.02 * (1.0 / speed - 1.0));  // towards speed 1
    vx *= (1.0 + 0.02 * (1.0 / speed - 1.0));
    points.push_back({y += vy, x += vx});
  }
  // Centred by its mean and scaled so that its larger extent is `length`.
  double mean_y = 0.0;
  double mean_x = 0.0;
  for (const auto& p : points) {
    mean_y += p[0] / kSteps;
    mean_x += p[1] / kSteps;
  }
  double reach = 1e-9;
  for (auto& p : points) {
    p = {p[0] - mean_y, p[1] - mean_x};
    reach = std::max({reach, std::abs(p[0]), std::abs(p[1])});
  }
  for (auto& p : points) p = {p[0] * 0.5 * spec.length / reach, p[1] * 0.5 * spec.length / reach};
  return drawn_path(points, spec);
}

// What imresize does to an impulse, seen from one output pixel: with whole factors every row of its matrix is the same.
torch::Tensor bicubic(const KernelSpec& spec) {
  const auto scale = static_cast<int64_t>(std::llround(spec.scale));
  check(scale >= 2 && scale <= 16 && std::abs(spec.scale - static_cast<double>(scale)) < 1e-9, "scale", spec.scale,
        "a whole number from 2 to 16 for a bicubic kernel");
  const int64_t out = 12;
  const ResampleMatrix matrix(out * scale, out, 1.0 / static_cast<double>(scale), {}, std::nullopt);
  const torch::Tensor row = matrix.dense()[out / 2];
  // The anchor is at size / 2; the row's own centre lies (scale - 1) / 2 after pixel scale * out / 2.
  const int64_t reach = 2 * scale + scale / 2;
  const int64_t start = scale * (out / 2) - reach;
  const torch::Tensor line = row.slice(0, start, start + 2 * reach + 1);
  return line.unsqueeze(1) * line.unsqueeze(0);
}

torch::Tensor div2krk(const KernelSpec& spec) {
  check(spec.noise >= 0.0 && spec.noise < 1.0, "noise", spec.noise, "in [0, 1)");
  const torch::Tensor clean = torch::exp(-0.5 * quadratic_form(spec));
  torch::Tensor weights = clean.clone();
  Random random(derive_seed(spec.seed, "div2krk"));
  auto at = weights.accessor<double, 2>();
  for (int64_t r = 0; r < spec.size; ++r) {
    for (int64_t c = 0; c < spec.size; ++c) at[r][c] *= random.uniform(1.0 - spec.noise, 1.0 + spec.noise);
  }
  // The noise moves the centre of mass; the dataset moves it back.
  const BlurKernel noisy(weights);
  const double middle = static_cast<double>(spec.size - 1) / 2.0 + spec.offset;
  const double anchor = static_cast<double>(spec.size / 2);
  const BlurKernel centered = noisy.moved_to({middle - anchor, middle - anchor});
  const int64_t more = (centered.height() - spec.size) / 2;
  return centered.weights().slice(0, more, more + spec.size).slice(1, more, more + spec.size);
}

torch::Tensor weights_of(const KernelSpec& spec) {
  switch (spec.family) {
    case KernelFamily::kGaussian:
      return torch::exp(-0.5 * quadratic_form(spec));
    case KernelFamily::kGeneralized:
      check(spec.beta > 0.0 && spec.beta <= 16.0, "beta", spec.beta, "in (0, 16]");
      return torch::exp(-0.5 * quadratic_form(spec).pow(spec.beta));
    case KernelFamily::kPlateau:
      check(spec.beta > 0.0 && spec.beta <= 16.0, "beta", spec.beta, "in (0, 16]");
      return 1.0 / (1.0 + quadratic_form(spec).pow(spec.beta));
    case KernelFamily::kSinc:
      return sinc(spec);
    case KernelFamily::kDisk:
      return disk(spec);
    case KernelFamily::kLine:
      return straight_motion(spec);
    case KernelFamily::kShake:
      return shake(spec);
    case KernelFamily::kBicubic:
      return bicubic(spec);
    case KernelFamily::kDiv2krk:
      return div2krk(spec);
    case KernelFamily::kFile:
      break;
  }
  throw OptionError("kernel family is not known");
}

}  // namespace

BlurKernel make_kernel(const KernelSpec& spec) {
  if (spec.family == KernelFamily::kFile) {
    if (!spec.sha256.empty() && sha256_of_file(spec.file) != spec.sha256) {
      throw InputError(fmt::format("kernel '{}' is not the file it was (its SHA-256 differs)", spec.file));
    }
    const std::vector<BlurKernel> kernels =
        load_kernels(spec.file, spec.flipped ? KernelConvention::kKair : KernelConvention::kZssr);
    check(spec.index >= 0 && spec.index < static_cast<int64_t>(kernels.size()), "index",
          static_cast<double>(spec.index), "one of the kernels in the file");
    const BlurKernel& kernel = kernels[static_cast<size_t>(spec.index)];
    if (spec.move) return kernel.moved_to({spec.phase_y, spec.phase_x});
    return spec.shift == 0.0 ? kernel : shifted_inside(kernel, spec.shift);
  }
  return BlurKernel(weights_of(spec), "kernel");
}

BlurKernel compose(const BlurKernel& first, const BlurKernel& second, int64_t factor) {
  check(factor >= 1 && factor <= 8, "factor", static_cast<double>(factor), "1 to 8");
  // lr(i) = sum_j second(j - a) mid(i + j), mid(m) = sum_n first(n - b) hr(f m + n): together the weight of hr(f i + f
  // j
  // + n).
  const int64_t before_y = first.anchor_y() + second.anchor_y() * factor;
  const int64_t before_x = first.anchor_x() + second.anchor_x() * factor;
  const auto after = [&](int64_t f, int64_t f_anchor, int64_t s, int64_t s_anchor) {
    return f - 1 - f_anchor + (s - 1 - s_anchor) * factor;
  };
  // Odd and wide enough on both sides, so that the middle is the anchor.
  const int64_t reach_y =
      std::max(before_y, after(first.height(), first.anchor_y(), second.height(), second.anchor_y()));
  const int64_t reach_x = std::max(before_x, after(first.width(), first.anchor_x(), second.width(), second.anchor_x()));
  torch::Tensor result = torch::zeros({2 * reach_y + 1, 2 * reach_x + 1}, torch::kFloat64);
  const auto weight = second.weights().accessor<double, 2>();
  for (int64_t r = 0; r < second.height(); ++r) {
    for (int64_t c = 0; c < second.width(); ++c) {
      const int64_t top = reach_y - before_y + factor * r;
      const int64_t left = reach_x - before_x + factor * c;
      result.slice(0, top, top + first.height())
          .slice(1, left, left + first.width())
          .add_(first.weights(), weight[r][c]);
    }
  }
  return BlurKernel(result, "composed kernel");
}

BlurKernel compose(const BlurKernel& kernel, int64_t factor) {
  return compose(kernel, kernel, factor);
}

}  // namespace zsr
