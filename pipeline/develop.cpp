#include "pipeline/develop.h"

#include "core/error.h"
#include "image/camera_raw.h"
#include "image/made_metadata.h"
#include "image/matrix_profile.h"
#include "inference/demosaic.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"
#include "raw/noise_fit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <fstream>

namespace zsr::pipeline {
namespace {

std::string shipped_name(int64_t scale) {
  return fmt::format("demosaic-x{}", scale);
}

std::shared_ptr<const networks::Network> shipped_network(int64_t scale) {
  const WeightsFile weights = shipped_weights(shipped_name(scale));
  return networks::recognise(weights)->build(weights);
}

bool has_network(const DevelopRequest& request) {
  return request.network != nullptr || is_shipped(shipped_name(request.scale));
}

void check_scale(const DevelopRequest& request) {
  if (request.scale < 1 || request.scale > 2) {
    throw OptionError(fmt::format("scale = {}, raw files are developed at 1 or 2", request.scale));
  }
  if (request.network == nullptr) return;
  const int64_t own = request.network->traits().scales.front();
  if (own != request.scale) {
    throw OptionError(fmt::format("{} is for x{}, not x{}", request.network->origin(), own, request.scale));
  }
}

// "auto" settled. Throws OptionError.
std::string method_of(const DevelopRequest& request, const raw::RawPhoto& photo) {
  const std::vector<std::string>& names = demosaic_names();
  if (std::find(names.begin(), names.end(), request.demosaic) == names.end()) {
    throw OptionError(fmt::format("demosaic '{}' must be one of {}", request.demosaic, fmt::join(names, ", ")));
  }
  const bool network = has_network(request);
  if (request.demosaic == "network" || request.scale != 1) {
    if (request.demosaic != "auto" && request.demosaic != "network") {
      throw OptionError(
          fmt::format("demosaic '{}' does not enlarge; at x{} take 'network'", request.demosaic, request.scale));
    }
    if (!network) throw OptionError("no demosaicing network comes with this build; name one with --weights");
    if (!photo.pattern.is_bayer()) {
      throw OptionError(fmt::format("the network takes Bayer mosaics; for {} take 'closed'", photo.pattern.name()));
    }
  }
  if (request.demosaic != "auto" || request.scale != 1) return request.scale != 1 ? "network" : request.demosaic;
  return network && photo.pattern.is_bayer() ? "network" : "closed";
}

void develop_by(const std::string& method, const std::filesystem::path& path, const raw::RawPhoto& photo,
                const DevelopRequest& request, const raw::NoiseModel& noise, float* out) {
  if (method == "ahd") {
    raw::develop_colors(raw::demosaic_ahd(path, request.limits), photo, request.space, out);
    return;
  }
  raw::DevelopOptions options{.space = request.space};
  options.scale = request.scale;
  if (request.denoise) options.noise = noise;
  if (method == "bilinear") {
    options.on_roots = false;
    options.demosaicing = raw::demosaic_bilinear;
  } else if (method == "network") {
    const auto network = request.network != nullptr ? request.network : shipped_network(request.scale);
    options.demosaicing = [network](const raw::Mosaic& mosaic) { return inference::demosaic(mosaic, *network); };
  }
  raw::develop(photo, options, out);
}

}  // namespace

const std::vector<std::string>& demosaic_names() {
  static const std::vector<std::string> names = {"auto", "closed", "network", "bilinear", "ahd"};
  return names;
}

bool is_camera_raw(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !std::filesystem::is_regular_file(path)) return false;
  return !camera_raw_kind([&](uint64_t at, size_t size) {
            std::string part(size, '\0');
            file.clear();
            file.seekg(static_cast<std::streamoff>(at));
            file.read(part.data(), static_cast<std::streamsize>(size));
            part.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
            return part;
          }).empty();
}

Size developed_size(const std::filesystem::path& path) {
  const raw::UprightSize size = raw::read_raw_size(path);
  return {size.height, size.width};
}

Developed develop(const std::filesystem::path& path, const DevelopRequest& asked) {
  check_scale(asked);
  const raw::RawPhoto photo = raw::read_raw(path, asked.limits);
  DevelopRequest request = asked;
  if (asked.scale_if_possible && !(photo.pattern.is_bayer() && has_network(asked))) request.scale = 1;
  const std::string method = method_of(request, photo);
  const raw::NoiseModel noise = raw::fit_noise(photo.values, photo.pattern);
  const raw::UprightSize size = raw::upright_size(photo);
  Developed result;
  result.photo.color = torch::empty({1, 3, request.scale * size.height, request.scale * size.width}, torch::kFloat32);
  develop_by(method, path, photo, request, noise, result.photo.color.data_ptr<float>());
  result.photo.bit_depth = 16;
  result.photo.format = ImageFormat::kPng;
  result.photo.metadata = made_metadata(raw::exif_of(photo.shot), matrix_profile(request.space));
  result.photo.notes = photo.notes;
  const bool denoised = request.denoise && method != "bilinear" && method != "ahd";
  // In 1/255 of the encoded result at middle gray (linear 0.214, where sRGB's curve has the slope 1.005).
  constexpr double kMiddle = 0.2140;
  constexpr double kSlope = 1.005;
  result.record = {
      {"camera", fmt::format("{}{}{}", photo.shot.make, photo.shot.make.empty() ? "" : " ", photo.shot.model)},
      {"mosaic", photo.pattern.name()},
      {"white_balance", photo.white_balance},
      {"orientation", photo.orientation},
      {"demosaic", method},
      {"scale", request.scale},
      {"noise",
       {{"gain", noise.gain},
        {"read", noise.read},
        {"denoised", denoised},
        {"middle_gray_255", 255.0 * kSlope * noise.sigma(kMiddle)}}},
      {"notes", photo.notes}};
  if (method == "network") {
    result.record["network"] = request.network != nullptr ? request.network->origin() : shipped_name(request.scale);
  }
  return result;
}

}  // namespace zsr::pipeline
