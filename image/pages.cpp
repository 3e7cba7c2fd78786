#include "image/pages.h"

#include "core/error.h"
#include "core/files.h"
#include "image/apng.h"
#include "image/pixel_planes.h"
#include "image/tiff_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zsr {

PageReader::PageReader(std::filesystem::path path, const ReadLimits& limits) : path_(std::move(path)), limits_(limits) {
  const PhotoHeader header = read_photo_header(path_);
  format_ = header.format;
  sequence_ = header.sequence;
}

PageReader::~PageReader() = default;

Photo PageReader::read(int64_t index) {
  if (index < 0 || index >= sequence_.pages) {
    throw OptionError(fmt::format("'{}' has {} page{}, there is no page {}", path_.string(), sequence_.pages,
                                  sequence_.pages == 1 ? "" : "s", index + 1));
  }
  // libvips reads only the first picture of a PNG file.
  const bool played = format_ == ImageFormat::kPng && sequence_.animated();
  ReadLimits limits = limits_;
  limits.page = played ? 0 : index;
  Photo photo = load_photo(path_, limits);
  if (!played) return photo;
  if (!player_) player_ = std::make_unique<ApngPlayer>(path_);
  set_planes(photo, player_->frame(index));
  return photo;
}

bool holds_pages(ImageFormat format, bool animated) {
  if (format == ImageFormat::kTiff) return true;
  return animated && (format == ImageFormat::kWebp || format == ImageFormat::kPng || format == ImageFormat::kGif);
}

struct PageWriter::Page {
  PixelBuffer pixels;
  std::shared_ptr<const PhotoMetadata> metadata;
  bool has_alpha() const { return pixels.bands % 2 == 0; }
  bool has_color() const { return pixels.bands >= 3; }
};

PageWriter::PageWriter(WriteOptions options, Sequence sequence)
    : options_(std::move(options)), sequence_(std::move(sequence)) {
  if (!is_writable(options_.format)) throw OptionError(why_not_writable(options_.format));
  if (!holds_pages(options_.format, sequence_.animated())) {
    throw OptionError(fmt::format("a {} file does not hold {}; use {}", to_string(options_.format),
                                  sequence_.animated() ? "an animation" : "several pages",
                                  sequence_.animated() ? ".webp, .png, .gif or .tif" : ".tif"));
  }
}

PageWriter::~PageWriter() = default;

void PageWriter::add(const Photo& page) {
  const int wanted = options_.bit_depth == 0 ? page.bit_depth : options_.bit_depth;
  const int bit_depth = std::min(wanted, max_bit_depth(options_.format));
  const torch::Tensor image = page.alpha.defined() ? torch::cat({page.color, page.alpha}, 1) : page.color;
  PixelBuffer pixels = pixels_of(image, bit_depth);
  if (options_.format == ImageFormat::kTiff) {
    append_tiff_page(tiff_, encode_to_memory(pixels, page.metadata.get(), options_.format, options_.encode));
    return;
  }
  if (!pages_.empty() && (pixels.width != pages_[0].pixels.width || pixels.height != pages_[0].pixels.height)) {
    throw OptionError("the frames of an animation must be of one size");
  }
  pages_.push_back({std::move(pixels), page.metadata});
}

void PageWriter::save(const std::filesystem::path& path) {
  AtomicFile file(path, options_.overwrite);
  if (options_.format == ImageFormat::kTiff) {
    write_all(file.descriptor(), tiff_, path);
    file.commit();
    return;
  }
  // Frames have one kind of pixels: colour where one has it, alpha likewise.
  const bool alpha = std::any_of(pages_.begin(), pages_.end(), [](const Page& page) { return page.has_alpha(); });
  const bool color = std::any_of(pages_.begin(), pages_.end(), [](const Page& page) { return page.has_color(); });
  const auto alike = [&](const Page& page) {
    const torch::Tensor image = planes_of(page.pixels);
    const int64_t bands = page.pixels.bands - (page.has_alpha() ? 1 : 0);
    std::vector<torch::Tensor> parts{image.slice(1, 0, bands)};
    if (color && bands == 1) parts[0] = parts[0].expand({1, 3, -1, -1});
    if (alpha) parts.push_back(page.has_alpha() ? image.slice(1, bands) : torch::ones_like(image.slice(1, 0, 1)));
    return torch::cat(parts, 1);
  };
  const int bit_depth = pages_.at(0).pixels.bit_depth;
  const PhotoMetadata* const metadata = pages_[0].metadata.get();
  if (options_.format == ImageFormat::kPng) {
    std::vector<std::string> frames;
    for (const Page& page : pages_) {
      const bool first = frames.empty();
      frames.push_back(encode_to_memory(pixels_of(alike(page), bit_depth), first ? metadata : nullptr, options_.format,
                                        options_.encode));
    }
    write_all(file.descriptor(), encode_apng(frames, sequence_), path);
  } else {
    PixelBuffer stack;
    for (const Page& page : pages_) {
      PixelBuffer pixels = pixels_of(alike(page), bit_depth);
      if (stack.bytes.empty()) {
        stack = std::move(pixels);
        continue;
      }
      stack.height += pixels.height;
      stack.bytes.insert(stack.bytes.end(), pixels.bytes.begin(), pixels.bytes.end());
    }
    EncodeOptions encode = options_.encode;
    encode.sequence = sequence_;
    encode_photo(stack, metadata, options_.format, encode, path, file.descriptor());
  }
  file.commit();
}

}  // namespace zsr
