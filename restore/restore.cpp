#include "restore/restore.h"

#include "core/error.h"
#include "inference/enlarge.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace zsr::restore {
namespace {

constexpr double kLargestScale = 16.0;
constexpr int64_t kMargin = 12;  // pixels of the photo

void check_fraction(double value, const char* name) {
  if (!(value >= 0.0 && value <= 1.0)) throw OptionError(fmt::format("{} = {:g}, must be 0 to 1", name, value));
}

WeightsFile blended(const WeightsFile& from, const WeightsFile& to, double amount) {
  WeightsFile made = from;
  for (NamedTensor& entry : made.tensors) {
    const torch::Tensor* const other = to.find(entry.name);
    entry.tensor = entry.tensor.to(torch::kFloat32).lerp(other->to(torch::kFloat32), amount);
  }
  return made;
}

// The smallest output of the network that is at least as large as asked for; the largest where none is.
int64_t network_scale(const networks::Traits& traits, Scale scale) {
  const double wanted = std::max(scale.y, scale.x);
  for (const int64_t own : traits.scales) {
    if (static_cast<double>(own) >= wanted) return own;
  }
  return traits.scales.back();
}

// Standard deviation of the noise of R, G and B, 1/255, as the network was trained with. Independent noise of the three
// channels leaves 0.447 of its variance in the luma; the rest shows in the colour differences.
double noise_level(const PhotoCondition& condition) {
  const double luma = condition.noise.value_or(0.0);
  const double chroma = condition.chroma_noise.value_or(0.0);
  constexpr double kLumaPart = 0.299 * 0.299 + 0.587 * 0.587 + 0.114 * 0.114;
  return std::sqrt(luma * luma + (1.0 - kLumaPart) * chroma * chroma);
}

// What the network is conditioned on; see Options::denoise. A measured level is given only where it can be trusted: in
// a photo that is sharp at the scale of its pixels nothing was smoothed after the noise came in, and blocks would show.
// There it gains 0.4 to 0.8 dB under JPEG (restore/README.md). In soft photos the damage lies deeper than what can be
// measured, and the network judges better by itself (Set14 x4 by the recipe realesrgan: 22.27 dB, given both 22.01).
networks::Damage damage_given(const PhotoCondition& condition, const Options& options) {
  // Cycles per pixel. Compression takes the upper band itself, so that less is asked of compressed photos.
  const double least = condition.jpeg ? 0.175 : 0.28;
  const bool sharp = condition.half_power && *condition.half_power >= least;
  networks::Damage damage;
  const double part = options.denoise.value_or(1.0);
  // Compression flattens the parts in which noise is measured, and what it leaves is measured as noise. At the photo's
  // own size such a photo is restored as one without noise. Enlarged, the noise is left for the network to judge: given
  // as 0 it keeps scan grain on old photos (looked at; Set14 x2, JPEG 40: 28.25 dB, as without noise 28.56).
  const bool same_size = options.scale.y == 1.0 && options.scale.x == 1.0;
  const bool only_jpeg = condition.jpeg && same_size;
  if (only_jpeg) damage.noise = 0.0;
  const bool measurable = sharp && !condition.jpeg;
  if (options.denoise || measurable)
    damage.noise = std::min(part * noise_level(condition), networks::Damage::kMaxNoise);
  if (options.dejpeg || sharp || only_jpeg) {
    const double quality = condition.jpeg ? static_cast<double>(condition.jpeg->quality) : 100.0;
    damage.jpeg_quality = 100.0 - options.dejpeg.value_or(1.0) * (100.0 - quality);
  }
  return damage;
}

// What the photo's smaller versions are damaged by, to learn from them; nothing is known without traces of JPEG. Blocks
// that stand on the photo's own grid say that compression came last; what it leaves is no noise. Of noise alone nothing
// is learned: Set14 x2, noise 15: 28.92 dB on average, before 28.90, and one photo lost 0.8.
networks::Damage damage_to_learn(const PhotoCondition& condition) {
  if (!condition.jpeg) return {};
  return {0.0, static_cast<double>(condition.jpeg->quality)};
}

torch::Tensor resized(const torch::Tensor& image, Size size) {
  if (image.size(2) == size.height && image.size(3) == size.width) return image;
  const Scale factor{static_cast<double>(size.height) / static_cast<double>(image.size(2)),
                     static_cast<double>(size.width) / static_cast<double>(image.size(3))};
  return imresize(image, factor, size).clamp_(0.0, 1.0);
}

// The network continues the photo by zeros, which darkens flat borders; with a margin of edge pixels that happens
// outside.
torch::Tensor with_margin(const torch::Tensor& photo) {
  return torch::replication_pad2d(photo.to(torch::kFloat32), {kMargin, kMargin, kMargin, kMargin});
}

torch::Tensor without_margin(const torch::Tensor& image, int64_t scale) {
  const int64_t cut = kMargin * scale;
  return image.slice(2, cut, image.size(2) - cut).slice(3, cut, image.size(3) - cut).contiguous();
}

// From `plain` at share 0 to `image` at 1, written over `image`: both are as large as the result.
torch::Tensor blend(const torch::Tensor& plain, torch::Tensor image, const torch::Tensor& share) {
  return torch::lerp_out(image, plain, image, share);
}

// `image` with the photo's own interpolation where the photo is flat: there is nothing to restore, and nothing shall be
// painted (the detail end leaves a pattern of 3 levels on a flat picture). Flat: all pixels within two of a pixel
// differ by a level at most; from three levels on `image` stands.
torch::Tensor flat_where_flat(const torch::Tensor& photo, torch::Tensor image) {
  constexpr int64_t kWindow = 5;
  const auto highest = [&](const torch::Tensor& of) {
    return torch::max_pool2d(of, {kWindow, kWindow}, {1, 1}, {kWindow / 2, kWindow / 2});
  };
  const torch::Tensor levels = photo.to(torch::kFloat32) * 255.0;
  const torch::Tensor range = (highest(levels) + highest(-levels)).amax(1, true);
  const torch::Tensor textured = ((range - 1.0) / 2.0).clamp(0.0, 1.0);
  if (textured.min().item<float>() == 1.0F) return image;
  const Size size{image.size(2), image.size(3)};
  const torch::Tensor share = torch::upsample_bilinear2d(textured, {size.height, size.width}, false);
  return blend(resized(photo.to(torch::kFloat32), size), image, share);
}

// What is not restored: the light EDSR for bicubic photos, or the photo itself at its own size.
torch::Tensor plain_picture(const torch::Tensor& photo, int64_t scale, const Options& options,
                            const RunContext& context) {
  if (scale == 1) return photo;
  const WeightsFile weights = shipped_weights(fmt::format("edsr-light-x{}", scale));
  const auto network = networks::recognise(weights)->build(weights);
  inference::Options plain;
  plain.scale = {static_cast<double>(scale), static_cast<double>(scale)};
  plain.tile = options.tile;
  plain.self_ensemble = options.self_ensemble;
  return inference::enlarge(photo, *network, plain, context).image;
}

}  // namespace

double Options::detail_in_force() const {
  constexpr double kWhereEnlarged = 0.3;
  const bool same_size = scale.y == 1.0 && scale.x == 1.0;
  return detail.value_or(same_size ? 0.0 : kWhereEnlarged);
}

void Options::validate() const {
  for (const double factor : {scale.y, scale.x}) {
    if (!(factor >= 1.0 && factor <= kLargestScale)) {
      throw OptionError(fmt::format("scale = {:g}, restoration takes 1 to {:g}", factor, kLargestScale));
    }
  }
  check_fraction(strength, "strength");
  check_fraction(strength_adapted, "strength_adapted");
  if (detail) check_fraction(*detail, "detail");
  if (denoise) check_fraction(*denoise, "denoise");
  if (dejpeg) check_fraction(*dejpeg, "dejpeg");
  if (grain) check_fraction(*grain, "grain");
  if (adapt && scale.y == 1.0 && scale.x == 1.0) {
    throw OptionError("adapt = true, at its own size a photo has no smaller version to learn from");
  }
  if (tile != 0 && tile != inference::kByMemory && tile < 16)
    throw OptionError(fmt::format("tile = {}, must be 0 or at least 16", tile));
}

Models Models::shipped() {
  return {shipped_weights("restorer"), shipped_weights("restorer-detail")};
}

Models::Models(WeightsFile faithful, WeightsFile detailed)
    : faithful_(std::move(faithful)), detailed_(std::move(detailed)) {
  for (const WeightsFile* file : {&faithful_, &detailed_}) {
    if (!networks::find_kind("restorer")->recognises(*file)) {
      throw InputError(fmt::format("'{}' holds no restoration network", file->origin));
    }
  }
  for (const NamedTensor& entry : faithful_.tensors) {
    const torch::Tensor* const other = detailed_.find(entry.name);
    if (other == nullptr || other->sizes() != entry.tensor.sizes()) {
      throw InputError(fmt::format("'{}' and '{}' are not of one shape: {} differs", faithful_.origin, detailed_.origin,
                                   entry.name));
    }
  }
}

Models Models::moved_to(const WeightsFile& tuned) const {
  WeightsFile detailed = detailed_;
  for (NamedTensor& entry : detailed.tensors) {
    const torch::Tensor before = faithful_.find(entry.name)->to(torch::kFloat32);
    entry.tensor = entry.tensor.to(torch::kFloat32) + (tuned.find(entry.name)->to(torch::kFloat32) - before);
  }
  return {tuned, std::move(detailed)};
}

std::shared_ptr<const networks::Network> Models::at(double detail) const {
  const WeightsFile weights = blended(faithful_, detailed_, detail);
  return networks::recognise(weights)->build(weights);
}

Result run(const torch::Tensor& photo, const PhotoCondition& condition, const Models& models, const Options& options,
           const RunContext& context) {
  options.validate();
  const Size size = scaled_size({photo.size(2), photo.size(3)}, options.scale);
  Result result;
  auto network = models.at(options.detail_in_force());
  result.network_scale = network_scale(network->traits(), options.scale);
  result.given = damage_given(condition, options);
  if (options.adapt) {
    const networks::Damage damage = damage_to_learn(condition);
    result.adapted = adapt(photo, damage, models.faithful(), result.network_scale, context);
    if (result.adapted->kept) {
      network = models.moved_to(result.adapted->weights).at(options.detail_in_force());
      result.given = damage;
    }
    result.adapted->weights = {};
  }
  const torch::NoGradGuard no_grad;
  const auto scale = static_cast<double>(result.network_scale);
  inference::Options pass;
  pass.scale = {scale, scale};
  pass.damage = result.given;
  pass.tile = options.tile;
  pass.self_ensemble = options.self_ensemble;
  // The network shifts colours of flat parts by up to 3 levels (at full detail, x4). Strong noise is another matter:
  // cut at black and white it shifts the photo's own large areas, and the network is right (noise 25 at the photo's
  // size: 32.76 dB, with the photo's low frequencies 32.45).
  constexpr double kStrongNoise = 10.0;  // 1/255
  pass.keep_low_frequencies = noise_level(condition) < kStrongNoise;
  inference::Result restored = inference::enlarge(with_margin(photo), *network, pass, context);
  result.summary = std::move(restored.summary);
  result.tile = restored.tile;
  restored.image = without_margin(restored.image, result.network_scale);
  result.image = resized(std::exchange(restored.image, {}), size);
  const bool tuned = result.adapted && result.adapted->kept;
  result.strength = tuned ? options.strength_adapted : options.strength;
  if (result.strength < 1.0) {
    const torch::Tensor plain = resized(plain_picture(photo, result.network_scale, options, context), size);
    result.image = blend(plain, result.image, torch::tensor(result.strength, torch::kFloat32));
  }
  result.image = flat_where_flat(photo, result.image);
  // Grain is what the photo has beyond its restored version at the photo's own size.
  constexpr int64_t kMinSideForGrain = 32;  // analyse_grain's
  const bool large_enough = std::min(photo.size(2), photo.size(3)) >= kMinSideForGrain;
  if (options.grain.value_or(1.0) > 0.0 && large_enough) {
    const torch::Tensor clean = resized(result.image, {photo.size(2), photo.size(3)});
    const GrainModel model = analyse_grain(photo, clean);
    result.removed = model;
    constexpr double kFilm = 0.5;
    result.grain = options.grain.value_or(model.is_film_like() ? kFilm : 0.0);
    if (result.grain > 0.0) {
      result.image = add_grain(result.image, model, result.grain, options.scale.y, context.seed);
    }
  }
  return result;
}

nlohmann::json to_json(const Options& options, const Result& result) {
  const auto optional = [](const std::optional<double>& value) {
    return value ? nlohmann::json(*value) : nlohmann::json("auto");
  };
  nlohmann::json json{{"strength", result.strength},
                      {"detail", options.detail_in_force()},
                      {"denoise", optional(options.denoise)},
                      {"dejpeg", optional(options.dejpeg)},
                      {"grain", result.grain},
                      {"ensemble", options.self_ensemble},
                      {"tile", result.tile},
                      {"network_scale", result.network_scale}};
  if (result.adapted) {
    json["adapted"] = {{"kept", result.adapted->kept},
                       {"steps", result.adapted->steps},
                       {"held_back_before_db", result.adapted->before_db},
                       {"held_back_after_db", result.adapted->after_db}};
    if (!result.adapted->reason.empty()) json["adapted"]["reason"] = result.adapted->reason;
  }
  if (result.given.noise) json["given"]["noise"] = *result.given.noise;
  if (result.given.jpeg_quality) json["given"]["jpeg_quality"] = *result.given.jpeg_quality;
  if (result.removed) {
    json["grain_removed"] = {{"level", result.removed->level_at(0.5)},
                             {"neighbour_correlation", result.removed->neighbour_correlation()},
                             {"film_like", result.removed->is_film_like()}};
  }
  return json;
}

}  // namespace zsr::restore
