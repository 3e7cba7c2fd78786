#pragma once

#include "image/photo.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace zsr {

class ApngPlayer;

/// Reads the pages of a document or the frames of an animation: TIFF, GIF, WebP, animated PNG, HEIC and AVIF. A frame
/// is the whole picture as it is seen at that time.
class PageReader {
 public:
  /// Reads the header. Throws like `read_photo_header`.
  explicit PageReader(std::filesystem::path path, const ReadLimits& limits = {});
  ~PageReader();
  PageReader(const PageReader&) = delete;
  PageReader& operator=(const PageReader&) = delete;

  const Sequence& sequence() const { return sequence_; }
  /// Page `index`, from 0; in rising order animations are decoded once. Throws like `load_photo`, and OptionError where
  /// there is no such page.
  Photo read(int64_t index);

 private:
  std::filesystem::path path_;
  ReadLimits limits_;
  ImageFormat format_ = ImageFormat::kPng;
  Sequence sequence_;
  std::unique_ptr<ApngPlayer> player_;  // of an animated PNG file
};

/// True for formats that hold several pictures: TIFF, and for animations WebP, PNG and GIF.
bool holds_pages(ImageFormat format, bool animated);

/// Collects pictures and writes them as one file.
class PageWriter {
 public:
  /// `sequence` has as many pages as will be added. Throws OptionError where the format does not hold them.
  PageWriter(WriteOptions options, Sequence sequence);
  ~PageWriter();
  PageWriter(const PageWriter&) = delete;
  PageWriter& operator=(const PageWriter&) = delete;

  /// The next page. Frames of an animation must be of one size. Throws OptionError.
  void add(const Photo& page);
  /// Writes the file through an AtomicFile. Of an animation the metadata of the first frame are kept. Errors as
  /// `save_photo`.
  void save(const std::filesystem::path& path);

 private:
  struct Page;
  WriteOptions options_;
  Sequence sequence_;
  std::vector<Page> pages_;
  std::string tiff_;  // the file so far
};

}  // namespace zsr
