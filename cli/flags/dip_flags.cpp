#include "cli/flags/dip_flags.h"

#include "cli/flags/values.h"
#include "cli/terminal/usage_error.h"
#include "cli/upscale/mask_file.h"
#include "core/error.h"
#include "degradations/estimation/scratches.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <memory>

namespace zsr::cli {
namespace {

void check_dip_flags(const DipFlags& flags, Scale scale) {
  const dip::Task task = dip::parse_task(flags.task);
  const bool whole = scale.y == scale.x && scale.y == std::floor(scale.y);
  if (!whole) {
    throw UsageError(fmt::format("deep image prior enlarges by whole factors, not by {}", format_scale(scale)));
  }
  if (task == dip::Task::kInpaint && flags.mask.empty()) {
    throw UsageError("--task inpaint needs --mask FILE: white is kept, black is filled");
  }
  if (task != dip::Task::kInpaint && !flags.mask.empty()) throw UsageError("--mask belongs to --task inpaint");
  if (flags.stop != "auto" && flags.stop != "steps") {
    throw UsageError(fmt::format("--stop '{}' must be auto or steps", flags.stop));
  }
  if (flags.steps < 0) throw UsageError(fmt::format("--steps {} must be 0 or more", flags.steps));
  if (flags.frame_every < 1) throw UsageError(fmt::format("--frame-every {} must be 1 or more", flags.frame_every));
}

}  // namespace

void add_dip_flags(OptionSet& options, DipFlags& flags) {
  options.group("Deep image prior");
  options.add("task", "NAME", "sr, denoise, jpeg (takes off traces of compression) or inpaint", &flags.task);
  options.add("mask", "FILE",
              "inpaint: white is kept, black is filled; as large as the photo; or auto: scratches are looked "
              "for, shown in PHOTO_mask.png and PHOTO_mask_shown.png, and filled when the mask is named next time",
              &flags.mask);
  options.flag("accept-mask", "Fills what --mask auto finds at once", &flags.accept_mask);
  options.add("steps", "N", "Training steps; 0 = as published for the task, ended by --stop", &flags.steps);
  options.add("stop", "RULE",
              "auto (where the output varies least, no sooner than it has begun to vary more again) or steps",
              &flags.stop);
  options.add("learning-rate", "RATE", "Of adam; 0 = 0.01 as published", &flags.learning_rate);
  options.add("input-noise", "SIGMA", "Added to the network's input in each step; -1 = as published", &flags.noise);
  options.add("average", "MEMORY", "Of the averaged output; 0 = the last output; -1 = 0.99", &flags.average);
  options.add("frames", "PATH", "Keeps an image every --frame-every steps: a folder, or FILE.webp that moves",
              &flags.frames);
  options.add("frame-every", "N", "Steps between frames", &flags.frame_every);
  options.add("piece", "PIXELS", "Side of the pieces that a large result is made in; 0 = whole; -1 = by free memory",
              &flags.tile);
}

void add_fkp_flags(OptionSet& options, DipFlags& flags, bool steps) {
  options.group("Kernel prior");
  options.add("prior", "WEIGHTS",
              "dip-fkp: what blur kernels look like, by 'zsr train kernel-prior' or its authors (FKP_x2.pt).\n"
              "Default: zsr's own for x2, x3 and x4",
              &flags.prior);
  if (steps) options.add("steps", "N", "Training steps; 0 = 1000 as published", &flags.steps);
}

FlowPrior load_prior(const DipFlags& flags, Scale scale) {
  const std::string name = fmt::format("kernel-prior-x{}", format_scale(scale));
  std::string source = flags.prior.empty() ? name : flags.prior;
  if (flags.prior.empty() && !is_shipped(name)) {
    throw UsageError(
        fmt::format("no kernel prior for x{} comes with zsr; train one with 'zsr train kernel-prior' and name "
                    "it with --prior",
                    format_scale(scale)));
  }
  const FlowPrior prior = FlowPrior::from_weights(load_or_shipped(source));
  if (static_cast<double>(prior.scale()) != scale.y || scale.y != scale.x) {
    throw UsageError(
        fmt::format("'{}' is a kernel prior for x{}, not for x{}", source, prior.scale(), format_scale(scale)));
  }
  return prior;
}

void take_dip_flags(const DipFlags& flags, const ReadLimits& limits, pipeline::Request& request) {
  check_dip_flags(flags, request.scale);
  pipeline::DipRequest& dip = request.dip;
  dip.task = dip::parse_task(flags.task);
  dip.stop = flags.stop == "auto" ? dip::StopRule::kVariance : dip::StopRule::kSteps;
  if (flags.steps > 0) dip.steps = flags.steps;
  if (flags.learning_rate > 0.0) dip.learning_rate = flags.learning_rate;
  if (flags.noise >= 0.0) dip.input_noise = flags.noise;
  if (flags.average >= 0.0) dip.average = flags.average;
  if (flags.tile >= 0) dip.piece = flags.tile;
  if (!flags.frames.empty()) dip.frame_every = flags.frame_every;
  if (!flags.mask.empty()) dip.mask = read_mask(flags.mask, limits);
}

void take_fkp_flags(const DipFlags& flags, pipeline::Request& request) {
  request.fkp.prior = std::make_shared<const FlowPrior>(load_prior(flags, request.scale));
  if (flags.steps > 0) request.fkp.steps = flags.steps;
}

std::filesystem::path write_proposed_mask(const std::filesystem::path& photo, const ReadLimits& limits,
                                          Overwrite overwrite, bool quiet) {
  Photo shown = load_photo(photo, limits);
  // A person looks at this mask: bright and dark lines both.
  const torch::Tensor mask = propose_mask(shown.color, {.dominance = 0.0});
  const double share = 1.0 - mask.mean().item<double>();
  if (share == 0.0) {
    throw InputError(
        fmt::format("no scratches were found in '{}'; paint a mask (white is kept, black is filled) and name "
                    "it with --mask",
                    photo.string()));
  }
  const auto beside = [&](const char* suffix) { return photo.parent_path() / (photo.stem().string() + suffix); };
  WriteOptions write;
  write.overwrite = overwrite;
  write_mask(mask, beside("_mask.png"), overwrite);
  const torch::Tensor red = torch::tensor({1.0F, 0.0F, 0.0F}).view({1, 3, 1, 1});
  shown.color = torch::where(mask > 0.5, shown.color.expand({1, 3, -1, -1}), red);
  shown.alpha = torch::Tensor();
  save_photo(shown, beside("_mask_shown.png"), write);
  if (!quiet) {
    fmt::print(stderr, "{:.2f} % of '{}' look like scratches or dust: in red in '{}'\n", 100.0 * share, photo.string(),
               beside("_mask_shown.png").string());
  }
  return beside("_mask.png");
}

}  // namespace zsr::cli
