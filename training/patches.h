#pragma once

#include "core/random.h"
#include "degradations/kernel.h"
#include "degradations/kernel_pca.h"
#include "degradations/recipe.h"
#include "training/network.h"
#include "training/recipe_stages.h"
#include "training/scale_growth.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace zsr::training {

/// Examples of one training step.
struct Batch {
  /// [N, 3 + maps, h, w]: RGB in [0, 1], then the condition, one number a map (of mosaics one a pixel).
  torch::Tensor input;
  torch::Tensor target;  ///< [N, 3, scale h, scale w] in [0, 1].
  torch::Tensor base;    ///< The input's RGB cubic-enlarged, where the network makes a residual; else undefined.
  int64_t scale = 2;     ///< Of all its examples.
  /// Condition::kKernel: [N, 1, k, k], one for each example (Note [Kernel convention]); else undefined.
  torch::Tensor kernels{};
};

/// A photo with its small version, where that is fixed.
struct TrainingPhoto {
  torch::Tensor hr;  ///< [3, H, W] uint8, sides multiples of the scale.
  torch::Tensor lr;  ///< [3, H / scale, W / scale] uint8, or undefined: made patch by patch.
};

/// How small images are made.
struct PatchOptions {
  static constexpr double kMostNoise = 75.0;
  std::vector<int64_t> scales = {2};  ///< Patch i of a batch is of scale i modulo their number; rising.
  int64_t batch = 16;                 ///< > 0. Of all processes together.
  int64_t patch = 32;                 ///< LR pixels a side, >= 8.
  double noise = 0.0;  ///< Conditioned networks: highest noise, 0 to 75; half of the noisy patches have at most a
                       ///< quarter of it.
  double noisy = 0.3;  ///< Conditioned networks: fraction of patches with noise, in [0, 1].
  double sharp =
      0.25;  ///< Conditioned networks: fraction of patches that are only made smaller by imresize, in [0, 1].
  double direct = 0.0;  ///< Networks with SRMD's condition: fraction of patches that are blurred and then subsampled,
                        ///< without imresize, in [0, 1]; `sharp` is of the others.
  int64_t align = 1;  ///< >= 1. Patches that are not degraded begin at multiples of so many LR pixels; 8: where JPEG's
                      ///< blocks do.
  int64_t curriculum = 0;  ///< >= 0. Steps over which noise, blur and recipe go from easy to what they are.
  uint64_t seed = 0;       ///< Patch i of step t depends on this, i and t only.
  /// By scale. Networks without condition: none = bicubic, to the byte. Restoration networks need one for each scale.
  std::map<int64_t, std::shared_ptr<const Recipe>> recipes;
  /// Stages before those recipes, in order: what a network learns first.
  std::vector<RecipeStage> stages;
  /// Where it has joins, all patches of a step are of one scale that has joined, drawn at random.
  ScaleGrowth growth;
  double known = 0.5;  ///< Restoration networks: fraction of patches whose noise level (and of those whose JPEG
                       ///< quality) is given to the network, in [0, 1].
  /// The same for patches that were blurred, or resampled more than once; empty: as `known`. Where a network is used,
  /// damage is known of sharp photos only, so that what is known says that the photo is sharp.
  std::optional<double> known_soft;
  int64_t max_scale() const { return scales.back(); }
  /// Throws OptionError.
  void validate() const;
};

/// Cuts, turns, mirrors and degrades. The same step gives the same batch whenever and wherever it is drawn, so that an
/// interrupted run goes on with what it would have seen, and processes draw their parts of one batch.
class PatchSource {
 public:
  /// `photos` [3, H, W] uint8, each at least (patch + 2 * margin) * scale a side (see `least_side`).
  PatchSource(std::vector<torch::Tensor> photos, Condition condition, const PatchOptions& options);

  /// Pairs that are given: `lr` is there, and `hr` is the (only) scale times as large. `condition`: numbers of the maps
  /// that every input gets, for networks with one. Throws OptionError.
  PatchSource(std::vector<TrainingPhoto> pairs, const PatchOptions& options, std::vector<float> condition = {});

  /// Smallest side of a photo that serves.
  static int64_t least_side(const PatchOptions& options, Condition condition);
  size_t photo_count() const { return photos_.size(); }
  /// Everything that says which patches are drawn, but for what the photos show.
  nlohmann::ordered_json describe() const;
  /// Patches a step, of all processes together.
  int64_t batch() const { return options_.batch; }

  /// Patches [first, last) of the batch of `step`, one Batch for each scale that is among them.
  std::vector<Batch> draw(int64_t step, int64_t first, int64_t last) const;

 private:
  struct Example {
    torch::Tensor lr;  // [3, h, w] float in [0, 1]
    torch::Tensor hr;
    std::vector<float> condition;
    Phase phase;
    torch::Tensor kernel{};
  };
  Batch draw_scale(int64_t step, int64_t scale, const std::vector<int64_t>& places) const;
  // `hardness` in (0, 1]: how far the curriculum has come.
  Example draw_one(Random& random, int64_t scale, int64_t step, double hardness) const;
  Example cut_fixed(const TrainingPhoto& photo, Random& random) const;
  Example make_conditioned(const TrainingPhoto& photo, Random& random, double hardness) const;
  Example make_with_kernel(const TrainingPhoto& photo, int64_t scale, Random& random, double hardness) const;
  Example make_mosaic(const TrainingPhoto& photo, Random& random, double hardness) const;
  Example make_by_recipe(const TrainingPhoto& photo, int64_t scale, int64_t step, Random& random) const;
  const Recipe& recipe_of(int64_t scale, int64_t step) const;

  // The kernel of a photo that is subsampled directly, and the blur before imresize that is nearest to it.
  struct DirectKernel {
    BlurKernel whole;
    BlurKernel before_imresize;
  };

  std::vector<TrainingPhoto> photos_;
  std::vector<DirectKernel> direct_;  // found once, of which the patches draw: each takes milliseconds
  std::vector<double> chance_;        // cumulative, by area
  Condition condition_;
  PatchOptions options_;
  std::vector<float> fixed_condition_;  // of pairs that are given
};

/// The photos [3, H, W] uint8, and each made smaller by MATLAB's bicubic imresize to `sizes` of its sides, each in
/// (0, 1) (1 itself is passed over): smaller photos are sharper and have lost what JPEG left. Those with a side under
/// `least_side` are left out. Throws OptionError.
std::vector<torch::Tensor> with_smaller_sizes(std::vector<torch::Tensor> photos, const std::vector<double>& sizes,
                                              int64_t least_side);

/// What `steps` (of a recipe) do to `hr` [1, C, H, W], as a restoration network is given it: the noise that they leave
/// in the result (standard deviation of the difference to the result without noise and compression), and the quality of
/// the last JPEG where its blocks stand in the result (100 where there is none, empty where it was resized since).
networks::Damage damage_of(const std::vector<Step>& steps, const torch::Tensor& hr);

/// `hr` [N, 3, H, W] made smaller as a photo with `kernel` (of `condition`; see condition_of) whose LR pixels
/// stand at `phase`; not rounded.
torch::Tensor made_smaller(const torch::Tensor& hr, Condition condition, const BlurKernel& kernel, int64_t scale,
                           Phase phase);

/// `hr` [N, 3, H, W] blurred by `kernels` (one, or one for each image; [N, 1, k, k']) with periodic boundaries, of
/// which every `scale`-th pixel is kept: what USRNet's data step explains exactly. Not rounded.
torch::Tensor blurred_periodically(const torch::Tensor& hr, const torch::Tensor& kernels, int64_t scale);

/// The basis of the kernel codes of SRMD networks.
const KernelPca& srmd_basis();

/// The condition of a photo with that kernel (SRMD: before imresize; else the whole way down) and noise (1/255), whose
/// LR pixels stand at `phase` (zssr-start), as the maps of `condition`.
std::vector<float> condition_of(Condition condition, const BlurKernel& kernel, double noise, int64_t scale,
                                Phase phase);

}  // namespace zsr::training
