#include "image/heif_read.h"

#include "core/error.h"
#include "core/files.h"
#include "image/damaged_photo.h"
#include "image/heif_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace zsr {

void start_heif() {
  static const heif_error started = heif_init(nullptr);  // loads the encoders where they are plugins
  (void)started;
}

void check_heif(const heif_error& error) {
  if (error.code != heif_error_Ok) {
    throw IoError(fmt::format("libheif: {}", error.message != nullptr ? error.message : "unknown error"));
  }
}

namespace {

struct OpenHeif {
  HeifContext context;
  HeifHandle handle;  // of the first picture
};

OpenHeif open_heif(const std::filesystem::path& path) {
  start_heif();
  OpenHeif open{HeifContext(heif_context_alloc()), nullptr};
  check_heif(heif_context_read_from_file(open.context.get(), readable_path(path).c_str(), nullptr));
  heif_image_handle* handle = nullptr;
  check_heif(heif_context_get_primary_image_handle(open.context.get(), &handle));
  open.handle.reset(handle);
  return open;
}

// Planes of R, G, B and perhaps alpha. Other requests give the same, converted once more.
HeifImage decode_rgb(heif_image_handle* handle) {
  heif_image* image = nullptr;
  check_heif(heif_decode_image(handle, &image, heif_colorspace_RGB, heif_chroma_444, nullptr));
  return HeifImage(image);
}

void take_signal(const heif_color_profile_nclx& color, HeifSignal& signal) {
  signal.primaries = static_cast<int>(color.color_primaries);
  signal.transfer = static_cast<int>(color.transfer_characteristics);
  signal.matrix = static_cast<int>(color.matrix_coefficients);
}

void read_plane(const heif_image* image, heif_channel channel, const PixelBuffer& pixels, float* out) {
  int stride = 0;
  const uint8_t* const rows = heif_image_get_plane_readonly(image, channel, &stride);
  const int bits = heif_image_get_bits_per_pixel_range(image, channel);
  const bool fits =
      heif_image_get_width(image, channel) == pixels.width && heif_image_get_height(image, channel) == pixels.height;
  if (rows == nullptr || bits < 8 || bits > 16 || !fits) throw IoError("libheif gives planes of an unknown kind");
  const auto peak = static_cast<float>((1 << bits) - 1);
  for (int64_t y = 0; y < pixels.height; ++y) {
    const uint8_t* const row = rows + y * stride;
    for (int64_t x = 0; x < pixels.width; ++x, out += pixels.bands) {
      *out = static_cast<float>(bits > 8 ? reinterpret_cast<const uint16_t*>(row)[x] : row[x]) / peak;
    }
  }
}

// Parts of red and blue in luma; nothing where the planes are no luma and colour differences, or of an unknown kind.
struct LumaParts {
  double red, blue;
};

std::optional<LumaParts> luma_of(int matrix) {
  switch (matrix) {
    case 1:
      return LumaParts{0.2126, 0.0722};
    case 5:
    case 6:
      return LumaParts{0.299, 0.114};
    case 9:
      return LumaParts{0.2627, 0.0593};
    default:
      return std::nullopt;
  }
}

void check_matrix(int matrix, const std::filesystem::path& path) {
  constexpr int kRgb = 0;
  constexpr int kUnstated = 2;
  constexpr int kOfPrimaries = 12;
  if (luma_of(matrix) || matrix == kRgb || matrix == kUnstated || matrix == kOfPrimaries) return;
  throw InputError(
      fmt::format("photo '{}' is HDR with the matrix coefficients {}, which zsr does not read; convert it to RGB first",
                  path.string(), matrix));
}

}  // namespace

std::optional<HeifSignal> heif_signal(const std::filesystem::path& path) {
  try {
    const OpenHeif open = open_heif(path);
    HeifSignal signal;
    signal.bits = std::max(8, heif_image_handle_get_luma_bits_per_pixel(open.handle.get()));
    heif_color_profile_nclx* color = nullptr;
    if (heif_image_handle_get_nclx_color_profile(open.handle.get(), &color).code == heif_error_Ok) {
      take_signal(*HeifColor(color), signal);
    } else if (signal.bits > 8 && heif_image_handle_get_raw_color_profile_size(open.handle.get()) == 0) {
      const HeifImage image = decode_rgb(open.handle.get());
      if (heif_image_get_nclx_color_profile(image.get(), &color).code == heif_error_Ok) {
        take_signal(*HeifColor(color), signal);
      }
    }
    return signal;
  } catch (const IoError&) {
    return std::nullopt;
  }
}

PixelBuffer decode_heif_values(const std::filesystem::path& path, const HeifSignal& signal) {
  check_matrix(signal.matrix, path);
  try {
    const OpenHeif open = open_heif(path);
    const HeifImage image = decode_rgb(open.handle.get());
    const bool alpha = heif_image_has_channel(image.get(), heif_channel_Alpha) != 0;
    PixelBuffer pixels{heif_image_get_width(image.get(), heif_channel_R),
                       heif_image_get_height(image.get(), heif_channel_R),
                       alpha ? 4 : 3,
                       32,
                       {}};
    const auto count = static_cast<size_t>(std::max<int64_t>(0, pixels.width) * std::max<int64_t>(0, pixels.height));
    pixels.bytes.resize(count * static_cast<size_t>(pixels.bands) * sizeof(float));
    auto* const out = reinterpret_cast<float*>(pixels.bytes.data());
    read_plane(image.get(), heif_channel_R, pixels, out);
    read_plane(image.get(), heif_channel_G, pixels, out + 1);
    read_plane(image.get(), heif_channel_B, pixels, out + 2);
    if (alpha) read_plane(image.get(), heif_channel_Alpha, pixels, out + 3);
    interpolate_halved_colour(pixels, signal.bits, signal.matrix);
    return pixels;
  } catch (const IoError& error) {
    throw DamagedPhoto(fmt::format("photo '{}' is damaged or of an unsupported kind: {}", path.string(), error.what()));
  }
}

namespace {

// Luma and colour differences of a picture, and where a channel is at an end of its range, so that they are not known.
class Differences {
 public:
  struct Pixel {
    double luma, cb, cr;
    bool known;
  };
  Differences(PixelBuffer& pixels, const LumaParts& parts)
      : pixels_(pixels), values_(reinterpret_cast<float*>(pixels.bytes.data())), parts_(parts) {}

  Pixel at(int64_t x, int64_t y) const {
    const float* const v = pixel(x, y);
    const double luma = parts_.red * v[0] + (1.0 - parts_.red - parts_.blue) * v[1] + parts_.blue * v[2];
    bool known = true;
    for (int c = 0; c < 3; ++c) known = known && v[c] > 0.0F && v[c] < 1.0F;
    return {luma, (v[2] - luma) / (2.0 * (1.0 - parts_.blue)), (v[0] - luma) / (2.0 * (1.0 - parts_.red)), known};
  }
  void set(int64_t x, int64_t y, const Pixel& made) {
    float* const v = pixel(x, y);
    const double blue = made.luma + 2.0 * (1.0 - parts_.blue) * made.cb;
    const double red = made.luma + 2.0 * (1.0 - parts_.red) * made.cr;
    const double green = (made.luma - parts_.red * red - parts_.blue * blue) / (1.0 - parts_.red - parts_.blue);
    int c = 0;
    for (const double value : {red, green, blue}) v[c++] = static_cast<float>(std::clamp(value, 0.0, 1.0));
  }
  int64_t width() const { return pixels_.width; }
  int64_t height() const { return pixels_.height; }

 private:
  float* pixel(int64_t x, int64_t y) const { return values_ + (y * pixels_.width + x) * pixels_.bands; }

  PixelBuffer& pixels_;
  float* values_;
  LumaParts parts_;
};

// Colour differences of blocks of 2 x `rows` pixels.
struct Blocks {
  int64_t rows, width, height;
  std::vector<double> cb, cr;
  double alike = 0.0;  // the part of the blocks whose pixels have the same colour differences, but for rounding
};

Blocks blocks_of(const Differences& picture, int64_t rows, double most_apart) {
  Blocks made{rows, (picture.width() + 1) / 2, (picture.height() + rows - 1) / rows, {}, {}};
  int64_t seen = 0;
  int64_t alike = 0;
  for (int64_t by = 0; by < made.height; ++by) {
    for (int64_t bx = 0; bx < made.width; ++bx) {
      double sum_b = 0.0, sum_r = 0.0, low_b = 1.0, high_b = -1.0, low_r = 1.0, high_r = -1.0;
      int count = 0;
      const auto take = [&](const Differences::Pixel& p) {
        ++count;
        sum_b += p.cb;
        sum_r += p.cr;
        low_b = std::min(low_b, p.cb);
        high_b = std::max(high_b, p.cb);
        low_r = std::min(low_r, p.cr);
        high_r = std::max(high_r, p.cr);
      };
      Differences::Pixel any{};
      for (int64_t y = by * rows; y < std::min(picture.height(), (by + 1) * rows); ++y) {
        for (int64_t x = bx * 2; x < std::min(picture.width(), bx * 2 + 2); ++x) {
          any = picture.at(x, y);
          if (any.known) take(any);
        }
      }
      if (count > 1) {
        ++seen;
        if (std::max(high_b - low_b, high_r - low_r) <= most_apart) ++alike;
      }
      made.cb.push_back(count > 0 ? sum_b / count : any.cb);
      made.cr.push_back(count > 0 ? sum_r / count : any.cr);
    }
  }
  made.alike = seen > 0 ? static_cast<double>(alike) / static_cast<double>(seen) : 0.0;
  return made;
}

// Between the middles of blocks.
double interpolated(const std::vector<double>& plane, const Blocks& blocks, int64_t x, int64_t y) {
  const auto place = [](int64_t at, int64_t step, int64_t count) {
    const double wanted = (static_cast<double>(at) + 0.5) / static_cast<double>(step) - 0.5;
    return std::clamp(wanted, 0.0, static_cast<double>(count - 1));
  };
  const double px = place(x, 2, blocks.width);
  const double py = place(y, blocks.rows, blocks.height);
  const auto x0 = static_cast<int64_t>(px);
  const auto y0 = static_cast<int64_t>(py);
  const int64_t x1 = std::min(x0 + 1, blocks.width - 1);
  const int64_t y1 = std::min(y0 + 1, blocks.height - 1);
  const auto value = [&](int64_t bx, int64_t by) { return plane[static_cast<size_t>(by * blocks.width + bx)]; };
  const double fx = px - static_cast<double>(x0);
  const double upper = value(x0, y0) + fx * (value(x1, y0) - value(x0, y0));
  const double lower = value(x0, y1) + fx * (value(x1, y1) - value(x0, y1));
  return upper + (py - static_cast<double>(y0)) * (lower - upper);
}

}  // namespace

void interpolate_halved_colour(PixelBuffer& pixels, int bits, int matrix) {
  const auto parts = luma_of(matrix);
  if (!parts || pixels.width < 2 || pixels.height < 2) return;
  // R, G and B are rounded to codes: colour differences of equal samples differ by about one.
  constexpr double kMostApart = 1.6;
  constexpr double kNearlyAll = 0.995;
  const double most_apart = kMostApart / static_cast<double>((1 << bits) - 1);
  Differences picture(pixels, *parts);
  for (const int64_t rows : {2, 1}) {
    const Blocks blocks = blocks_of(picture, rows, most_apart);
    if (blocks.alike < kNearlyAll) continue;
    for (int64_t y = 0; y < pixels.height; ++y) {
      for (int64_t x = 0; x < pixels.width; ++x) {
        const Differences::Pixel pixel = picture.at(x, y);
        if (!pixel.known) continue;
        picture.set(x, y,
                    {pixel.luma, interpolated(blocks.cb, blocks, x, y), interpolated(blocks.cr, blocks, x, y), true});
      }
    }
    return;
  }
}

}  // namespace zsr
