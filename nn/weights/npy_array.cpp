#include "nn/weights/npy_array.h"

#include "core/error.h"
#include "nn/weights/byte_reader.h"
#include "nn/weights/zip_archive.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace zsr {
namespace {

// This file is also read as C++17, where the fuzzers are built.
bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

bool ends(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

constexpr int64_t kMostElements = int64_t{1} << 32;

[[noreturn]] void bad(const std::string& name, const std::string& why) {
  throw InputError(fmt::format("{}: bad .npy file, {}", name, why));
}

// What stands after 'key': in the header, a Python dict of three known keys.
std::string_view value_after(std::string_view header, std::string_view key, const std::string& name) {
  const size_t at = header.find(key);
  const size_t colon = at == std::string_view::npos ? at : header.find(':', at);
  if (colon == std::string_view::npos) bad(name, "a header field is missing");
  header.remove_prefix(colon + 1);
  header.remove_prefix(std::min(header.size(), header.find_first_not_of(' ')));
  return header;
}

torch::ScalarType type_of(std::string_view text, const std::string& name) {
  static constexpr std::array<std::pair<std::string_view, torch::ScalarType>, 6> kTypes = {{
      {"'<f8'", torch::kFloat64},
      {"'<f4'", torch::kFloat32},
      {"'<f2'", torch::kFloat16},
      {"'<i8'", torch::kInt64},
      {"'<i4'", torch::kInt32},
      {"'|u1'", torch::kUInt8},
  }};
  for (const auto& [word, type] : kTypes) {
    if (begins(text, word)) return type;
  }
  bad(name, "only little-endian numbers are read (float16, float32, float64, int32, int64, uint8)");
}

std::vector<int64_t> shape_of(std::string_view text, const std::string& name) {
  const size_t end = text.find(')');
  if (!begins(text, "(") || end == std::string_view::npos) bad(name, "bad shape");
  text = text.substr(1, end - 1);
  std::vector<int64_t> shape;
  int64_t elements = 1;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == ',') {
      ++i;
      continue;
    }
    int64_t value = -1;
    const auto parsed = std::from_chars(text.data() + i, text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || value < 0 || value > kMostElements / std::max<int64_t>(1, elements)) {
      bad(name, "bad shape");
    }
    elements *= std::max<int64_t>(1, value);
    shape.push_back(value);
    i = static_cast<size_t>(parsed.ptr - text.data());
  }
  return shape;
}

}  // namespace

torch::Tensor parse_npy(std::string_view bytes, const std::string& name) {
  if (!begins(bytes, "\x93NUMPY")) bad(name, "it does not begin as one");
  const auto version = number_at<uint8_t>(bytes, 6);
  const bool long_header = version && *version >= 2;
  const uint64_t start = long_header ? 12 : 10;
  const auto short_length = number_at<uint16_t>(bytes, 8);
  const auto long_length = number_at<uint32_t>(bytes, 8);
  if (!short_length || (long_header && !long_length)) bad(name, "cut off");
  const uint64_t length = long_header ? *long_length : *short_length;
  const auto header = bytes_at(bytes, start, length);
  if (!header) bad(name, "cut off");
  const torch::ScalarType type = type_of(value_after(*header, "'descr'", name), name);
  std::vector<int64_t> shape = shape_of(value_after(*header, "'shape'", name), name);
  const bool by_columns = begins(value_after(*header, "'fortran_order'", name), "True");
  if (by_columns) std::reverse(shape.begin(), shape.end());
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  const auto data = bytes_at(bytes, start + length, static_cast<uint64_t>(count) * c10::elementSize(type));
  if (!data) bad(name, "cut off");
  torch::Tensor array = torch::empty(shape, type);
  if (count > 0) std::memcpy(array.data_ptr(), data->data(), data->size());
  if (!by_columns) return array;
  std::vector<int64_t> order(shape.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(order.size() - 1 - i);
  return array.permute(order).contiguous();
}

WeightsFile parse_npz(std::string_view bytes, const std::string& origin) {
  const ZipArchive archive(bytes, origin);
  WeightsFile file;
  file.origin = origin;
  file.format = "NumPy (.npz)";
  for (const std::string& name : archive.names()) {
    constexpr std::string_view kEnding = ".npy";
    if (!ends(name, kEnding)) continue;
    file.tensors.push_back({name.substr(0, name.size() - kEnding.size()),
                            parse_npy(archive.entry(name), fmt::format("'{}', {}", origin, name))});
  }
  if (file.tensors.empty()) throw InputError(fmt::format("'{}' holds no .npy arrays", origin));
  return file;
}

}  // namespace zsr
