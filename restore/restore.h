#pragma once

#include "core/run_context.h"
#include "degradations/estimation/photo_condition.h"
#include "degradations/grain.h"
#include "networks/network.h"
#include "nn/weights/weights_file.h"
#include "restore/adapt.h"
#include "restore/options.h"

#include <nlohmann/json_fwd.hpp>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace zsr::restore {

/// The two ends of the restoration network. Weights in between are blended on demand and kept.
class Models {
 public:
  /// The weights that come with zsr.
  static Models shipped();
  /// Both must hold restoration networks of the same shape. Throws InputError.
  Models(WeightsFile faithful, WeightsFile detailed);

  const WeightsFile& faithful() const { return faithful_; }
  /// These two ends after the same change that made `tuned` of the faithful one.
  Models moved_to(const WeightsFile& tuned) const;
  /// The network at `detail` in [0, 1].
  std::shared_ptr<const networks::Network> at(double detail) const;

 private:
  WeightsFile faithful_;
  WeightsFile detailed_;
};

struct Result {
  torch::Tensor image;  ///< [1, C, H, W] float32 in [0, 1].
  Summary summary;
  int64_t tile = 0;                   ///< Side of the tiles that were used.
  int64_t network_scale = 1;          ///< The network's output that was used; the rest is imresize.
  double strength = 1.0;              ///< That was used.
  double grain = 0.0;                 ///< Fraction of the grain that was put back.
  std::optional<GrainModel> removed;  ///< The grain that was removed, where there was enough to analyse.
  networks::Damage given;             ///< What the network was conditioned on.
  std::optional<Adapted> adapted;     ///< Where it was fine-tuned on the photo; without the weights.
};

/// Restores and enlarges `photo` ([1, 1 or 3, h, w] float32 in [0, 1]), whose condition is `condition`
/// (look_at_condition of it). Throws OptionError, Cancelled.
Result run(const torch::Tensor& photo, const PhotoCondition& condition, const Models& models, const Options& options,
           const RunContext& context = {});

/// Every option and what was done, for records.
nlohmann::json to_json(const Options& options, const Result& result);

}  // namespace zsr::restore
