#pragma once

// Only for the files of this folder that talk to libvips.

#include "image/photo_codec.h"

#include <vips/vips.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace zsr {

struct VipsDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
using ImagePtr = std::unique_ptr<VipsImage, VipsDeleter>;

/// Starts libvips once, with its unhardened loaders off. Throws IoError.
void start_vips();

/// First line of libvips' error text, cleared for the next call.
std::string take_vips_error();

/// All of libvips' error text, one message a line, cleared for the next call.
std::string take_vips_messages();

/// libvips has one error text for all threads. Whoever wants to know which messages its own call left holds this lock
/// from before the call until they are read. Starts libvips.
std::unique_lock<std::recursive_mutex> lock_vips_messages();

/// An image that reads `pixels`, which must stay, with the interpretation that they have. Null when memory is out.
ImagePtr image_of(const PixelBuffer& pixels);

/// What was written to a target in memory; empty when nothing was.
std::string bytes_of(VipsTarget* target);

/// Bytes of the blob `name` of `image`, which must stay; empty when there is none.
std::string_view vips_blob(VipsImage* image, const char* name);

}  // namespace zsr
