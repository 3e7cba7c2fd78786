#include "degradations/flow_prior.h"
#include "pipeline/mask_file.h"
#include "pipeline/parameters/parameter.h"
#include "pipeline/parameters/prior_file.h"

#include <torch/types.h>

#include <memory>

// Deep Image Prior, and DIP-FKP's prior of kernels.
namespace zsr::pipeline {
namespace {

constexpr const char* kDipGroup = "Deep image prior";
constexpr int64_t kFrameEvery = 100;

nlohmann::json task_of(const Run& run) {
  return dip::to_string(run.asked.dip.task);
}

void take_frames(const Typed& typed, Request& request) {
  request.dip.frame_every = typed.values.has("frame-every") ? typed.values.whole("frame-every", 1) : kFrameEvery;
}

// -1 stands for what was published, or for what memory allows.
void take_input_noise(const Typed& typed, Request& request) {
  const double level = typed.values.number("input-noise", -1.0);
  if (level >= 0.0) request.dip.input_noise = level;
}

void take_average(const Typed& typed, Request& request) {
  const double memory = typed.values.number("average", -1.0, 1.0);
  if (memory >= 0.0) request.dip.average = memory;
}

void take_piece(const Typed& typed, Request& request) {
  const int64_t side = typed.values.whole("piece", -1);
  if (side >= 0) request.dip.piece = side;
}

void take_mask(const Typed& typed, Request& request) {
  request.dip.mask = read_mask(typed.values.text("mask"), typed.limits);
}

// `zsr upscale`, which leaves the method open, has none of these.
Parameter dip_row(const char* names, const char* value, const char* help, const char* shown_default,
                  void (*take)(const Typed&, Request&)) {
  return {.names = names,
          .value = value,
          .help = help,
          .shown_default = shown_default,
          .group = kDipGroup,
          .setting = Setting::kTask,
          .for_open_method = false,
          .take = take};
}

}  // namespace

std::vector<Parameter> dip_parameters() {
  Parameter task = dip_row(
      "task", "NAME", "sr, denoise, jpeg (takes off traces of compression) or inpaint", "sr",
      [](const Typed& typed, Request& request) { request.dip.task = dip::parse_task(typed.values.text("task")); });
  task.field = "task";
  task.given = task_of;
  return {
      std::move(task),
      dip_row(
          "mask", "FILE",
          "inpaint: white is kept, black is filled; as large as the photo; or auto: scratches are looked for, shown in "
          "PHOTO_mask.png and PHOTO_mask_shown.png, and filled when the mask is named next time",
          "", take_mask),
      dip_row("accept-mask", "", "Fills what --mask auto finds at once", "", nullptr),
      dip_row("stop", "RULE",
              "auto (where the output varies least, no sooner than it has begun to vary more again) or steps", "auto",
              [](const Typed& typed, Request& request) {
                request.dip.stop = typed.values.choice("stop", {"auto", "steps"}) == 0 ? dip::StopRule::kVariance
                                                                                       : dip::StopRule::kSteps;
              }),
      dip_row("input-noise", "SIGMA", "Added to the network's input in each step; -1 = as published", "-1",
              take_input_noise),
      dip_row("average", "MEMORY", "Of the averaged output; 0 = the last output; -1 = 0.99", "-1", take_average),
      dip_row("frames", "PATH", "Keeps an image every --frame-every steps: a folder, or FILE.webp that moves", "",
              take_frames),
      dip_row("frame-every", "N", "Steps between frames", "100",
              [](const Typed& typed, Request&) { typed.values.whole("frame-every", 1); }),
      dip_row("piece", "PIXELS", "Side of the pieces that a large result is made in; 0 = whole; -1 = by free memory",
              "-1", take_piece),
      {.names = "prior",
       .value = "WEIGHTS",
       .help = "dip-fkp: what blur kernels look like, by 'zsr train kernel-prior' or its authors (FKP_x2.pt).\n"
               "Default: zsr's own for x2, x3 and x4",
       .group = "Kernel prior",
       .setting = Setting::kKernelPrior,
       .take =
           [](const Typed& typed, Request& request) {
             request.fkp.prior =
                 std::make_shared<const FlowPrior>(load_prior(typed.values.text("prior"), request.scale));
           },
       .field = "prior"},
  };
}

}  // namespace zsr::pipeline
