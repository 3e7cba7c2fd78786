#include "image/gain_map.h"

#include "core/error.h"
#include "image/jpeg_segments.h"
#include "image/vips_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace zsr {
namespace {

constexpr unsigned kApp1 = 0xE1;
constexpr unsigned kApp2 = 0xE2;
constexpr std::string_view kXmpName{"http://ns.adobe.com/xap/1.0/\0", 29};
constexpr std::string_view kIsoName{"urn:iso:std:iso:ts:21496:-1\0", 28};
constexpr std::string_view kIndexName{"MPF\0", 4};

// Numbers of a TIFF structure, big or little endian; 0 beyond its end.
class TiffNumbers {
 public:
  explicit TiffNumbers(std::string_view bytes) : bytes_(bytes), little_(bytes.starts_with("II")) {}
  bool valid() const {
    return bytes_.starts_with(std::string_view("II*\0", 4)) || bytes_.starts_with(std::string_view("MM\0*", 4));
  }
  uint32_t at(size_t place, size_t size) const {
    if (!little_) return big_endian_number(bytes_, place, size);
    uint32_t value = 0;
    for (size_t i = size; i-- > 0;) {
      const bool inside = place + i < bytes_.size();
      value = value << 8U | (inside ? static_cast<unsigned char>(bytes_[place + i]) : 0U);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_;
};

// Where further pictures begin in the file, and how long they are, by the index of pictures.
std::vector<std::string_view> indexed_pictures(std::string_view file, const JpegSegment& index) {
  constexpr uint32_t kEntriesTag = 0xB002;
  constexpr size_t kEntry = 16;
  constexpr size_t kField = 12;
  constexpr size_t kMostFields = 64;
  constexpr size_t kMostPictures = 16;
  const TiffNumbers numbers(index.data.substr(kIndexName.size()));
  std::vector<std::string_view> pictures;
  if (!numbers.valid()) return pictures;
  const size_t base = index.at + 4 + kIndexName.size();  // offsets count from here
  const size_t directory = numbers.at(4, 4);
  const size_t fields = std::min<size_t>(numbers.at(directory, 2), kMostFields);
  for (size_t i = 0; i < fields; ++i) {
    const size_t field = directory + 2 + kField * i;
    if (numbers.at(field, 2) != kEntriesTag) continue;
    const size_t count = std::min<size_t>(numbers.at(field + 4, 4) / kEntry, kMostPictures);
    const size_t first = numbers.at(field + 8, 4);
    for (size_t k = 1; k < count; ++k) {
      const size_t size = numbers.at(first + kEntry * k + 4, 4);
      const size_t offset = numbers.at(first + kEntry * k + 8, 4);
      const size_t at = base + offset;
      if (offset == 0 || at >= file.size() || size == 0 || size > file.size() - at) continue;
      pictures.push_back(file.substr(at, size));
    }
  }
  return pictures;
}

// The number of an XMP attribute or element `name` behind `from`; 0 where there is none.
size_t xmp_number(std::string_view xmp, std::string_view name, size_t from) {
  const size_t at = xmp.find(name, from);
  if (at == std::string_view::npos) return 0;
  size_t digit = xmp.find_first_of("0123456789", at + name.size());
  constexpr size_t kNear = 8;
  if (digit == std::string_view::npos || digit - at - name.size() > kNear) return 0;
  size_t value = 0;
  constexpr size_t kMost = size_t{1} << 32U;
  for (; digit < xmp.size() && xmp[digit] >= '0' && xmp[digit] <= '9' && value < kMost; ++digit) {
    value = 10 * value + static_cast<size_t>(xmp[digit] - '0');
  }
  return value;
}

// The map as the last picture of the file, of the length that the XMP of the first states.
std::string_view picture_by_length(std::string_view file, std::string_view xmp) {
  const size_t item = xmp.find("\"GainMap\"");
  if (item == std::string_view::npos) return {};
  const size_t length = xmp_number(xmp, "Item:Length", item);
  return length > 0 && length < file.size() ? file.substr(file.size() - length) : std::string_view();
}

struct MapTexts {
  std::string_view xmp, iso;
  bool empty() const { return xmp.empty() && iso.empty(); }
};

MapTexts texts_of_map(std::string_view jpeg) {
  // Version numbers alone, as the first picture has them, are no parameters.
  constexpr size_t kIsoVersions = 4;
  MapTexts texts;
  for (const JpegSegment& segment : jpeg_segments(jpeg)) {
    if (segment.is(kApp1, kXmpName) && segment.data.find("hdrgm:GainMapMax") != std::string_view::npos) {
      texts.xmp = segment.data.substr(kXmpName.size());
    } else if (segment.is(kApp2, kIsoName) && segment.data.size() > kIsoName.size() + kIsoVersions) {
      texts.iso = segment.data;
    }
  }
  return texts;
}

// Empty where it cannot be decoded; `problem` says why.
std::optional<PixelBuffer> decode_map(std::string_view jpeg, int orientation, int64_t max_pixels,
                                      std::string& problem) {
  const auto lock = lock_vips_messages();
  ImagePtr image(vips_image_new_from_buffer(jpeg.data(), jpeg.size(), "", "fail_on", VIPS_FAIL_ON_ERROR, nullptr));
  if (!image) {
    problem = take_vips_error();
    return std::nullopt;
  }
  const int64_t width = vips_image_get_width(image.get());
  const int64_t height = vips_image_get_height(image.get());
  const int bands = vips_image_get_bands(image.get());
  if (width > max_pixels / std::max<int64_t>(1, height) || (bands != 1 && bands != 3) ||
      vips_image_get_format(image.get()) != VIPS_FORMAT_UCHAR) {
    problem = fmt::format("it is {}x{} with {} channels", width, height, bands);
    return std::nullopt;
  }
  VipsImage* copy = nullptr;
  VipsImage* upright = nullptr;
  if (vips_copy(image.get(), &copy, nullptr) != 0) return std::nullopt;
  const ImagePtr turned(copy);
  vips_image_set_int(copy, VIPS_META_ORIENTATION, orientation);
  if (vips_autorot(copy, &upright, nullptr) != 0) return std::nullopt;
  const ImagePtr owner(upright);
  size_t size = 0;
  void* const memory = vips_image_write_to_memory(upright, &size);
  if (memory == nullptr) {
    problem = take_vips_error();
    return std::nullopt;
  }
  PixelBuffer pixels{vips_image_get_width(upright), vips_image_get_height(upright), bands, 8, {}};
  pixels.bytes.assign(static_cast<uint8_t*>(memory), static_cast<uint8_t*>(memory) + size);
  g_free(memory);
  return pixels;
}

// A segment with its marker and length.
std::string segment(unsigned marker, std::string_view data) {
  constexpr size_t kMost = 65533;
  if (data.size() > kMost)
    throw IoError("the XMP data of the photo leave no room for its gain map; --strip leaves both out");
  const size_t length = data.size() + 2;
  return std::string("\xFF") + static_cast<char>(marker) + static_cast<char>(length >> 8U) +
         static_cast<char>(length & 0xFFU) + std::string(data);
}

// What names the map in the XMP of the first picture.
std::string directory_text(size_t map_size) {
  return fmt::format(
      "<rdf:Description rdf:about=\"\" xmlns:Container=\"http://ns.google.com/photos/1.0/container/\" "
      "xmlns:Item=\"http://ns.google.com/photos/1.0/container/item/\" "
      "xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\"><Container:Directory><rdf:Seq>"
      "<rdf:li rdf:parseType=\"Resource\"><Container:Item Item:Semantic=\"Primary\" Item:Mime=\"image/jpeg\"/></rdf:li>"
      "<rdf:li rdf:parseType=\"Resource\"><Container:Item Item:Semantic=\"GainMap\" Item:Mime=\"image/jpeg\" "
      "Item:Length=\"{}\"/></rdf:li></rdf:Seq></Container:Directory></rdf:Description>",
      map_size);
}

std::string xmp_with_directory(std::string xmp, size_t map_size) {
  constexpr std::string_view kEnd = "</rdf:RDF>";
  const size_t end = xmp.rfind(kEnd);
  if (end == std::string::npos) {
    xmp = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">" +
          directory_text(map_size) + "</rdf:RDF></x:xmpmeta>";
    return xmp;
  }
  xmp.insert(end, directory_text(map_size));
  return xmp;
}

// The index of two pictures, big endian (CIPA DC-007, 5.2); `offset` of the second counts from the index's own "MM".
std::string index_of_pictures(size_t first_size, size_t map_size, size_t offset) {
  std::string out(kIndexName);
  const auto put = [&](size_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
  };
  constexpr size_t kEntries = 8 + 2 + 3 * 12 + 4;
  out += std::string("MM\0*", 4);
  put(8, 4);
  put(3, 2);  // fields
  put(0xB000, 2), put(7, 2), put(4, 4);
  out += "0100";
  put(0xB001, 2), put(4, 2), put(1, 4), put(2, 4);
  put(0xB002, 2), put(7, 2), put(32, 4), put(kEntries, 4);
  put(0, 4);
  constexpr size_t kPrimary = 0x030000;  // the representative picture
  put(kPrimary, 4), put(first_size, 4), put(0, 4), put(0, 4);
  put(0, 4), put(map_size, 4), put(offset, 4), put(0, 4);
  return out;
}

std::string map_file(const GainMap& map, int quality) {
  std::string jpeg = encode_to_memory(map.pixels, nullptr, ImageFormat::kJpeg, {.quality = quality});
  std::string texts;
  if (!map.xmp.empty()) texts += segment(kApp1, std::string(kXmpName) + map.xmp);
  if (!map.iso.empty()) texts += segment(kApp2, map.iso);
  constexpr unsigned kApp0 = 0xE0;
  size_t at = 2;
  for (const JpegSegment& part : jpeg_segments(jpeg)) {
    if (part.marker == kApp0) at = part.end();
  }
  return jpeg.insert(at, texts);
}

}  // namespace

std::optional<GainMap> read_gain_map(std::string_view file, int orientation, int64_t max_pixels, std::string& problem) {
  std::vector<std::string_view> pictures;
  std::string_view xmp;
  for (const JpegSegment& part : jpeg_segments(file)) {
    if (part.is(kApp2, kIndexName)) pictures = indexed_pictures(file, part);
    if (part.is(kApp1, kXmpName)) xmp = part.data.substr(kXmpName.size());
  }
  const bool mentioned = xmp.find("hdrgm:Version") != std::string_view::npos;
  if (mentioned) pictures.push_back(picture_by_length(file, xmp));
  for (const std::string_view picture : pictures) {
    const MapTexts texts = texts_of_map(picture);
    if (texts.empty()) continue;
    if (auto pixels = decode_map(picture, orientation, max_pixels, problem)) {
      return GainMap{std::move(*pixels), std::string(texts.xmp), std::string(texts.iso)};
    }
    return std::nullopt;
  }
  if (mentioned) problem = "it is not where the file says";
  return std::nullopt;
}

std::string with_gain_map(const std::string& jpeg, const GainMap& map, int quality) {
  const std::string second = map_file(map, quality);
  std::string xmp;
  std::string first = jpeg;
  size_t at = 2;
  for (const JpegSegment& part : jpeg_segments(jpeg)) {
    if (!part.is(kApp1, kXmpName)) continue;
    xmp = part.data.substr(kXmpName.size());
    first.erase(part.at, part.end() - part.at);
    break;
  }
  for (const JpegSegment& part : jpeg_segments(first)) {
    constexpr unsigned kLastApp = 0xEF;
    if (part.marker >= 0xE0 && part.marker <= kLastApp) at = part.end();
  }
  std::string texts = segment(kApp1, std::string(kXmpName) + xmp_with_directory(xmp, second.size()));
  if (!map.iso.empty()) texts += segment(kApp2, std::string(kIsoName) + std::string(4, '\0'));
  const size_t index_at = at + texts.size() + 4 + kIndexName.size();
  const size_t index_size = segment(kApp2, index_of_pictures(0, 0, 0)).size();
  const size_t first_size = first.size() + texts.size() + index_size;
  texts += segment(kApp2, index_of_pictures(first_size, second.size(), first_size - index_at));
  return first.insert(at, texts) + second;
}

}  // namespace zsr
