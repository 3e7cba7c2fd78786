#include "degradations/grain.h"

#include "core/error.h"
#include "core/strict_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLargestLevel = 255.0;

const Json& list(const Json& json, const char* name, size_t count) {
  return json_list(json_entry(json, name), name, count);
}

GrainModel read_model(const Json& json) {
  GrainModel model;
  const Json& channels = json_entry(json, "channels");
  if (channels != 1 && channels != 3) throw EntryError("channels", channels, "1 or 3");
  model.channels = channels.get<int64_t>();
  const Json& levels = list(json, "level", model.level.size());
  const Json& measured = list(json, "measured", model.measured.size());
  for (size_t i = 0; i < model.level.size(); ++i) {
    model.level[i] = json_number(levels[i], "level", 0.0, kLargestLevel);
    model.measured[i] = json_truth(measured[i], "measured");
  }
  const Json& filter = list(json, "filter", model.filter.size());
  double energy = 0.0;
  for (size_t i = 0; i < model.filter.size(); ++i) {
    model.filter[i] = json_number(filter[i], "filter", -1.0, 1.0);
    energy += model.filter[i] * model.filter[i];
  }
  if (std::abs(energy - 1.0) > 1e-6) throw EntryError("filter", "the squares of 'filter' must sum to 1");
  const auto entries = static_cast<size_t>(model.channels * model.channels);
  const Json& covariance = list(json, "covariance", entries);
  for (size_t i = 0; i < entries; ++i) model.covariance[i] = json_number(covariance[i], "covariance", -1e3, 1e3);
  return model;
}

}  // namespace

double GrainModel::level_at(double luma) const {
  const double place =
      std::clamp(luma * static_cast<double>(kGrainBins) - 0.5, 0.0, static_cast<double>(kGrainBins - 1));
  const auto low = std::min(static_cast<size_t>(place), static_cast<size_t>(kGrainBins - 2));
  const double part = place - static_cast<double>(low);
  return (1.0 - part) * level[low] + part * level[low + 1];
}

double GrainModel::neighbour_correlation() const {
  double energy = 0.0;
  double sum = 0.0;
  for (int64_t y = 0; y < kGrainFilterSide; ++y) {
    for (int64_t x = 0; x < kGrainFilterSide; ++x) {
      const double value = filter[y * kGrainFilterSide + x];
      energy += value * value;
      if (y + 1 < kGrainFilterSide) sum += 0.5 * value * filter[(y + 1) * kGrainFilterSide + x];
      if (x + 1 < kGrainFilterSide) sum += 0.5 * value * filter[y * kGrainFilterSide + x + 1];
    }
  }
  return energy > 0.0 ? sum / energy : 0.0;
}

double GrainModel::channel_correlation() const {
  if (channels == 1) return 1.0;
  double sum = 0.0;
  for (int64_t a = 0; a < 3; ++a) {
    const int64_t b = (a + 1) % 3;
    const double product = covariance[a * 4] * covariance[b * 4];
    if (product > 0.0) sum += covariance[a * 3 + b] / std::sqrt(product) / 3.0;
  }
  return sum;
}

double GrainModel::midtone_ratio() const {
  double middle = 0.0;
  double count = 0.0;
  for (int64_t i = kGrainBins / 4; i < 3 * kGrainBins / 4; ++i) {
    if (!measured[i]) continue;
    middle += level[i];
    count += 1.0;
  }
  const double ends = std::max(measured.front() ? level.front() : 0.0, measured.back() ? level.back() : 0.0);
  return count > 0.0 && ends > 0.0 ? middle / count / ends : 1.0;
}

// All four limits must hold. Chosen on the residual of OpenCV's non-local means (strength 10), brightness bins of 4
// blocks or more (8 now), of
//   - nine of ten old photos: neighbours 0.27 to 0.81, channels 0.88 to 1.00, midtones 0.63 to 1.91; the tenth has
//     channels 0.61 and is missed;
//   - six noisy digital photos (RealSRSet frog, dog, chip, tiger, building, dped): neighbours 0.08 to 0.13 or channels
//     0.01 to 0.65, none taken for film;
// and on add_camera_noise without a denoiser: neighbours 0.27 and channels 0.62 at most. A compressed digital photo can
// look like film to this rule: foreman, a video frame, does.
bool GrainModel::is_film_like() const {
  constexpr double kLeastLevel = 1.0;  // 1/255
  constexpr double kLeastNeighbour = 0.2;
  constexpr double kLeastChannel = 0.7;
  constexpr double kLeastMidtone = 0.6;
  return *std::max_element(level.begin(), level.end()) >= kLeastLevel && neighbour_correlation() >= kLeastNeighbour &&
         channel_correlation() >= kLeastChannel && midtone_ratio() >= kLeastMidtone;
}

Json to_json(const GrainModel& model) {
  Json json = Json::object();
  json["level"] = model.level;
  json["measured"] = model.measured;
  json["filter"] = model.filter;
  json["channels"] = model.channels;
  json["covariance"] =
      std::vector<double>(model.covariance.begin(), model.covariance.begin() + model.channels * model.channels);
  return json;
}

GrainModel grain_from_json(const Json& json) {
  try {
    return read_model(json);
  } catch (const EntryError& error) {
    throw InputError(fmt::format("grain: {}", error.what()));
  }
}

}  // namespace zsr
