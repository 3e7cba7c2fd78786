#include "dip/dip.h"

#include "core/error.h"
#include "core/image/resize.h"
#include "dip/fitting.h"
#include "dip/pieces.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <chrono>
#include <cmath>

namespace zsr::dip {
namespace {

using Clock = std::chrono::steady_clock;

void check(const torch::Tensor& photo, const Options& options) {
  const bool good = photo.dim() == 4 && photo.size(0) == 1 && (photo.size(1) == 1 || photo.size(1) == 3) &&
                    photo.numel() > 0 && photo.scalar_type() == torch::kFloat32;
  if (!good) throw InputError("deep image prior takes one float32 image of shape [1, 1 or 3, H, W]");
  if (photo.size(1) != options.network.outputs) {
    throw OptionError(
        fmt::format("a network with {} outputs cannot show {} channels", options.network.outputs, photo.size(1)));
  }
  if (options.mask.defined()) {
    const torch::Tensor& mask = options.mask;
    if (mask.dim() != 4 || mask.size(2) != photo.size(2) || mask.size(3) != photo.size(3)) {
      throw InputError(fmt::format("the mask is {}x{}, the photo {}x{}; they must be of one size", mask.size(-1),
                                   mask.size(-2), photo.size(3), photo.size(2)));
    }
    const double good_share = mask.mean().item<double>();
    if (good_share <= 0.0) throw InputError("the mask is black everywhere: nothing of the photo would be kept");
    if (good_share >= 1.0) throw InputError("the mask is white everywhere: there is nothing to fill");
  }
}

std::vector<Piece> pieces_of(const Options& options, int64_t height, int64_t width) {
  return cut(height, width, options.tile, options.overlap, options.scale);
}

torch::Tensor window(const torch::Tensor& image, const Piece& piece, int64_t scale) {
  return image.slice(2, piece.y / scale, (piece.y + piece.height) / scale)
      .slice(3, piece.x / scale, (piece.x + piece.width) / scale)
      .contiguous();
}

}  // namespace

int64_t needed_bytes(const Options& options, int64_t height, int64_t width) {
  int64_t most = 0;
  for (const Piece& piece : pieces_of(options, height, width)) {
    const SkipSpec& spec = options.network;
    most = std::max(most, SkipNetwork::step_bytes(spec, spec.canvas(piece.height), spec.canvas(piece.width)));
  }
  return most + 4 * 5 * height * width;
}

Result run(const torch::Tensor& photo, const Options& options, const RunContext& context, const FrameFn& frame) {
  options.validate();
  check(photo, options);
  const int64_t height = photo.size(2) * options.scale;
  const int64_t width = photo.size(3) * options.scale;
  if (const int64_t needed = needed_bytes(options, height, width);
      options.memory_limit > 0 && needed > options.memory_limit) {
    throw InputError(
        fmt::format("an output of {}x{} needs about {:.1f} GB of memory, {:.1f} GB may be used; make it in "
                    "pieces (tile)",
                    width, height, static_cast<double>(needed) / 1e9, static_cast<double>(options.memory_limit) / 1e9));
  }
  const auto begin = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  const std::vector<Piece> pieces = pieces_of(options, height, width);
  const auto steps_of = [&](size_t i) {
    return i == 0 ? options.steps
                  : std::max<int64_t>(1, std::llround(options.later_tiles * static_cast<double>(options.steps)));
  };
  int64_t planned = 0;
  for (size_t i = 0; i < pieces.size(); ++i) planned += steps_of(i);

  Result result;
  result.summary.termination = Termination::kFinished;
  Random random(derive_seed(context.seed, "dip-weights"));
  SkipNetwork network(options.network, random, context.device);
  Blend blend(photo.size(1), height, width);
  const auto factor = static_cast<double>(options.scale);
  const torch::Tensor interpolated = pieces.size() > 1 ? imresize(photo, {factor, factor}) : torch::Tensor();
  int64_t done = 0;
  bool stopped = false;
  for (size_t i = 0; i < pieces.size(); ++i) {
    Options own = options;
    if (options.mask.defined()) own.mask = window(options.mask, pieces[i], 1);
    Fitting fitting(network, window(photo, pieces[i], options.scale).to(context.device), own,
                    derive_seed(context.seed, fmt::format("dip-{}", i)));
    const double deadline_s =
        context.time_budget_s ? *context.time_budget_s * static_cast<double>(i + 1) / static_cast<double>(pieces.size())
                              : std::numeric_limits<double>::infinity();
    double loss = 0.0;
    for (int64_t step = 0; step < steps_of(i); ++step) {
      loss = fitting.step();
      ++result.summary.steps;
      if (frame && options.frame_every > 0 && (step + 1) % options.frame_every == 0) {
        frame(fitting.current().to(torch::kCPU), step + 1);
      }
      if (context.progress) {
        const std::string stage = pieces.size() == 1 ? "fit" : fmt::format("fit piece {} of {}", i + 1, pieces.size());
        const ProgressAction action = context.progress({stage, done + step + 1, planned, loss, elapsed()});
        if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; nothing was written");
        stopped = action == ProgressAction::kStop;
      }
      if (fitting.exhausted()) {
        result.summary.termination = Termination::kDiverged;
        result.summary.message = "training kept diverging, also with smaller steps; this is the best image before";
      } else if (stopped) {
        result.summary.termination = Termination::kStopped;
      } else if (elapsed() > deadline_s) {
        result.summary.termination = Termination::kTimeBudget;
      } else if (fitting.finished()) {
        result.summary.termination = Termination::kConverged;
      } else {
        continue;
      }
      break;
    }
    done += steps_of(i);
    result.summary.final_loss = loss;
    result.best_step = fitting.best_step();
    result.rule_step = fitting.rule_step();
    result.restored += fitting.restored();
    blend.add(fitting.image().to(torch::kCPU), pieces[i]);
    if (stopped && i + 1 < pieces.size()) {
      for (size_t left = i + 1; left < pieces.size(); ++left) {
        const Piece& piece = pieces[left];
        blend.add(interpolated.slice(2, piece.y, piece.y + piece.height).slice(3, piece.x, piece.x + piece.width),
                  piece);
      }
      result.summary.message = fmt::format("stopped before {} of {} pieces, which are as interpolation makes them",
                                           pieces.size() - i - 1, pieces.size());
      break;
    }
  }
  result.summary.train_s = elapsed();
  result.image = blend.image().clamp(0.0, 1.0);
  if (options.task == Task::kInpaint) result.image = torch::where(options.mask > 0.5, photo, result.image);
  return result;
}

}  // namespace zsr::dip
