#include "pipeline/upscale.h"

#include "core/error.h"
#include "degradations/estimation/scratches.h"
#include "image/gain_map.h"
#include "image/hdr.h"
#include "pipeline/choice.h"
#include "pipeline/kernel_network.h"
#include "pipeline/methods.h"
#include "pipeline/report.h"
#include "pipeline/trained.h"
#include "restore/scratch_fill.h"
#include "restore/tone.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::pipeline {
namespace {

using Scratches = RestoreRequest::Scratches;

void check_mask(const torch::Tensor& mask, const torch::Tensor& color, const std::string& name) {
  if (mask.size(2) != color.size(2) || mask.size(3) != color.size(3)) {
    throw InputError(fmt::format("--scratches '{}' is {}x{}, the photo {}x{}; they must be of one size", name,
                                 mask.size(3), mask.size(2), color.size(3), color.size(2)));
  }
  if (!mask.any().item<bool>()) {
    throw InputError(fmt::format("--scratches '{}' is black all over: white is kept, black is filled", name));
  }
}

torch::Tensor fill_scratches(const torch::Tensor& color, const RestoreRequest& request, Outcome& outcome) {
  if (request.scratches == Scratches::kKept) return color;
  const bool found = request.scratches == Scratches::kFound;
  outcome.mask = found ? propose_mask(color) : request.mask;
  check_mask(outcome.mask, color, found ? "auto" : request.mask_name);
  const restore::FilledPhoto filled = restore::fill_scratches(color, outcome.mask);
  outcome.record["scratches"] = {
      {"mask", found ? "auto" : request.mask_name}, {"regions", filled.regions}, {"part", filled.part}};
  return filled.image;
}

torch::Tensor correct_tone(const torch::Tensor& color, const RestoreRequest& request, Outcome& outcome) {
  if (!request.tone) return color;
  const restore::Tone tone = restore::correct_tone(color);
  outcome.record["tone"] = to_json(tone);
  return tone.image;
}

// `image` at the size that was asked for.
torch::Tensor at_target(const torch::Tensor& image, const std::optional<Size>& target) {
  if (!target || (image.size(2) == target->height && image.size(3) == target->width)) return image;
  const Scale scale{static_cast<double>(target->height) / static_cast<double>(image.size(2)),
                    static_cast<double>(target->width) / static_cast<double>(image.size(3))};
  return imresize(image, scale, *target).clamp_(0.0, 1.0);
}

torch::Tensor enlarged_alpha(const torch::Tensor& alpha, const Request& request, const std::optional<Size>& target) {
  if (!alpha.defined()) return alpha;
  if (target) return at_target(alpha, target);
  return request.scale.y == 1.0 ? alpha : imresize(alpha, request.scale).clamp_(0.0, 1.0);
}

torch::Tensor middle(const torch::Tensor& image, const std::optional<Size>& keep) {
  if (!image.defined() || !keep) return image;
  const auto cut = [](const torch::Tensor& from, int64_t dim, int64_t length) {
    return from.narrow(dim, (from.size(dim) - length) / 2, length);
  };
  return cut(cut(image, 2, keep->height), 3, keep->width).contiguous();
}

// Row by row: isfinite() makes copies of what it looks at.
bool is_finite(const torch::Tensor& image) {
  constexpr int64_t kRows = 256;
  for (int64_t row = 0; row < image.size(2); row += kRows) {
    const torch::Tensor part = image.slice(2, row, std::min(image.size(2), row + kRows));
    if (!torch::isfinite(part).all().item<bool>()) return false;
  }
  return true;
}

// Pixels that a tileable photo is continued by on each side: more than what most networks see, and whole blocks of
// JPEG.
constexpr int64_t kWrapMargin = 64;

torch::Tensor wrapped(const torch::Tensor& image, const Request& request) {
  if (!request.wrap || !image.defined()) return image;
  const auto indices = [](int64_t length) {
    return torch::arange(-kWrapMargin, length + kWrapMargin).remainder(length);
  };
  return image.index_select(2, indices(image.size(2))).index_select(3, indices(image.size(3))).contiguous();
}

// Without what was made of the continuation.
torch::Tensor without_wrap(const torch::Tensor& image, const Request& request) {
  if (!request.wrap || !image.defined()) return image;
  const auto inside = [&](const torch::Tensor& from, int64_t dim, double scale) {
    const auto margin = static_cast<int64_t>(kWrapMargin * std::llround(scale));
    return from.narrow(dim, margin, from.size(dim) - 2 * margin);
  };
  return inside(inside(image, 2, request.scale.y), 3, request.scale.x).contiguous();
}

void check_wrap(const Request& request) {
  if (!request.wrap) return;
  const bool whole = request.scale.y == std::round(request.scale.y) && request.scale.x == std::round(request.scale.x);
  if (!whole || request.target || request.target_scale || request.passes > 1) {
    throw OptionError("--wrap needs a whole factor that the method has; its result cannot be resampled without a seam");
  }
  if (request.restore.mask.defined() || request.dip.mask.defined()) {
    throw OptionError("--wrap and a mask exclude each other");
  }
}

std::optional<Size> target_of(const Request& request, Size low) {
  if (request.target || !request.target_scale) return request.target;
  return scaled_size(low, *request.target_scale);
}

// By the method, and again where the request wants several passes.
MethodOutput run_passes(const Method& method, MethodInput& input) {
  MethodOutput output = method.run(input);
  for (int64_t pass = 1; pass < input.request.passes; ++pass) {
    MethodInput next{output.image,    input.bit_depth, input.request, input.formation,
                     input.condition, input.context,   input.hooks};
    MethodOutput larger = method.run(next);
    larger.summary.train_s += output.summary.train_s;
    larger.summary.upscale_s += output.summary.upscale_s;
    output = std::move(larger);
  }
  return output;
}

// A result of an HDR photo without light that is far beyond what surrounds it there: behind PQ a ring of a network
// beside black becomes light of thousands of cd/m2 (a panorama of 1750 cd/m2 at most got sparks of 10000). A tenth of
// the range of 5x5 pixels of the photo is left for edges that are sharper than its own.
torch::Tensor without_sparks(const torch::Tensor& made, const torch::Tensor& color) {
  constexpr int64_t kWindow = 5;
  constexpr double kBeyond = 0.1;
  const auto highest = [&](const torch::Tensor& image) {
    return torch::max_pool2d(image, {kWindow, kWindow}, {1, 1}, {kWindow / 2, kWindow / 2});
  };
  const torch::Tensor high = highest(color);
  const torch::Tensor low = -highest(-color);
  const torch::Tensor beyond = (high - low) * kBeyond;
  const auto at_result = [&](const torch::Tensor& image) {
    return torch::upsample_nearest2d(image, {made.size(2), made.size(3)});
  };
  return torch::minimum(torch::maximum(made, at_result(low - beyond)), at_result(high + beyond)).clamp_(0.0, 1.0);
}

std::optional<BlurKernel> used_kernel(const MethodOutput& output, const PhotoFormation& formation) {
  if (output.kernel) return output.kernel;
  return formation.kernels.empty() ? std::nullopt : std::optional<BlurKernel>(formation.kernels[0]);
}

// What the method made of the photo, and what was resampled.
void record_size(const Request& request, Size low, Size made, Size high, nlohmann::json& record) {
  const bool resampled = !(made == high);
  record["input_size"] = {{"width", low.width}, {"height", low.height}};
  record["scale"] = {{"x", request.scale.x}, {"y", request.scale.y}};
  if (resampled || request.target) {
    record["scale"] = {{"x", static_cast<double>(high.width) / static_cast<double>(low.width)},
                       {"y", static_cast<double>(high.height) / static_cast<double>(low.height)}};
  }
  if (request.wrap) record["wrap"] = true;
  if (request.passes > 1) record["passes"] = request.passes;
  if (resampled) {
    const double factor = std::pow(request.scale.y, static_cast<double>(request.passes));
    record["resampled"] = {{"factor", std::llround(factor)}, {"by", "bicubic"}};
  }
}

void record_choice(const Request& request, const Choice& choice, const MethodOutput& output, const RunContext& context,
                   Outcome& outcome) {
  nlohmann::json& record = outcome.record;
  record["method"] = choice.method;
  record["fields"] = report(request, choice.request, choice.method, choice.formation, output, context);
  if (choice.condition) {
    record["condition"] = to_json(*choice.condition);
    record["photo"] = describe(*choice.condition);
    record["chosen"] = request.leaves_method_open();
  }
  const Trained* const network = choice.request.trained.get();
  if (network != nullptr) {
    record["weights"] = network->weights;
    record["network"] = network->title;
  }
  const Method& method = *find_method(choice.method);
  if (method.uses(Setting::kKernel)) record["kernel"] = choice.formation.plan.kernel_name;
  if (network != nullptr && method.uses(Setting::kKernel)) record["noise"] = choice.formation.noise;
  if (!choice.formation.record.is_null()) record["estimated"] = choice.formation.record;
  if (method.uses(Setting::kSteps)) {
    record["steps"] = output.summary.steps;
    record["final_loss"] = output.summary.final_loss;
    record["termination"] = to_string(output.summary.termination);
  }
  if (output.consistency_db) record["consistency_db"] = *output.consistency_db;
  if (!output.record.is_null()) record.update(output.record);
}

// What works on the result as if it showed the photo's own light.
void check_hdr(const Request& request) {
  const std::string& weights = request.trained->weights;
  if (request.passes > 1) {
    throw OptionError(fmt::format("'{}' makes HDR of a photo, once: it enlarges by {} only", weights,
                                  fmt::join(request.trained->scales(), ", ")));
  }
  if (request.restore.tone || request.keep_low_frequencies || request.back_projection.value_or(0) > 0) {
    throw OptionError(
        fmt::format("'{}' makes HDR of a photo, whose light is not the photo's; leave tone, keep colors and "
                    "back-projection out",
                    weights));
  }
}

// The map by which an SDR photo becomes HDR, at the size of the result.
void enlarge_gain_map(Size low, Size high, const Request& request, Photo& photo, Outcome& outcome) {
  if (photo.gain_map == nullptr) return;
  if (request.restore.tone || request.gives_hdr()) {
    outcome.record["gain_map"] = "left out";
    if (request.restore.tone) photo.notes.emplace_back("the HDR gain map belongs to other tones; it is left out");
    photo.gain_map = nullptr;
    return;
  }
  photo.gain_map = enlarged_gain_map(*photo.gain_map, low, high, request.keep);
  outcome.record["gain_map"] = {{"width", photo.gain_map->pixels.width}, {"height", photo.gain_map->pixels.height}};
}

// What the result's values mean.
nlohmann::json hdr_record(const Photo& photo) {
  const LightLevels light = light_levels(photo.color, photo.hdr);
  nlohmann::json record = {{"primaries", primaries_name(photo.hdr.primaries)},
                           {"transfer", to_string(photo.hdr.transfer)},
                           {"peak_cd_m2", light.peak},
                           {"mean_cd_m2", light.mean}};
  if (photo.hdr.transfer == HdrTransfer::kLinear) {
    record["white_cd_m2"] = photo.hdr.white;
    record["exposure"] = photo.hdr.exposure;
  }
  return record;
}

void check(const Request& request) {
  const std::string method = first_method(request);
  plan_formation(request, method);
  check_wrap(request);
  const bool noise = request.noise.source == NoiseRequest::Source::kGiven && request.noise.sigma > 0.0;
  if (noise && request.trained && !request.trained->takes_noise()) {
    throw OptionError(fmt::format("--noise {:g}: '{}' is a network for photos without noise; leave it out",
                                  request.noise.sigma, request.trained->weights));
  }
  if (request.passes > 1 && (!request.trained || request.trained->takes_kernel())) {
    throw OptionError(fmt::format("passes = {}, only networks without kernel can be repeated", request.passes));
  }
  if (request.gives_hdr()) check_hdr(request);
}

}  // namespace

Request prepared(Request asked) {
  Request request = settled(std::move(asked));
  const Method& method = *find_method(first_method(request));
  if (method.prepare != nullptr) method.prepare(request);
  check(request);
  return request;
}

std::string why_not_taken(const Photo& photo, const Request& request) {
  if (photo.range != DynamicRange::kHdr) return {};
  if (request.gives_hdr()) {
    return fmt::format("is HDR already (marked as {}), and this network makes HDR of SDR photos",
                       to_string(photo.hdr.transfer));
  }
  const RestoreRequest& restore = request.restore;
  const bool mends = restore.tone || restore.scratches != RestoreRequest::Scratches::kKept;
  if (mends || find_method(first_method(request))->uses(Setting::kRestoration)) {
    return fmt::format(
        "is HDR ({}), and the restoration knows noise, JPEG, scratches and tone of SDR photos only; "
        "enlarge it with -s 2, or name a method with -m",
        describe(photo.hdr));
  }
  return {};
}

Outcome upscale(Photo photo, const Request& asked, const RunContext& given, const Hooks& hooks) {
  const Request request = prepared(asked);
  Outcome outcome;
  outcome.record = nlohmann::json::object();
  if (const std::string reason = why_not_taken(photo, request); !reason.empty()) {
    throw InputError("the photo " + reason);
  }
  if (request.gives_hdr()) make_srgb(photo);
  const torch::Tensor seen = photo.alpha.defined() ? bleed_color(photo.color, photo.alpha) : photo.color;
  const torch::Tensor color = wrapped(fill_scratches(seen, request.restore, outcome), request);
  RunContext context = given;
  if (!find_method(first_method(request))->uses(Setting::kDevice)) context.device = torch::kCPU;
  Choice choice = choose(color, request, photo.range, context);
  const Method& method = *find_method(choice.method);
  if (!method.uses(Setting::kDevice)) context.device = torch::kCPU;
  MethodInput input{color, photo.bit_depth, choice.request, choice.formation, choice.condition, context, hooks};
  MethodOutput output = run_passes(method, input);
  if (!is_finite(output.image)) {
    throw UnusableResult("the result has pixels that are not numbers; nothing was written");
  }
  if (photo.range == DynamicRange::kHdr) output.image = without_sparks(output.image, color);
  const Size low{photo.color.size(2), photo.color.size(3)};
  const std::optional<Size> target = target_of(request, low);
  output.image = without_wrap(output.image, request);
  const Size made{output.image.size(2), output.image.size(3)};
  const torch::Tensor resampled = at_target(output.image, target);
  const Size high{resampled.size(2), resampled.size(3)};
  photo.color = correct_tone(middle(resampled, request.keep), request.restore, outcome);
  photo.alpha =
      middle(without_wrap(enlarged_alpha(wrapped(photo.alpha, request), request, target), request), request.keep);
  enlarge_gain_map(low, high, request, photo, outcome);
  record_size(request, low, made, high, outcome.record);
  outcome.record["device"] = context.device.str();
  outcome.record["output_size"] = {{"width", photo.color.size(3)}, {"height", photo.color.size(2)}};
  record_choice(request, choice, output, context, outcome);
  if (request.gives_hdr()) {
    photo.range = DynamicRange::kHdr;
    photo.hdr = {};
  }
  if (photo.range == DynamicRange::kHdr) outcome.record["hdr"] = hdr_record(photo);
  outcome.kernel = used_kernel(output, choice.formation);
  outcome.warnings = photo.notes;
  outcome.warnings.insert(outcome.warnings.end(), choice.formation.warnings.begin(), choice.formation.warnings.end());
  if (given.time_budget_s && !method.uses(Setting::kTimeBudget)) {
    outcome.warnings.push_back(fmt::format("--time was not used: {} does not train", method.name));
  }
  if (!output.summary.message.empty()) outcome.warnings.push_back(output.summary.message);
  outcome.method = choice.method;
  if (method.uses(Setting::kRestoration)) outcome.strength = choice.request.restore.options.strength;
  outcome.summary = output.summary;
  outcome.photo = std::move(photo);
  return outcome;
}

Request with_choices_of(Request request, const Outcome& outcome) {
  request.method = outcome.method;
  if (outcome.strength) request.restore.strength = outcome.strength;
  const bool open = request.kernel.source == KernelRequest::Source::kDefault ||
                    request.kernel.source == KernelRequest::Source::kEstimated;
  if (!open || !find_method(outcome.method)->uses(Setting::kKernel)) return request;
  request.kernel.source = outcome.kernel ? KernelRequest::Source::kGiven : KernelRequest::Source::kBicubic;
  request.kernel.kernel = outcome.kernel;
  request.kernel.name = outcome.kernel ? "of the first picture" : "bicubic";
  return request;
}

}  // namespace zsr::pipeline
