#include "nn/weights/safetensors.h"

#include "core/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

namespace zsr {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are copied as they lie in memory");

constexpr size_t kMaxHeader = 100'000'000;
constexpr size_t kMaxFile = size_t{1} << 36;
constexpr size_t kMaxRank = 8;

constexpr std::array<std::pair<const char*, torch::ScalarType>, 10> kTypes = {{{"F64", torch::kFloat64},
                                                                               {"F32", torch::kFloat32},
                                                                               {"F16", torch::kFloat16},
                                                                               {"BF16", torch::kBFloat16},
                                                                               {"I64", torch::kInt64},
                                                                               {"I32", torch::kInt32},
                                                                               {"I16", torch::kInt16},
                                                                               {"I8", torch::kInt8},
                                                                               {"U8", torch::kUInt8},
                                                                               {"BOOL", torch::kBool}}};

[[noreturn]] void damaged_safetensors(const std::string& origin, const std::string& why) {
  throw InputError(fmt::format("'{}' is not a usable safetensors file: {}", origin, why));
}

// The header's JSON; names that occur twice and deep nesting are refused while it is read.
nlohmann::ordered_json parse_header(std::string_view text, const std::string& origin) {
  constexpr int kDeepest = 4;
  std::set<std::string> seen;
  const auto callback = [&](int depth, nlohmann::ordered_json::parse_event_t event, nlohmann::ordered_json& value) {
    if (depth > kDeepest) damaged_safetensors(origin, "its header is nested too deeply");
    if (depth == 1 && event == nlohmann::ordered_json::parse_event_t::key &&
        !seen.insert(value.get<std::string>()).second) {
      damaged_safetensors(origin, fmt::format("it holds '{}' twice", value.get<std::string>()));
    }
    return true;
  };
  try {
    return nlohmann::ordered_json::parse(text, callback);
  } catch (const nlohmann::json::exception& error) {
    damaged_safetensors(origin, "its header is not JSON");
  }
}

struct Place {
  std::string name;
  torch::ScalarType type;
  std::vector<int64_t> shape;
  size_t begin;
  size_t end;
};

Place place_of(const std::string& name, const nlohmann::ordered_json& entry, const std::string& origin) {
  Place place{name, torch::kFloat32, {}, 0, 0};
  try {
    const auto type = entry.at("dtype").get<std::string>();
    const auto* const known =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& pair) { return type == pair.first; });
    if (known == kTypes.end()) damaged_safetensors(origin, fmt::format("'{}' has the unknown type '{}'", name, type));
    place.type = known->second;
    const auto& shape = entry.at("shape");
    const auto& offsets = entry.at("data_offsets");
    if (!shape.is_array() || shape.size() > kMaxRank || !offsets.is_array() || offsets.size() != 2) {
      damaged_safetensors(origin, fmt::format("'{}' has no proper shape or place", name));
    }
    uint64_t bytes = torch::elementSize(place.type);
    for (const auto& side : shape) {
      if (!side.is_number_unsigned())
        damaged_safetensors(origin, fmt::format("'{}' has a side that is no number", name));
      const auto length = side.get<uint64_t>();
      if (length != 0 && bytes > kMaxFile / length) damaged_safetensors(origin, fmt::format("'{}' is too large", name));
      bytes *= length;
      place.shape.push_back(static_cast<int64_t>(length));
    }
    if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
      damaged_safetensors(origin, fmt::format("'{}' has a place that is no number", name));
    }
    place.begin = offsets[0].get<size_t>();
    place.end = offsets[1].get<size_t>();
    if (place.end < place.begin || place.end - place.begin != bytes) {
      damaged_safetensors(origin, fmt::format("'{}' has {} bytes for a shape that needs {}", name,
                                              place.end < place.begin ? 0 : place.end - place.begin, bytes));
    }
  } catch (const nlohmann::json::exception&) {
    damaged_safetensors(origin, fmt::format("the entry of '{}' lacks a field", name));
  }
  return place;
}

}  // namespace

WeightsFile parse_safetensors(std::string_view bytes, const std::string& origin) {
  uint64_t header = 0;
  if (bytes.size() < sizeof header) damaged_safetensors(origin, "it is shorter than its length field");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header > kMaxHeader || header > bytes.size() - sizeof header) {
    damaged_safetensors(origin,
                        fmt::format("its header would have {} bytes; the file was cut, or is another format", header));
  }
  const std::string_view text = bytes.substr(sizeof header, header);
  if (text.empty() || text.front() != '{') damaged_safetensors(origin, "its header is no JSON object");
  const nlohmann::ordered_json json = parse_header(text, origin);
  const std::string_view data = bytes.substr(sizeof header + header);

  WeightsFile file{origin, "safetensors", {}, {}};
  std::vector<Place> places;
  for (const auto& [name, entry] : json.items()) {
    if (name != "__metadata__") {
      places.push_back(place_of(name, entry, origin));
      continue;
    }
    if (!entry.is_object()) damaged_safetensors(origin, "its remarks are no object");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) damaged_safetensors(origin, fmt::format("the remark '{}' is no text", key));
      file.metadata[key] = value.get<std::string>();
    }
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.begin < b.begin; });
  size_t next = 0;
  for (const Place& place : places) {
    if (place.begin != next) damaged_safetensors(origin, fmt::format("hole or overlap before '{}'", place.name));
    if (place.end > data.size())
      damaged_safetensors(origin, fmt::format("'{}' ends beyond the file; it was cut", place.name));
    torch::Tensor tensor = torch::empty(place.shape, place.type);
    if (place.end > place.begin) {
      std::memcpy(tensor.data_ptr(), data.data() + place.begin, place.end - place.begin);
    }
    file.tensors.push_back({place.name, tensor});
    next = place.end;
  }
  if (next != data.size())
    damaged_safetensors(origin, fmt::format("{} bytes follow the last tensor", data.size() - next));
  return file;
}

WeightsFile read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path, kMaxFile), path.string());
}

std::string format_safetensors(const WeightsFile& weights) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!weights.metadata.empty()) header["__metadata__"] = weights.metadata;
  // The widest types first, as the reference implementation does, so that every tensor is aligned.
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& entry : weights.tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return a->tensor.element_size() > b->tensor.element_size();
  });
  std::string data;
  for (const NamedTensor* entry : order) {
    const torch::Tensor tensor = entry->tensor.detach().to(torch::kCPU).contiguous();
    const auto* const known = std::find_if(kTypes.begin(), kTypes.end(),
                                           [&](const auto& pair) { return tensor.scalar_type() == pair.second; });
    if (known == kTypes.end() || entry->name == "__metadata__" || header.contains(entry->name)) {
      throw OptionError(
          fmt::format("tensor '{}' cannot be stored: its type or its name, or the name occurs twice", entry->name));
    }
    const size_t begin = data.size();
    data.append(static_cast<const char*>(tensor.data_ptr()), static_cast<size_t>(tensor.nbytes()));
    header[entry->name] = {
        {"dtype", known->first}, {"shape", tensor.sizes().vec()}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + text + data;
}

void write_safetensors(const std::filesystem::path& path, const WeightsFile& weights, Overwrite overwrite) {
  write_file_atomically(path, format_safetensors(weights), overwrite);
}

}  // namespace zsr
