#pragma once

#include "degradations/kernel.h"
#include "image/resize.h"
#include "inference/self_ensemble.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zsr::zssr {

struct Start;

using inference::EnsembleRule;

/// Where the network works.
enum class Architecture {
  kPreUpsampled,  ///< On the cubic-upscaled photo, as the paper; any scale.
  kPixelShuffle,  ///< On the photo itself with a pixel shuffle at the end, s^2 times cheaper; whole scales only (others
                  ///< use kPreUpsampled).
};

/// How the step size falls.
enum class Schedule {
  kSlopeRule,  ///< The authors': divided by 10 when the test error stops falling; ends below `min_learning_rate`.
  kCosine,     ///< Half a cosine from `learning_rate` to 0 over `max_steps` or the time budget, whichever is shorter.
};

/// What turns gradients into steps.
enum class StepRule {
  kAdam,  ///< As the paper.
  kMuon,  ///< Muon for the hidden layers, Adam for the first and the last; gets as far in a third of the steps.
};

/// Where training pairs come from.
enum class Sampling {
  kAffine,   ///< The authors': random rotation, scale, shear and mirror of the photo, one crop a step.
  kPyramid,  ///< Crops of the photo at `pyramid_scales` sizes and 8 orientations, prepared once, `batch` crops a step.
};

/// The network and its random weights.
struct NetworkOptions {
  Architecture architecture = Architecture::kPixelShuffle;
  int64_t depth = 8;                ///< 2 to 64. Convolution layers, 3x3.
  int64_t width = 64;               ///< 1 to 1024. Channels of the hidden layers.
  double init_variance = 0.3;       ///< > 0. Weights ~ N(0, init_variance / fan-in) (authors: 0.1; He would be 2).
  double last_init_variance = 0.1;  ///< > 0. The same for the last layer.
};

/// How long it is trained, and by which steps.
struct TrainingOptions {
  Schedule schedule = Schedule::kCosine;
  int64_t warm_up_steps = 100;  ///< >= 0. Cosine only: the learning rate rises linearly over so many steps.
  StepRule step_rule = StepRule::kMuon;
  double learning_rate = 0.05;      ///< > 0. Of the step rule (Muon wants about 25 times Adam's).
  double end_learning_rate = 2e-3;  ///< > 0. kMuon: Adam's rate for the first and the last layer.
  double adam_beta2 = 0.99;         ///< In [0, 1). Memory of Adam's second moment.
  double momentum = 0.9;            ///< In [0, 1). kMuon.
  int64_t max_steps = 400;          ///< > 0 (>= 0 with a starting point), per scale step.
};

/// Schedule::kSlopeRule alone.
struct SlopeRuleOptions {
  double min_learning_rate = 9e-6;  ///< Stop below it.
  int64_t min_steps = 256;          ///< Steps between two reductions, at least.
  int64_t test_every = 50;          ///< Steps between two reconstructions of the photo.
  int64_t check_every = 60;         ///< Steps between two looks at the slope.
  int64_t range = 256;              ///< Steps that the line fit covers, >= 5 * test_every.
  double ratio = 1.5;               ///< Reduce when -ratio * slope < its standard deviation.
};

/// The training pairs: fathers, cut from the photo, and their sons.
struct PairOptions {
  Sampling sampling = Sampling::kPyramid;
  int64_t crop = 96;  ///< >= 8. Side of a training crop in father (HR) pixels; cut to the photo's size.
  int64_t batch = 2;  ///< > 0. Crops a step (kPyramid).
  std::vector<double> pyramid_scales = {1.0, 0.9, 0.8, 0.7, 0.6};  ///< In (0, 1]. Father sizes (kPyramid).
  double leave_as_is_probability = 0.05;                           ///< kAffine: plain crop.
  double no_interpolation_probability = 0.45;                      ///< kAffine: only quarter turns and mirrors.
  double min_father_scale = 0.5;                                   ///< kAffine: smallest random scale.
  double aspect_sigma = 0.25;    ///< kAffine: sigma of the difference between the two scales.
  double shear_sigma = 0.1;      ///< kAffine.
  bool rotate = true;            ///< Turn and mirror fathers; off by itself for kernels that are not symmetric.
  bool shuffle_channels = true;  ///< kPyramid: colour channels of a crop in random order, so that the network cannot
                                 ///< learn the photo's palette by heart.
  double son_noise = 0.0;        ///< >= 0, in [0, 1] units. Gaussian noise added to sons (real photos: 0.0125).
};

/// How the trained network's result is made.
struct OutputOptions {
  bool self_ensemble = true;  ///< 8 turned and mirrored passes; off by itself for kernels that are not symmetric.
  EnsembleRule ensemble_rule = EnsembleRule::kMean;
  int64_t back_projection = 10;  ///< >= 0. Iterations of y += up(lr - down(y)), after each pass and after the median.
  std::vector<int64_t>
      gradual_back_projection;  ///< One per entry of Options::gradual; `back_projection` where missing.
  int64_t tile = 0;             ///< LR pixels a tile's side for inference, >= 16; 0 chooses by free memory.
};

/// Settings of zero-shot super-resolution (Shocher, Cohen and Irani, "Zero-Shot" Super-Resolution using Deep
/// Internal Learning, CVPR 2018). A default-constructed Options is zsr's own fast preset; `paper_options()` gives
/// the authors' released configuration.
struct Options {
  Scale scale{2.0, 2.0};  ///< > 1 on at least one axis and >= 1 on both.
  /// Intermediate scales before `scale` (gradual mode); each result joins the fathers of the next step.
  std::vector<Scale> gradual;

  /// How the photo came to be: empty for cubic downscaling; one kernel for `scale` (gradual steps are then left out);
  /// or one per step, gradual ones first.
  std::vector<BlurKernel> kernels;
  /// Where LR pixels stand on the HR grid (Note [Sub-pixel phase]); centred when empty. Kernels are moved there.
  std::optional<Phase> phase;

  /// Where the network begins instead of at random weights; null = there. For its own scale, in kPixelShuffle; depth
  /// and width are then its own. See `with_start`.
  std::shared_ptr<const Start> start;

  NetworkOptions network;
  TrainingOptions training;
  SlopeRuleOptions slope_rule;
  PairOptions pairs;
  OutputOptions output;

  /// Throws OptionError naming field, value and what was expected.
  void validate() const;
};

/// The authors' X2_ONE_JUMP_IDEAL configuration, gone gradually as in the paper's own figures, in steps of one
/// half: 1.5 and 2 for x2, up to 3.5 and 4 for x4. Cleared `gradual` is the released one-jump configuration itself.
Options paper_options(Scale scale);

/// `options` changed so that they go on from `start` (of their scale): a few short steps, as long as the photo's own
/// patches that are kept back show that they help; none above x2.
Options with_start(Options options, std::shared_ptr<const Start> start);

/// The preset of this name for `scale`: "default", "paper", "paper-gradual" (X2_GRADUAL_IDEAL), "kernel"
/// (X2_GIVEN_KERNEL), "real" (X2_REAL). Throws OptionError for others.
Options preset(std::string_view name, Scale scale);

/// Names that `preset` knows.
std::vector<std::string> preset_names();

}  // namespace zsr::zssr
