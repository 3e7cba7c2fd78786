#include "nn/weights/mat_file.h"

#include "core/error.h"
#include "nn/weights/byte_reader.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <map>
#include <zlib.h>

namespace zsr {
namespace {

// Layout: "MAT-File Format" (The MathWorks, 2019), chapter 1: a header of 128 bytes, then elements of a tag (type and
// length) and data that begins and ends at multiples of 8.
constexpr uint64_t kHeader = 128;
constexpr uint64_t kMaxInflated = uint64_t{1} << 32;
constexpr int kMaxDepth = 8;
constexpr size_t kMaxArrays = 100'000;
constexpr int64_t kMaxDims = 8;
constexpr size_t kLongestText = 64;

enum ElementType : uint32_t {
  kInt8 = 1,
  kUint8 = 2,
  kInt16 = 3,
  kUint16 = 4,
  kInt32 = 5,
  kUint32 = 6,
  kSingle = 7,
  kDouble = 9,
  kInt64 = 12,
  kUint64 = 13,
  kMatrix = 14,
  kCompressed = 15,
};
enum ArrayClass : uint8_t { kCell = 1, kStruct = 2, kChar = 4, kFirstNumeric = 6, kLastNumeric = 15 };

struct Element {
  uint32_t type = 0;
  std::string_view data;
};

class Parser {
 public:
  explicit Parser(const std::string& origin) : origin_(origin) {}

  // MatConvNet's parameters are structs with a name and a value: these are called "....<name>".
  void name_values(WeightsFile& file) const {
    constexpr std::string_view kValue = ".value";
    for (NamedTensor& entry : file.tensors) {
      const size_t bracket = entry.name.rfind('(');
      if (bracket == std::string::npos || !entry.name.ends_with(kValue)) continue;
      const auto found = texts_.find(entry.name.substr(0, entry.name.size() - kValue.size()) + ".name");
      if (found != texts_.end()) entry.name = entry.name.substr(0, bracket) + "." + found->second;
    }
  }

  void top(std::string_view bytes, WeightsFile& file) {
    uint64_t position = 0;
    // What is left after the last element is padding.
    while (position + 8 <= bytes.size()) {
      const Element element = next(bytes, position);
      if (element.type == kCompressed) {
        const std::string plain = inflated(element.data);
        uint64_t inside = 0;
        const Element matrix = next(plain, inside);
        if (matrix.type == kMatrix) array(matrix.data, "", 0, file);
      } else if (element.type == kMatrix) {
        array(element.data, "", 0, file);
      }
    }
  }

 private:
  [[noreturn]] void damaged(const std::string& why) const {
    throw InputError(fmt::format("'{}' is a damaged MATLAB file: {}", origin_, why));
  }

  // The element at `position`, which moves behind it.
  Element next(std::string_view bytes, uint64_t& position) const {
    const auto word = number_at<uint32_t>(bytes, position);
    const auto second = number_at<uint32_t>(bytes, position + 4);
    if (!word || !second) damaged("it was cut");
    // Up to four bytes may lie in the tag itself.
    const uint32_t small = *word >> 16;
    if (small != 0) {
      if (small > 4) damaged("a small element is not small");
      const Element element{*word & 0xffff, bytes.substr(position + 4, small)};
      position += 8;
      return element;
    }
    const auto data = bytes_at(bytes, position + 8, *second);
    if (!data) damaged("an element reaches beyond its end; it was cut");
    position += 8 + *second;
    if (*word != kCompressed) position = (position + 7) / 8 * 8;
    return {*word, *data};
  }

  std::string inflated(std::string_view packed) const {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) damaged("zlib does not start");
    const auto limit = std::min<uint64_t>(kMaxInflated, 64 * packed.size() + 4096);
    std::string plain;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    int status = Z_OK;
    while (status == Z_OK && plain.size() < limit) {
      const size_t before = plain.size();
      plain.resize(std::min<uint64_t>(limit, before + (size_t{1} << 20)));
      stream.next_out = reinterpret_cast<Bytef*>(plain.data() + before);
      stream.avail_out = static_cast<uInt>(plain.size() - before);
      status = inflate(&stream, Z_NO_FLUSH);
      plain.resize(plain.size() - stream.avail_out);
      if (status == Z_BUF_ERROR || plain.size() == before) break;
    }
    inflateEnd(&stream);
    if (status != Z_STREAM_END) damaged("compressed data that does not end or grows past 64 times its size");
    return plain;
  }

  void array(std::string_view bytes, std::string name, int depth, WeightsFile& file) {
    if (bytes.empty()) return;  // an empty cell
    if (depth > kMaxDepth) damaged("structs nested too deeply");
    uint64_t position = 0;
    const Element flags = next(bytes, position);
    const auto word = number_at<uint32_t>(flags.data, 0);
    if (flags.type != kUint32 || !word) damaged("an array without flags");
    const auto array_class = static_cast<uint8_t>(*word & 0xff);
    const bool complex = (*word >> 11 & 1) != 0;
    if (array_class == 16 || array_class == 17) return;  // function handles and opaque objects have another layout
    const std::vector<int64_t> dims = dimensions(next(bytes, position));
    const Element own_name = next(bytes, position);
    if (name.empty()) name = std::string(own_name.data.substr(0, 64));
    // Each cell and each struct takes eight bytes at least.
    const bool holds_arrays = array_class == kCell || array_class == kStruct;
    if (holds_arrays && static_cast<uint64_t>(count(dims)) > bytes.size() / 8) damaged("more parts than it has bytes");
    if (array_class == kCell) {
      for (int64_t i = 0; i < count(dims); ++i)
        child(bytes, position, fmt::format("{}{{{}}}", name, i + 1), depth, file);
    } else if (array_class == kStruct) {
      fields(bytes, position, count(dims), name, depth, file);
    } else if (array_class == kChar && name.ends_with(".name")) {
      text(next(bytes, position), name);
    } else if (array_class >= kFirstNumeric && array_class <= kLastNumeric && !complex) {
      numbers(next(bytes, position), dims, name, file);
    }
  }

  void child(std::string_view bytes, uint64_t& position, const std::string& name, int depth, WeightsFile& file) {
    const Element element = next(bytes, position);
    if (element.type != kMatrix) damaged(fmt::format("'{}' is no array", name));
    array(element.data, name, depth + 1, file);
  }

  void fields(std::string_view bytes, uint64_t& position, int64_t elements, const std::string& name, int depth,
              WeightsFile& file) {
    const Element length = next(bytes, position);
    const auto width = number_at<int32_t>(length.data, 0);
    const Element names = next(bytes, position);
    constexpr int32_t kLongest = 256;
    if (!width || *width < 1 || *width > kLongest) damaged("a struct without field names");
    const auto each = static_cast<size_t>(*width);
    const size_t total = names.data.size() / each;
    for (int64_t e = 0; e < elements; ++e) {
      for (size_t f = 0; f < total; ++f) {
        const std::string_view padded = names.data.substr(f * each, each);
        const std::string field(padded.substr(0, padded.find('\0')));
        child(bytes, position,
              elements == 1 ? fmt::format("{}.{}", name, field) : fmt::format("{}({}).{}", name, e + 1, field), depth,
              file);
      }
    }
  }

  std::vector<int64_t> dimensions(const Element& element) const {
    const auto n = static_cast<int64_t>(element.data.size() / 4);
    if (element.type != kInt32 || n < 2 || n > kMaxDims) damaged("an array without dimensions");
    std::vector<int64_t> dims;
    int64_t product = 1;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t length = *number_at<int32_t>(element.data, static_cast<uint64_t>(4 * i));
      if (length < 0 || (length > 0 && product > (int64_t{1} << 40) / length)) damaged("impossible dimensions");
      product *= length;
      dims.push_back(length);
    }
    return dims;
  }

  static int64_t count(const std::vector<int64_t>& dims) {
    int64_t product = 1;
    for (const int64_t length : dims) product *= length;
    return product;
  }

  // Numbers are stored as the smallest type that holds them, whatever the array's class.
  void numbers(const Element& element, const std::vector<int64_t>& dims, const std::string& name, WeightsFile& file) {
    const auto [type, width] = [&]() -> std::pair<torch::Dtype, uint64_t> {
      switch (element.type) {
        case kInt8:
          return {torch::kInt8, 1};
        case kUint8:
          return {torch::kUInt8, 1};
        case kInt16:
          return {torch::kInt16, 2};
        case kInt32:
          return {torch::kInt32, 4};
        case kSingle:
          return {torch::kFloat32, 4};
        case kDouble:
          return {torch::kFloat64, 8};
        case kInt64:
          return {torch::kInt64, 8};
        default:
          return {torch::kFloat64, 0};
      }
    }();
    if (width == 0) return;  // unsigned ones of 16 and more bits: no weights, and torch has no such type
    const auto wanted = static_cast<uint64_t>(count(dims));
    if (element.data.size() / width < wanted) damaged(fmt::format("'{}' has fewer numbers than it says", name));
    if (file.tensors.size() >= kMaxArrays) damaged("too many arrays");
    // By columns: the dimensions backwards, then turned round.
    const std::vector<int64_t> reversed(dims.rbegin(), dims.rend());
    torch::Tensor values = torch::empty(reversed, type);
    if (wanted > 0) std::copy_n(element.data.data(), wanted * width, static_cast<char*>(values.data_ptr()));
    std::vector<int64_t> order;
    for (auto i = static_cast<int64_t>(dims.size()) - 1; i >= 0; --i) order.push_back(i);
    file.tensors.push_back({name, values.permute(order).contiguous()});
  }

  // Printable ASCII only, one or two bytes a character.
  void text(const Element& element, const std::string& name) {
    const size_t width = element.type == kUint16 ? 2 : 1;
    std::string letters;
    for (size_t i = 0; i < element.data.size() && letters.size() < kLongestText; i += width) {
      const char letter = element.data[i];
      if (letter <= ' ' || letter > '~') return;
      letters += letter;
    }
    if (!letters.empty() && texts_.size() < kMaxArrays) texts_[name] = letters;
  }

  const std::string& origin_;
  std::map<std::string, std::string> texts_;
};

}  // namespace

WeightsFile parse_mat(std::string_view bytes, const std::string& origin) {
  if (bytes.size() < kHeader) throw InputError(fmt::format("'{}' is a damaged MATLAB file: too short", origin));
  const std::string_view order = bytes.substr(126, 2);
  if (order == "MI") throw InputError(fmt::format("'{}' is a big-endian MATLAB file; save it again with -v6", origin));
  if (order != "IM") throw InputError(fmt::format("'{}' is no MATLAB v5 file", origin));
  WeightsFile file{origin, "MATLAB v5", {}, {}};
  Parser parser(origin);
  parser.top(bytes.substr(kHeader), file);
  parser.name_values(file);
  if (file.tensors.empty()) throw InputError(fmt::format("'{}' holds no numeric array", origin));
  return file;
}

}  // namespace zsr
