#include "training/squeezenet_file.h"

#include "core/error.h"
#include "nn/weights/byte_reader.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <cstring>

namespace zsr::training {
namespace {

constexpr size_t kCodebook = 256;

std::vector<SqueezeNetLayer> make_layers() {
  std::vector<SqueezeNetLayer> layers = {{"conv1", 96, 3, 7}};
  // Squeezed channels of fire2 to fire9; each fire module puts out eight times as many, half of them by 3x3 filters.
  int64_t in = 96;
  int fire = 2;
  for (const int64_t squeezed : {16, 16, 32, 32, 48, 48, 64, 64}) {
    const std::string name = fmt::format("fire{}.", fire++);
    layers.push_back({name + "squeeze", squeezed, in, 1});
    layers.push_back({name + "expand1", 4 * squeezed, squeezed, 1});
    layers.push_back({name + "expand3", 4 * squeezed, squeezed, 3});
    in = 8 * squeezed;
  }
  layers.push_back({"conv10", 1000, in, 1});
  return layers;
}

// Stored codes of layer `i`; 0 where the file is too short.
uint64_t count_of(std::string_view bytes, size_t i) {
  return number_at<uint32_t>(bytes, i * sizeof(uint32_t)).value_or(0);
}

class Decoder {
 public:
  Decoder(std::string_view bytes, const std::string& origin)
      : bytes_(bytes), origin_(origin), position_(squeezenet_layers().size() * sizeof(uint32_t)) {}

  void layer(const SqueezeNetLayer& layer, uint64_t count, WeightsFile& file) {
    const std::vector<float> codebook = floats(kCodebook, layer);
    const std::vector<float> bias = floats(static_cast<uint64_t>(layer.out), layer);
    const std::string_view codes = take(count, layer);
    const std::string_view gaps = take((count + 1) / 2, layer);
    torch::Tensor weight = torch::zeros(layer.shape());
    float* const values = weight.data_ptr<float>();
    int64_t place = -1;
    for (size_t i = 0; i < count; ++i) {
      const auto pair = static_cast<uint8_t>(gaps[i / 2]);
      place += (i % 2 == 0 ? pair & 15 : pair >> 4) + 1;
      if (place >= layer.weight_count()) damaged(fmt::format("'{}' has weights beyond its end", layer.name));
      const auto code = static_cast<uint8_t>(codes[i]);
      values[place] = code == 0 ? 0.0F : codebook[code];
    }
    file.tensors.push_back({layer.name + ".weight", weight});
    file.tensors.push_back({layer.name + ".bias", torch::tensor(bias)});
  }

  void end() const {
    if (position_ != bytes_.size()) damaged(fmt::format("{} bytes too long", bytes_.size() - position_));
  }

 private:
  [[noreturn]] void damaged(const std::string& why) const {
    throw InputError(fmt::format("'{}' is a damaged SqueezeNet file: {}", origin_, why));
  }

  std::string_view take(uint64_t count, const SqueezeNetLayer& layer) {
    const auto part = bytes_at(bytes_, position_, count);
    if (!part) damaged(fmt::format("it ends inside layer '{}'", layer.name));
    position_ += count;
    return *part;
  }

  std::vector<float> floats(uint64_t count, const SqueezeNetLayer& layer) {
    const std::string_view part = take(count * sizeof(float), layer);
    std::vector<float> values(count);
    std::memcpy(values.data(), part.data(), part.size());
    for (const float value : values) {
      if (!std::isfinite(value)) damaged(fmt::format("layer '{}' holds values that are not finite", layer.name));
    }
    return values;
  }

  std::string_view bytes_;
  const std::string& origin_;
  uint64_t position_;
};

}  // namespace

const std::vector<SqueezeNetLayer>& squeezenet_layers() {
  static const std::vector<SqueezeNetLayer> layers = make_layers();
  return layers;
}

bool is_squeezenet(std::string_view bytes) {
  const auto& layers = squeezenet_layers();
  for (size_t i = 0; i < layers.size(); ++i) {
    const uint64_t count = count_of(bytes, i);
    if (count == 0 || count > static_cast<uint64_t>(layers[i].weight_count())) return false;
  }
  return true;
}

WeightsFile parse_squeezenet(std::string_view bytes, const std::string& origin) {
  if (!is_squeezenet(bytes)) {
    throw InputError(fmt::format("'{}' is no SqueezeNet 1.0 file of Deep Compression", origin));
  }
  WeightsFile file{origin, "Deep Compression", {}, {}};
  Decoder decoder(bytes, origin);
  const auto& layers = squeezenet_layers();
  for (size_t i = 0; i < layers.size(); ++i) decoder.layer(layers[i], count_of(bytes, i), file);
  decoder.end();
  return file;
}

}  // namespace zsr::training
