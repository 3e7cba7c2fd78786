#include "pipeline/mask_file.h"

#include "core/error.h"
#include "image/photo.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::pipeline {

torch::Tensor read_mask(const std::filesystem::path& path, const ReadLimits& limits) {
  return load_photo(path, limits).color.mean(1, true).gt(0.5).to(torch::kFloat32);
}

void write_mask(const torch::Tensor& mask, const std::filesystem::path& path, Overwrite overwrite) {
  WriteOptions write;
  write.format = path.has_extension() ? format_from_name(path) : ImageFormat::kPng;
  if (!is_writable(write.format)) {
    throw OptionError(fmt::format("'{}': {}", path.string(), why_not_writable(write.format)));
  }
  write.overwrite = overwrite;
  Photo photo;
  photo.color = mask;
  save_photo(photo, path, write);
}

}  // namespace zsr::pipeline
