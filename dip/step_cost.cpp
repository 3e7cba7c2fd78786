#include "dip/step_cost.h"

#include "core/random.h"
#include "core/session.h"
#include "dip/fitting.h"
#include "dip/pieces.h"

#include <algorithm>

namespace zsr::dip {
namespace {

constexpr int64_t kProbeSide = 128;
// The two steps of the probe must cost little beside the first step of the run.
constexpr int64_t kLeastRatio = 16;

int64_t canvas_pixels(const SkipSpec& spec, int64_t height, int64_t width) {
  return spec.canvas(height) * spec.canvas(width);
}

}  // namespace

std::optional<StepCost> estimate_step_cost(const Options& options, int64_t height, int64_t width,
                                           torch::Device device) {
  options.validate();
  const SkipSpec& spec = options.network;
  const int64_t probe_pixels = canvas_pixels(spec, kProbeSide, kProbeSide);
  int64_t most = 0;
  for (const Piece& piece : cut(height, width, options.tile, options.overlap, options.scale)) {
    most = std::max(most, canvas_pixels(spec, piece.height, piece.width));
  }
  if (most < kLeastRatio * probe_pixels) return std::nullopt;

  // The observation is cheap beside the network, so that the probe can do without kernel and mask.
  Options plain = options;
  plain.task = Task::kDenoise;
  plain.scale = 1;
  plain.kernel.reset();
  plain.mask = torch::Tensor();
  Random random(derive_seed(0, "dip-probe"));
  SkipNetwork network(spec, random, device);
  const torch::Tensor photo = torch::full({1, spec.outputs, kProbeSide, kProbeSide}, 0.5).to(device);
  Fitting fitting(network, photo, plain, 0);
  const RunContext context;
  const Session clock(context);
  fitting.step();
  const double first_s = clock.elapsed_s();
  fitting.step();
  const double each_s = clock.elapsed_s() - first_s;
  const double ratio = static_cast<double>(most) / static_cast<double>(probe_pixels);
  // The first step on a GPU starts its libraries, which takes as long for any size.
  return StepCost{(device.is_cpu() ? std::max(first_s, each_s) : each_s) * ratio, each_s * ratio};
}

}  // namespace zsr::dip
