#pragma once

// Only for the files of this folder that talk to libheif.

#include <libheif/heif.h>
#include <memory>

namespace zsr {

template <auto Free>
struct HeifFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <typename T, auto Free>
using HeifPtr = std::unique_ptr<T, HeifFree<Free>>;
using HeifContext = HeifPtr<heif_context, heif_context_free>;
using HeifEncoder = HeifPtr<heif_encoder, heif_encoder_release>;
using HeifImage = HeifPtr<heif_image, heif_image_release>;
using HeifHandle = HeifPtr<heif_image_handle, heif_image_handle_release>;
using HeifColor = HeifPtr<heif_color_profile_nclx, heif_nclx_color_profile_free>;
using HeifOptions = HeifPtr<heif_encoding_options, heif_encoding_options_free>;

/// Starts libheif once, with its plugins.
void start_heif();
/// Throws IoError with libheif's reason.
void check_heif(const heif_error& error);

}  // namespace zsr
