#include "degradations/learned/learned_degradation.h"

#include "core/error.h"
#include "core/sha256.h"
#include "nn/geometry.h"
#include "nn/parameter_file.h"
#include "nn/weights/load_weights.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

namespace zsr {
namespace {

constexpr int64_t kBandPixels = 1 << 20;  // of one band of a large image, about

}  // namespace

LearnedDegradation::LearnedDegradation(const std::filesystem::path& path)
    : path_(path.string()), sha256_(sha256_of_file(path)) {
  const WeightsFile weights = load_weights(path.string());
  const std::optional<GeneratorShape> shape = find_generator(weights);
  if (!shape) {
    throw InputError(fmt::format("'{}' holds no learned degradation; 'zsr train degradation' makes one", path_));
  }
  shape_ = *shape;
  nn::Graph graph;
  try {
    graph = generator_graph(shape_);
  } catch (const OptionError& error) {
    throw InputError(fmt::format("'{}': {}", path_, error.what()));
  }
  parameters_ = nn::take_parameters(graph, weights, shape_.architecture);
  const auto scale = weights.metadata.find("trained_scale");
  if (scale != weights.metadata.end()) scale_ = std::atoll(scale->second.c_str());
  reach_ = nn::receptive_radius(graph).value_or(0);
  model_ = std::make_unique<nn::Model>(std::move(graph));
}

torch::Tensor LearnedDegradation::apply(const torch::Tensor& image, uint64_t seed) const {
  if (image.size(1) != 3) {
    throw InputError(fmt::format("'{}' was trained on colours, and the image has {} channel{}", path_, image.size(1),
                                 image.size(1) == 1 ? "" : "s"));
  }
  const torch::NoGradGuard no_grad;
  const int64_t factor = shape_.factor();
  if (image.size(2) % factor != 0 || image.size(3) % factor != 0) {
    throw InputError(fmt::format("'{}' makes images {} times smaller; {}x{} pixels are no multiple of that", path_,
                                 factor, image.size(3), image.size(2)));
  }
  const torch::Tensor input = with_maps(image.to(torch::kFloat32), shape_.noise, shape_.grid, seed);
  // Bands begin on whole units of the coarsest grid.
  const int64_t unit = int64_t{1} << shape_.halvings;
  const auto whole_units = [&](int64_t rows) { return (rows + unit - 1) / unit * unit; };
  const int64_t margin = whole_units(reach_);
  const int64_t band = whole_units(std::max<int64_t>(2 * margin + unit, kBandPixels / input.size(3)));
  std::vector<torch::Tensor> parts;
  for (int64_t top = 0; top < input.size(2); top += band) {
    const int64_t from = std::max<int64_t>(0, top - margin);
    const int64_t to = std::min(input.size(2), top + band + margin);
    const torch::Tensor made = model_->forward({input.slice(2, from, to).contiguous()}, parameters_);
    const int64_t rows = std::min(band, input.size(2) - top) / factor;
    parts.push_back(made.narrow(2, (top - from) / factor, rows));
  }
  return (parts.size() == 1 ? parts.front() : torch::cat(parts, 2)).clamp(0.0, 1.0).contiguous();
}

std::shared_ptr<const LearnedDegradation> learned_degradation(const std::string& path, const std::string& sha256) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const LearnedDegradation>> known;
  const std::lock_guard lock(mutex);
  std::shared_ptr<const LearnedDegradation>& entry = known[path];
  if (entry == nullptr || (!sha256.empty() && entry->sha256() != sha256)) {
    entry = std::make_shared<const LearnedDegradation>(path);
  }
  if (!sha256.empty() && entry->sha256() != sha256) {
    throw InputError(fmt::format("'{}' is not the file that the record names: its SHA-256 is {}, not {}", path,
                                 entry->sha256(), sha256));
  }
  return entry;
}

}  // namespace zsr
