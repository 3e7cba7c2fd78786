#pragma once

#include "core/error.h"
#include "core/run_context.h"
#include "image/photo.h"
#include "pipeline/method_run.h"
#include "pipeline/request.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// A method's result holds no numbers (NaN, infinity).
class UnusableResult : public Error {
 public:
  using Error::Error;
};

/// An enlarged or restored photo.
struct Outcome {
  Photo photo;         ///< With the metadata of the photo that came in.
  std::string method;  ///< Of methods(), that was used.
  Summary summary;
  std::optional<double> strength;    ///< Of a restoration.
  std::optional<BlurKernel> kernel;  ///< That was used; empty: that of bicubic downscaling, or none.
  torch::Tensor mask;  ///< Of the scratches that were filled, 0 = filled; undefined where none were asked.
  std::vector<std::string> warnings;  ///< One line each.
  /// What was given, chosen and used, what was estimated and what the method has to say; an object.
  nlohmann::json record;
};

/// Why `photo` is nothing for `request`, to follow its name: HDR photos are not restored, and not taken by networks
/// that make HDR of others. Empty: it is taken. upscale() throws InputError with it.
std::string why_not_taken(const Photo& photo, const Request& request);

/// Does to `photo` what `zsr upscale` does: fills scratches, looks at the photo, chooses the method, kernel and noise
/// where the request leaves them open, enlarges colour and transparency, and corrects the tone. The same request, seed,
/// thread count and build give the same pixels. Throws OptionError, InputError (a mask of another size),
/// UnusableResult and Cancelled.
Outcome upscale(Photo photo, const Request& request, const RunContext& context = {}, const Hooks& hooks = {});

/// `request` with the method, kernel and strength that were chosen for one photo, for others that came to be as that
/// one did, such as the frames of an animation.
Request with_choices_of(Request request, const Outcome& outcome);

/// `request` with what its method needs and the request left out (a prior of kernels, the network that suits a given
/// kernel). Throws OptionError and InputError where it contradicts itself or the method cannot do it, as far as that is
/// known without a photo. upscale() does this first; who wants to know before reading a photo calls it too.
Request prepared(Request request);

}  // namespace zsr::pipeline
