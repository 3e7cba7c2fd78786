#pragma once

#include "degradations/kernel.h"
#include "dip/options.h"
#include "image/resize.h"
#include "pipeline/parameters/parameter_values.h"
#include "restore/options.h"
#include "srmd/kernel_grid.h"
#include "zssr/options.h"

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr {
class FlowPrior;
}

namespace zsr::pipeline {

struct Trained;

/// Which blur kernel the photo is taken to have.
struct KernelRequest {
  enum class Source {
    kDefault,    ///< Decided by plan_formation().
    kBicubic,    ///< That of bicubic downscaling.
    kEstimated,  ///< Estimated from the photo.
    kGiven,      ///< `kernel`.
  };
  Source source = Source::kDefault;
  std::optional<BlurKernel> kernel;
  std::string name;  ///< For records, where `kernel` is given: its file.
};

/// Which white noise the photo is taken to have.
struct NoiseRequest {
  enum class Source { kDefault, kEstimated, kGiven };
  Source source = Source::kDefault;
  double sigma = 0.0;  ///< Standard deviation in 1/255, 0 to 255, where it is given.
};

/// ZSSR's network and training. Empty fields are the preset's.
struct ZssrRequest {
  std::string preset = "default";
  /// Begin at the pretrained weights that come with zsr, where there are some for the preset and the scale.
  bool pretrained = true;
  std::shared_ptr<const zssr::Start> start;  ///< Begin at these weights instead; or null.
  std::string init = "auto";                 ///< For records: how both were named.
  std::optional<int64_t> crop, batch, channels, depth, warm_up_steps;
  std::optional<double> init_variance, last_init_variance, adam_beta2;
  std::optional<zssr::StepRule> step_rule;
  std::optional<std::vector<Scale>> gradual;  ///< Empty list: one jump.
};

/// Deep Image Prior. Empty fields are the task's.
struct DipRequest {
  dip::Task task = dip::Task::kSuperResolution;
  dip::StopRule stop = dip::StopRule::kVariance;
  std::optional<double> input_noise, average;
  std::optional<int64_t> piece;  ///< Side of the pieces that a large result is made in, 0 = whole; empty: by memory.
  torch::Tensor mask;            ///< [1, 1, h, w], of Task::kInpaint: 1 is kept, 0 is filled.
  int64_t frame_every = 0;       ///< Steps between calls of Hooks::frame; 0 = never.
};

/// DIP-FKP.
struct FkpRequest {
  std::shared_ptr<const FlowPrior> prior;  ///< Empty: the one that comes with zsr for the scale.
  bool published_phase = false;            ///< See dip::FkpOptions.
  std::shared_ptr<const Trained> usrnet;   ///< Enlarges the photo with the kernel found; or null.
};

/// The restoration, and what is mended before and after it.
struct RestoreRequest {
  enum class Scratches { kKept, kFound, kMask };
  restore::Options options;
  std::optional<double> strength;  ///< Empty: by the damage seen.
  Scratches scratches = Scratches::kKept;
  torch::Tensor mask;     ///< [1, 1, h, w], of Scratches::kMask: 1 is kept, 0 is filled.
  std::string mask_name;  ///< For records and messages.
  bool tone = false;      ///< Correct faded tones and the colour cast of yellowed prints.
};

/// How a photo is to be enlarged or restored. What is empty is chosen by what the photo tells about itself.
struct Request {
  /// Of methods(), or "auto": ZSSR for clean photos, the restoration for noisy and compressed ones.
  std::string method = "auto";
  bool wrap = false;       ///< The photo is a tileable texture: it is continued periodically on all sides.
  bool zero_shot = false;  ///< "auto" does not choose the restoration: something is asked of ZSSR.
  bool training =
      false;  ///< "auto" does not choose a trained network by the kernel: training on the photo is asked for.
  Scale scale{2.0, 2.0};  ///< By which the method enlarges; 1 where it keeps the size.
  int64_t passes = 1;     ///< Times that a trained network without kernel is applied, each time to its own result.
  /// The result is resampled by bicubic interpolation: to this size, or to so many times the photo's.
  std::optional<Size> target;
  std::optional<Scale> target_scale;
  std::optional<Size> keep;  ///< Of the middle of the result; what stands over is cut.

  KernelRequest kernel;
  NoiseRequest noise;
  /// Where the photo's pixels stand on the result's grid; centred when empty. A given kernel is moved there.
  std::optional<Phase> phase;

  std::optional<bool> ensemble;            ///< Mean of turned and mirrored passes; empty: the method's own choice.
  std::optional<int64_t> back_projection;  ///< Iterations; empty: the method's own choice.
  std::optional<int64_t> steps;            ///< Training steps on the photo; empty: the method's own.
  std::optional<double> learning_rate;     ///< Likewise.
  int64_t tile = 0;                        ///< Input pixels a side, >= 16; 0: the method's own choice.

  std::shared_ptr<const Trained> trained;  ///< Of the methods that are trained networks.
  bool keep_low_frequencies = false;       ///< See inference::Options.
  bool circular = false;                   ///< Likewise.
  srmd::KernelGrid kernel_grid;            ///< srmd: blur that varies; with one cell `kernel` holds for all.
  torch::Tensor noise_map;                 ///< srmd: [1, 1, h, w] in 1/255 instead of `noise`; or undefined.

  /// Whether the photo decides the method: none is named, and nothing that belongs to one alone.
  bool leaves_method_open() const { return method == "auto" && !trained && !zero_shot; }

  /// Whether the result is HDR.
  bool gives_hdr() const;

  ZssrRequest zssr;
  DipRequest dip;
  FkpRequest fkp;
  RestoreRequest restore;
  /// What a user named, as typed: for records, and for the parameters of methods that are not built in.
  ParameterValues values;
};

/// "center" where it is empty, "corner" for image[::s], else "kernel": that of the kernel file.
std::string phase_name(const std::optional<Phase>& phase);

/// The method that a request begins with: the one it names, that of its trained network, or ZSSR.
std::string first_method(const Request& request);

}  // namespace zsr::pipeline
