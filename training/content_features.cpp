#include "training/content_features.h"

#include "core/files.h"
#include "nn/weights/load_weights.h"
#include "training/features.h"
#include "training/squeezenet_features.h"
#include "training/squeezenet_file.h"

#include <sstream>
#include <system_error>
#include <vector>

namespace zsr::training {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) items.push_back(item);
  return items;
}

}  // namespace

std::shared_ptr<const ContentFeatures> load_content_features(const std::filesystem::path& path,
                                                             const std::string& layer) {
  // VGG files have 30 MB at the least, and need not be read twice.
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size <= kMaxSqueezeNetBytes) {
    const std::string bytes = read_file(path, kMaxSqueezeNetBytes);
    if (is_squeezenet(bytes)) {
      const WeightsFile weights = parse_squeezenet(bytes, path.string());
      if (layer.empty()) return std::make_shared<const SqueezeNetFeatures>(weights);
      return std::make_shared<const SqueezeNetFeatures>(weights, split(layer));
    }
  }
  return std::make_shared<const VggFeatures>(load_weights(path), layer.empty() ? "conv5_4" : layer);
}

}  // namespace zsr::training
