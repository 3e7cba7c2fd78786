#include "zssr/upscaler.h"

#include "core/device.h"
#include "image/dihedral.h"
#include "inference/self_ensemble.h"
#include "inference/tiles.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace zsr::zssr {

int64_t Upscaler::halo() const {
  return network.halo(formation.scale()) + formation.reach(back_projection);
}

double Upscaler::bytes_per_pixel(int64_t channels) const {
  const double area = formation.scale().y * formation.scale().x;
  const double grid = network.architecture() == Architecture::kPreUpsampled ? area : 1.0;
  const double activations = 2.0 * 4.0 * static_cast<double>(network.width()) * grid;
  const double kept = ensemble_rule == EnsembleRule::kMedian ? static_cast<double>(passes()) : 1.0;
  const double images = kept + 8.0;
  return activations + images * 4.0 * static_cast<double>(channels) * area;
}

int64_t Upscaler::side_of_tile(Size low, int64_t channels) const {
  if (tile > 0) return tile;
  const double budget = std::clamp(static_cast<double>(available_memory()) / 4.0, 128e6, 1e9);
  constexpr int64_t kLeast = 32;
  return inference::tile_side(low, bytes_per_pixel(channels), budget, halo(), kLeast);
}

// Unequal factors leave only mirrors and half turns (reference code: every second of the 8).
std::vector<int64_t> Upscaler::turns() const {
  return inference::ensemble_turns(self_ensemble, formation.scale().y == formation.scale().x);
}

int64_t Upscaler::passes() const {
  return static_cast<int64_t>(turns().size());
}

Upscaler::Consistency Upscaler::consistency(const torch::Tensor& lr) const {
  constexpr int64_t kSide = 128;
  constexpr int64_t kBorder = 8;  // there the network saw zeros and the kernel looks past the edge
  double squares = 0.0;
  int64_t count = 0;
  const auto look_at = [&](const torch::Tensor& part) {
    const Size size{part.size(2), part.size(3)};
    const torch::Tensor here = part.to(device).contiguous();
    torch::Tensor high = pass(here, scaled_size(size, formation.scale()), formation, 0);
    const int64_t rows = size.height - 2 * kBorder;
    const int64_t columns = size.width - 2 * kBorder;
    if (rows > 0 && columns > 0) {
      const torch::Tensor miss =
          (formation.down(high, size) - here).narrow(2, kBorder, rows).narrow(3, kBorder, columns);
      squares += miss.square().sum().item<double>();
      count += miss.numel();
    }
    return high;
  };
  Consistency result;
  const Size low{lr.size(2), lr.size(3)};
  const bool untiled = side_of_tile(low, lr.size(1)) >= std::max(low.height, low.width);
  if (untiled && low.height * low.width <= 4 * kSide * kSide) {
    result.first_pass = look_at(lr);
  } else {
    const int64_t height = std::min(kSide, low.height);
    const int64_t width = std::min(kSide, low.width);
    const auto place = [](double at, int64_t length, int64_t side) {
      const auto middle = static_cast<int64_t>(at * static_cast<double>(length));
      return std::clamp<int64_t>(middle - side / 2, 0, length - side);
    };
    for (const double y : {0.25, 0.75}) {
      for (const double x : {0.25, 0.75}) {
        look_at(lr.narrow(2, place(y, low.height, height), height).narrow(3, place(x, low.width, width), width));
      }
    }
  }
  result.db = count == 0 ? std::numeric_limits<double>::infinity()
                         : -10.0 * std::log10(squares / static_cast<double>(count) + 1e-12);
  return result;
}

torch::Tensor Upscaler::pass(const torch::Tensor& lr, Size size, const Formation& patch_formation,
                             int64_t index) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor turned = dihedral(lr, index).contiguous();
  const bool swapped = (index & 1) == 1;
  const Size turned_size = swapped ? Size{size.width, size.height} : size;
  const Phase phase =
      inference::turned_phase(patch_formation.phase(), {lr.size(2), lr.size(3)}, size, formation.scale(), index);
  const torch::Tensor base = patch_formation.up(turned, turned_size, phase);
  torch::Tensor residual = network.residual(turned, base, index);
  // A photo whose size times the scale is not whole is one pixel short of the shuffle's grid at most.
  residual = residual.slice(2, 0, turned_size.height).slice(3, 0, turned_size.width);
  return inverse_dihedral((base + residual).clamp_(0.0, 1.0), index).contiguous();
}

torch::Tensor Upscaler::run_patch(const torch::Tensor& lr, Size size, const Formation& patch_formation,
                                  const std::function<bool()>& next_pass, const torch::Tensor& first_pass) const {
  const torch::NoGradGuard no_grad;
  const int64_t of_pass = ensemble_rule == EnsembleRule::kMedian || project_passes ? back_projection : 0;
  const auto projected_pass = [&](int64_t turn) {
    const bool reused = turn == 0 && first_pass.defined();
    return patch_formation.back_project(reused ? first_pass : pass(lr, size, patch_formation, turn), lr, of_pass);
  };
  const inference::Combined combined =
      inference::combine_passes(turns(), ensemble_rule, projected_pass, [&] { return !next_pass || next_pass(); });
  return patch_formation.back_project(combined.image, lr, 2 * back_projection - of_pass);
}

torch::Tensor Upscaler::run(const torch::Tensor& lr, Size size, const PassFn& on_pass,
                            const torch::Tensor& first_pass) const {
  const Size low{lr.size(2), lr.size(3)};
  const int64_t side = side_of_tile(low, lr.size(1));
  const int64_t tiles = inference::count_tiles(low, side);
  const int64_t passes_in_all = passes() * tiles;
  int64_t done = 0;
  int64_t tiles_done = 0;
  const auto next_pass = [&] { return !on_pass || on_pass(++done, passes_in_all); };
  const auto make = [&](const inference::Span& row, const inference::Span& column) {
    const torch::Tensor patch = inference::read_tile(lr, row, column, 0).to(device);
    const torch::Tensor output = run_patch(patch, {row.hr_end - row.hr_begin, column.hr_end - column.hr_begin},
                                           formation.shifted({row.phase_shift, column.phase_shift}), next_pass,
                                           tiles == 1 ? first_pass : torch::Tensor());
    done = ++tiles_done * passes();  // counts passes that a hurried tile left out
    return output;
  };
  return inference::in_tiles(low, size, formation.scale(), lr.size(1), {side, halo()}, make);
}

}  // namespace zsr::zssr
