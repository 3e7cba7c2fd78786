#pragma once

#include "core/run_context.h"
#include "degradations/estimation/photo_condition.h"
#include "degradations/kernel.h"
#include "dip/options.h"
#include "pipeline/photo_formation.h"
#include "pipeline/request.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>

namespace zsr::pipeline {

/// What a run reports beside its progress. Both may be empty.
struct Hooks {
  std::function<void(const std::string&)> note;  ///< One sentence for people about the work ahead.
  dip::FrameFn frame;                            ///< Images on the way of Deep Image Prior; DipRequest::frame_every.
};

/// One photo for a method.
struct MethodInput {
  const torch::Tensor& color;  ///< [1, C, h, w] float32 in [0, 1].
  int bit_depth = 8;           ///< Of the photo's file.
  const Request& request;
  PhotoFormation& formation;  ///< A method that is not consistent with the photo changes it.
  const std::optional<PhotoCondition>& condition;
  const RunContext& context;
  const Hooks& hooks;
};

struct MethodOutput {
  torch::Tensor image;  ///< [1, C, H, W] in [0, 1].
  Summary summary;
  std::optional<double> consistency_db;
  std::optional<BlurKernel> kernel;  ///< Where the method found it.
  nlohmann::json record;             ///< What the method adds to the photo's record, an object; or null.
  nlohmann::json used;               ///< Settings as they were used, by their names in report(); or null.
};

/// Every setting of Deep Image Prior for one photo.
dip::Options dip_options(const Request& request, const torch::Tensor& photo);

}  // namespace zsr::pipeline
