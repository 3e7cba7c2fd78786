#include "dip/dip.h"

#include "core/error.h"
#include "core/session.h"
#include "dip/fitting.h"
#include "dip/pieces.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::dip {
namespace {

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

int64_t steps_of(const Options& options, size_t piece) {
  if (piece == 0) return options.steps;
  return std::max<int64_t>(1, std::llround(options.later_tiles * static_cast<double>(options.steps)));
}

void check_memory(const Options& options, int64_t height, int64_t width) {
  const int64_t needed = needed_bytes(options, height, width);
  if (options.memory_limit == 0 || needed <= options.memory_limit) return;
  throw InputError(
      fmt::format("an output of {}x{} needs about {:.1f} GB of memory, {:.1f} GB may be used; {}", width, height,
                  static_cast<double>(needed) / 1e9, static_cast<double>(options.memory_limit) / 1e9,
                  options.tile == 0 ? "--piece makes it in pieces" : "a smaller --piece or --scale needs less"));
}

// One run over the pieces of a photo, one after the other.
class PieceRun {
 public:
  PieceRun(const torch::Tensor& photo, const Options& options, const RunContext& context, const FrameFn& frame)
      : photo_(photo),
        options_(options),
        context_(context),
        session_(context),
        frame_(frame),
        pieces_(pieces_of(options, photo.size(2) * options.scale, photo.size(3) * options.scale)),
        random_(derive_seed(context.seed, "dip-weights")),
        network_(options.network, random_, context.device),
        blend_(photo.size(1), photo.size(2) * options.scale, photo.size(3) * options.scale),
        planned_(length_of(options, photo.size(2) * options.scale, photo.size(3) * options.scale).steps) {}

  Result run() {
    for (size_t i = 0; i < pieces_.size(); ++i) {
      fit_piece(i);
      if (!session_.stopped() || i + 1 == pieces_.size()) continue;
      interpolate_from(i + 1);
      break;
    }
    result_.summary.train_s = session_.elapsed_s();
    result_.image = blend_.image().clamp(0.0, 1.0);
    if (options_.task == Task::kInpaint) result_.image = torch::where(options_.mask > 0.5, photo_, result_.image);
    return result_;
  }

 private:
  void fit_piece(size_t i) {
    Options own = options_;
    if (options_.mask.defined()) own.mask = window(options_.mask, pieces_[i], 1);
    Fitting fitting(network_, window(photo_, pieces_[i], options_.scale).to(context_.device), own,
                    derive_seed(context_.seed, fmt::format("dip-{}", i)));
    const double share = static_cast<double>(i + 1) / static_cast<double>(pieces_.size());
    const double deadline_s =
        context_.time_budget_s ? *context_.time_budget_s * share : std::numeric_limits<double>::infinity();
    double loss = 0.0;
    for (int64_t step = 0; step < steps_of(options_, i); ++step) {
      const double begun_s = session_.elapsed_s();
      loss = fitting.step();
      ++result_.summary.steps;
      if (frame_ && options_.frame_every > 0 && (step + 1) % options_.frame_every == 0) {
        frame_(fitting.current().to(torch::kCPU), step + 1);
      }
      report(i, step, loss);
      // A step that would end after the deadline is not begun: one of a large image takes many seconds.
      const double step_s = session_.elapsed_s() - begun_s;
      if (ends(fitting, deadline_s - step_s)) break;
    }
    done_ += steps_of(options_, i);
    result_.summary.final_loss = loss;
    result_.best_step = fitting.best_step();
    result_.rule_step = fitting.rule_step();
    result_.restored += fitting.restored();
    blend_.add(fitting.image().to(torch::kCPU), pieces_[i]);
  }

  void report(size_t i, int64_t step, double loss) {
    const std::string stage = pieces_.size() == 1 ? "fit" : fmt::format("fit piece {} of {}", i + 1, pieces_.size());
    session_.report(stage, done_ + step + 1, planned_, loss);
  }

  // Whether the piece is done before its last step; the summary says why.
  bool ends(const Fitting& fitting, double deadline_s) {
    Summary& summary = result_.summary;
    if (fitting.exhausted()) {
      summary.termination = Termination::kDiverged;
      summary.message = "training kept diverging, also with smaller steps; this is the best image before";
    } else if (session_.stopped()) {
      summary.termination = Termination::kStopped;
    } else if (session_.elapsed_s() > deadline_s) {
      summary.termination = Termination::kTimeBudget;
    } else if (fitting.finished()) {
      summary.termination = Termination::kConverged;
    } else {
      return false;
    }
    return true;
  }

  // Pieces that were not begun are interpolated.
  void interpolate_from(size_t first) {
    const auto factor = static_cast<double>(options_.scale);
    const torch::Tensor interpolated = imresize(photo_, {factor, factor});
    for (size_t i = first; i < pieces_.size(); ++i) {
      blend_.add(window(interpolated, pieces_[i], 1), pieces_[i]);
    }
    result_.summary.message = fmt::format("stopped before {} of {} pieces, which are as interpolation makes them",
                                          pieces_.size() - first, pieces_.size());
  }

  torch::Tensor photo_;
  const Options& options_;
  const RunContext& context_;
  Session session_;
  const FrameFn& frame_;
  std::vector<Piece> pieces_;
  Random random_;
  SkipNetwork network_;
  Blend blend_;
  int64_t planned_;
  int64_t done_ = 0;
  Result result_;
};

}  // namespace

RunLength length_of(const Options& options, int64_t height, int64_t width) {
  RunLength length;
  length.pieces = static_cast<int64_t>(pieces_of(options, height, width).size());
  for (int64_t i = 0; i < length.pieces; ++i) length.steps += steps_of(options, static_cast<size_t>(i));
  return length;
}

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
  check_memory(options, photo.size(2) * options.scale, photo.size(3) * options.scale);
  return PieceRun(photo, options, context, frame).run();
}

}  // namespace zsr::dip
