#include "nn/weights/ncnn_file.h"

#include "core/error.h"
#include "core/files.h"
#include "nn/weights/byte_reader.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace zsr {
namespace {

[[noreturn]] void damaged(const std::string& origin, const std::string& why) {
  throw InputError(fmt::format("'{}' cannot be read as an ncnn model: {}", origin, why));
}

struct Layer {
  std::string type;
  std::string name;
  std::map<int, int64_t> settings;

  int64_t get(int key, int64_t otherwise) const {
    const auto found = settings.find(key);
    return found == settings.end() ? otherwise : found->second;
  }
};

// "type name inputs outputs <names> key=value ..." a line.
std::vector<Layer> parse_layers(std::string_view text, const std::string& origin) {
  constexpr size_t kMaxLayers = 100'000;
  std::istringstream lines{std::string(text)};
  std::string line;
  if (!std::getline(lines, line) || line.compare(0, 7, "7767517") != 0) {
    damaged(origin, "the .param file does not begin with 7767517 (a binary or damaged one?)");
  }
  std::getline(lines, line);  // numbers of layers and blobs
  std::vector<Layer> layers;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    Layer layer;
    int64_t inputs = 0;
    int64_t outputs = 0;
    if (!(words >> layer.type)) continue;
    if (!(words >> layer.name >> inputs >> outputs) || inputs < 0 || outputs < 0 || layers.size() >= kMaxLayers) {
      damaged(origin, fmt::format("line {} of the .param file is no layer", layers.size() + 3));
    }
    std::string word;
    for (int64_t i = 0; i < inputs + outputs && words >> word; ++i) {
    }
    while (words >> word) {
      const size_t equals = word.find('=');
      int key = 0;
      double value = 0.0;
      if (equals == std::string::npos) continue;
      const auto read_key = std::from_chars(word.data(), word.data() + equals, key);
      const auto read_value = std::from_chars(word.data() + equals + 1, word.data() + word.size(), value);
      if (read_key.ec != std::errc() || read_value.ec != std::errc() || !(std::abs(value) < 1e12)) continue;
      layer.settings[key] = static_cast<int64_t>(value);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

// Note [Cut halves]
// ncnn's converters cut what 16 bits cannot hold instead of rounding it (float32_to_float16 in its mat.cpp shifts the
// mantissa; the vector version asks for _MM_FROUND_TRUNC): every weight has lost half a unit of its last place on
// average, all towards zero. Twelve layers of SRMD thus darken a photo by half a level, 0.06 dB on Set5 x2. The middle
// of the interval that a half stands for takes the bias away. Powers of two stay: layers that scale or shift by a
// constant were exact.
float uncut(float half) {
  constexpr int kLeastUnit = -24;  // of halves below 2^-14
  int exponent = 0;
  const float fraction = std::frexp(std::abs(half), &exponent);
  if (half == 0.0F || !std::isfinite(half) || fraction == 0.5F) return half;
  return half + std::copysign(std::ldexp(0.5F, std::max(exponent - 11, kLeastUnit)), half);
}

class Values {
 public:
  Values(std::string_view bytes, const std::string& origin) : bytes_(bytes), origin_(origin) {}

  torch::Tensor single(int64_t count, const std::string& name) {
    const std::string_view part = take(static_cast<uint64_t>(count) * sizeof(float), name);
    torch::Tensor values = torch::empty({count}, torch::kFloat32);
    std::memcpy(values.data_ptr(), part.data(), part.size());
    return values;
  }

  // Values behind a tag that says their type; halves are padded to whole words.
  torch::Tensor tagged(int64_t count, const std::string& name) {
    constexpr uint32_t kHalf = 0x01306B47;
    const std::string_view tag = take(sizeof(uint32_t), name);
    const uint32_t code = *number_at<uint32_t>(tag, 0);
    if (code == 0) return single(count, name);
    if (code != kHalf)
      damaged(origin_, fmt::format("'{}' is quantised (tag {:08x}); zsr reads fp32 and fp16", name, code));
    const std::string_view part = take((static_cast<uint64_t>(count) * 2 + 3) / 4 * 4, name);
    torch::Tensor halves = torch::empty({count}, torch::kFloat16);
    std::memcpy(halves.data_ptr(), part.data(), static_cast<size_t>(count) * 2);
    torch::Tensor values = halves.to(torch::kFloat32);
    float* const first = values.data_ptr<float>();
    std::transform(first, first + count, first, uncut);
    return values;
  }

  bool at_end() const { return position_ == bytes_.size(); }

 private:
  std::string_view take(uint64_t count, const std::string& name) {
    const auto part = bytes_at(bytes_, position_, count);
    if (!part) damaged(origin_, fmt::format("the .bin file ends in the middle of '{}'", name));
    position_ += count;
    return *part;
  }

  std::string_view bytes_;
  const std::string& origin_;
  uint64_t position_ = 0;
};

}  // namespace

WeightsFile parse_ncnn(std::string_view param, std::string_view bin, const std::string& origin) {
  WeightsFile file{origin, "ncnn", {}, {}};
  Values values(bin, origin);
  std::set<std::string> names;
  static const std::set<std::string> without_weights = {
      "Input",   "Split",   "PixelShuffle", "Interp",  "BinaryOp", "ReLU", "Concat", "Crop", "Sigmoid", "Padding",
      "Eltwise", "Pooling", "UnaryOp",      "Reshape", "Permute",  "Clip", "TanH",   "Noop", "Slice"};
  for (const Layer& layer : parse_layers(param, origin)) {
    if (without_weights.count(layer.type) != 0) continue;
    if (!names.insert(layer.name).second) damaged(origin, fmt::format("two layers are called '{}'", layer.name));
    const int64_t out = layer.get(0, 0);
    if (layer.type == "PReLU") {
      if (out < 1 || out > 65536) damaged(origin, fmt::format("'{}' has no proper size", layer.name));
      file.tensors.push_back({layer.name + ".weight", values.single(out, layer.name)});
      continue;
    }
    if (layer.type != "Convolution") {
      damaged(origin,
              fmt::format("it has a layer of the type {} ('{}'), which zsr does not read", layer.type, layer.name));
    }
    const int64_t width = layer.get(1, 0);
    const int64_t height = layer.get(11, width);
    const int64_t count = layer.get(6, 0);
    const bool proper = out >= 1 && out <= 65536 && width >= 1 && width <= 64 && height >= 1 && height <= 64 &&
                        count >= 1 && count <= (int64_t{1} << 31) && count % (out * width * height) == 0;
    if (!proper) damaged(origin, fmt::format("'{}' has no proper size", layer.name));
    const int64_t in = count / (out * width * height);
    file.tensors.push_back({layer.name + ".weight", values.tagged(count, layer.name).view({out, in, height, width})});
    if (layer.get(5, 0) != 0) file.tensors.push_back({layer.name + ".bias", values.single(out, layer.name)});
  }
  if (!values.at_end())
    damaged(origin, "the .bin file is longer than its layers; the two files do not belong together");
  return file;
}

WeightsFile read_ncnn(const std::filesystem::path& path) {
  constexpr size_t kMaxParam = 10'000'000;
  constexpr size_t kMaxBin = size_t{1} << 32;
  std::filesystem::path param = path;
  std::filesystem::path bin = path;
  param.replace_extension(".param");
  bin.replace_extension(".bin");
  return parse_ncnn(read_file(param, kMaxParam), read_file(bin, kMaxBin), path.string());
}

}  // namespace zsr
