#include "raw/raw_file.h"

#include "core/error.h"
#include "raw/tiff_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <fstream>
#include <libraw/libraw.h>
#include <memory>

namespace zsr::raw {
namespace {

// A file that LibRaw has opened, and what went wrong while it read.
struct Opened {
  std::unique_ptr<LibRaw> reader = std::make_unique<LibRaw>();
  std::string name;
  bool damaged = false;

  explicit Opened(std::string file) : name(std::move(file)) {
    const data_callback note = &note_damage;
    reader->set_dataerror_handler(note, this);
    reader->imgdata.params.use_camera_wb = 1;
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  const libraw_data_t& data() const { return reader->imgdata; }

 private:
  // LibRaw's releases differ in the type of the offset.
  template <typename Offset>
  static void note_damage(void* self, const char* /*file*/, Offset /*offset*/) {
    static_cast<Opened*>(self)->damaged = true;
  }
};

[[noreturn]] void refuse(const Opened& file, const std::string& why) {
  throw InputError(fmt::format("'{}': {}", file.name, why));
}

constexpr const char* kElsewhere = "develop it with the camera's program and enlarge the result";
constexpr const char* kCutShort = "the raw file is cut short or damaged; copy it again from the camera's card";

void check_result(const Opened& file, int code) {
  if (code == LIBRAW_SUCCESS && !file.damaged) return;
  switch (code) {
    case LIBRAW_FILE_UNSUPPORTED:
      refuse(file,
             "it is not a camera raw file that LibRaw reads, or it is cut short; other photos need no developing: use "
             "zsr upscale "
             "or zsr restore");
    case LIBRAW_UNSUFFICIENT_MEMORY:
    case LIBRAW_TOO_BIG:
      refuse(file, "its header asks for more memory than a photo needs; the file is damaged, or too large");
    case LIBRAW_SUCCESS:
    case LIBRAW_IO_ERROR:
    case LIBRAW_DATA_ERROR:
      refuse(file, kCutShort);
    default:
      refuse(file, fmt::format("LibRaw cannot read it ({}); {}", libraw_strerror(code), kElsewhere));
  }
}

// What the header must say before pixels are unpacked.
void check_header(const Opened& file, const RawLimits& limits) {
  const libraw_data_t& data = file.data();
  const auto& sizes = data.sizes;
  if (data.idata.raw_count > 1) {
    refuse(file, fmt::format("it holds {} shots (multi-shot or pixel shift), which zsr does not join; {}",
                             data.idata.raw_count, kElsewhere));
  }
  const int64_t pixels = int64_t{sizes.raw_width} * sizes.raw_height;
  if (pixels > limits.max_pixels) {
    refuse(file, fmt::format("it has {}x{} pixels, more than --max-pixels {} allows", sizes.raw_width, sizes.raw_height,
                             limits.max_pixels));
  }
  if (data.idata.filters == 0) {
    refuse(file, fmt::format("it is demosaiced already (a linear DNG), or has no mosaic; convert it to TIFF, or {}",
                             kElsewhere));
  }
  const bool inside = sizes.width >= 8 && sizes.height >= 8 && sizes.left_margin + sizes.width <= sizes.raw_width &&
                      sizes.top_margin + sizes.height <= sizes.raw_height;
  if (!inside) {
    refuse(file, fmt::format("its {}x{} pixels do not fit its sensor of {}x{}; the header is damaged", sizes.width,
                             sizes.height, sizes.raw_width, sizes.raw_height));
  }
}

MosaicPattern pattern_of(const Opened& file) {
  const libraw_data_t& data = file.data();
  // 9 stands for X-Trans, numbers above 1000 for tiles of 8 x 2, of which Bayer repeats every 2 x 2.
  const int side = data.idata.filters == 9 ? 6 : 2;
  const char* const kUnknown = "its mosaic is neither Bayer nor X-Trans (red, green, blue), which zsr does not know; ";
  if (data.idata.colors != 3 || (side == 2 && data.idata.filters < 1000))
    refuse(file, kUnknown + std::string(kElsewhere));
  std::array<uint8_t, 36> colors{};
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const int index = file.reader->COLOR(y, x);
      const char letter = index >= 0 && index < 4 ? data.idata.cdesc[index] : '?';
      const int color = letter == 'R' ? 0 : letter == 'G' ? 1 : letter == 'B' ? 2 : -1;
      const auto at = static_cast<size_t>(y % side * side + x % side);
      const bool repeats = y < side && x < side ? true : side == 6 || colors[at] == color;
      if (color < 0 || !repeats) refuse(file, kUnknown + std::string(kElsewhere));
      if (y < side && x < side) colors[at] = static_cast<uint8_t>(color);
    }
  }
  try {
    return MosaicPattern::from_colors(side, colors);
  } catch (const OptionError& error) {
    refuse(file, fmt::format("{}; {}", error.what(), kElsewhere));
  }
}

// Black level at a pixel of the visible part.
class BlackLevels {
 public:
  BlackLevels(const Opened& file) : file_(file), color_(file.data().color) {
    rows_ = color_.cblack[4];
    columns_ = color_.cblack[5];
    const uint64_t cells = uint64_t{rows_} * columns_;
    if (cells > LIBRAW_CBLACK_SIZE - 6) rows_ = columns_ = 0;
  }
  double at(int y, int x) const {
    double level = color_.black;
    level += color_.cblack[file_.reader->COLOR(y, x) & 3];
    if (rows_ > 0 && columns_ > 0) {
      level += color_.cblack[6 + static_cast<unsigned>(y) % rows_ * columns_ + static_cast<unsigned>(x) % columns_];
    }
    return level;
  }

 private:
  const Opened& file_;
  const libraw_colordata_t& color_;
  unsigned rows_ = 0;
  unsigned columns_ = 0;
};

// The visible part between its levels. Throws InputError where they leave no range.
Plane values_of(const Opened& file) {
  const libraw_data_t& data = file.data();
  const auto& sizes = data.sizes;
  const ushort* const raw = data.rawdata.raw_image;
  if (raw == nullptr) {
    refuse(file, fmt::format("it is demosaiced already, or has no mosaic of whole numbers; {}", kElsewhere));
  }
  const BlackLevels black(file);
  const double white = data.color.maximum;
  // The levels repeat with the mosaic's tile and the table of black levels; all of them must leave a range.
  double darkest = 1e9;
  double brightest = 0.0;
  for (int y = 0; y < std::min<int>(sizes.height, 64); ++y) {
    for (int x = 0; x < std::min<int>(sizes.width, 64); ++x) {
      darkest = std::min(darkest, black.at(y, x));
      brightest = std::max(brightest, black.at(y, x));
    }
  }
  if (!(white - brightest >= 16.0)) {
    refuse(file, fmt::format("its black level {:g} and white level {:g} leave no range; the header is damaged",
                             brightest, white));
  }
  Plane values(sizes.height, sizes.width);
  const size_t pitch = sizes.raw_pitch / sizeof(ushort);
  for (int y = 0; y < sizes.height; ++y) {
    const ushort* const row = raw + static_cast<size_t>(y + sizes.top_margin) * pitch + sizes.left_margin;
    float* const out = values.row(y);
    for (int x = 0; x < sizes.width; ++x) {
      const double level = brightest > darkest ? black.at(y, x) : brightest;
      out[x] = static_cast<float>((row[x] - level) / (white - level));
    }
  }
  return values;
}

std::array<double, 3> white_balance_of(const Opened& file, std::vector<std::string>& notes) {
  const auto& color = file.data().color;
  const auto usable = [](const float* gains) {
    return std::all_of(gains, gains + 3, [](float gain) { return std::isfinite(gain) && gain > 0.0F; });
  };
  std::array<double, 3> gains{1.0, 1.0, 1.0};
  const float* source = nullptr;
  if (usable(color.cam_mul)) {
    source = color.cam_mul;
  } else if (usable(color.pre_mul)) {
    source = color.pre_mul;
    notes.push_back("no white balance in the file: that of daylight is taken");
  } else {
    notes.push_back("no white balance in the file: the camera's own colours are taken");
  }
  if (source != nullptr) gains = {source[0], source[1], source[2]};
  const double least = std::min({gains[0], gains[1], gains[2]});
  for (double& gain : gains) gain /= least;
  if (*std::max_element(gains.begin(), gains.end()) > 64.0) {
    refuse(file, "its white balance is out of all proportion; the header is damaged");
  }
  return gains;
}

Matrix matrix_of(const Opened& file, std::vector<std::string>& notes) {
  Matrix matrix = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  const auto& color = file.data().color;
  bool usable = true;
  for (size_t i = 0; i < 3; ++i) {
    double sum = 0.0;
    for (size_t k = 0; k < 3; ++k) sum += color.rgb_cam[i][k];
    usable = usable && std::isfinite(sum) && std::abs(sum) > 0.1;
    for (size_t k = 0; k < 3 && usable; ++k) {
      matrix[i][k] = color.rgb_cam[i][k] / sum;
      usable = std::abs(matrix[i][k]) < 20.0;
    }
  }
  const bool identity = color.cam_xyz[0][0] == 0.0F && color.rgb_cam[0][0] == 1.0F;
  if (!usable || identity) {
    notes.push_back("no colour matrix for this camera: its own colours are taken for sRGB");
    return {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  }
  return matrix;
}

std::string text_of(const char* text, size_t size) {
  std::string result(text, strnlen(text, size));
  std::erase_if(result, [](char letter) { return static_cast<unsigned char>(letter) < 32; });
  return result;
}

ShotData shot_of(const libraw_data_t& data) {
  ShotData shot;
  shot.make = text_of(data.idata.make, sizeof data.idata.make);
  shot.model = text_of(data.idata.model, sizeof data.idata.model);
  shot.lens = text_of(data.lens.Lens, sizeof data.lens.Lens);
  shot.artist = text_of(data.other.artist, sizeof data.other.artist);
  shot.description = text_of(data.other.desc, sizeof data.other.desc);
  const auto number = [](float value) { return std::isfinite(value) && value > 0.0F && value < 4e6F ? value : 0.0F; };
  shot.exposure_s = number(data.other.shutter);
  shot.aperture = number(data.other.aperture);
  shot.focal_length_mm = number(data.other.focal_len);
  shot.iso = number(data.other.iso_speed);
  if (data.other.timestamp > 0) {
    std::tm when{};
    const std::time_t seconds = data.other.timestamp;
    // LibRaw reads the camera's clock as local time.
    if (localtime_r(&seconds, &when) != nullptr && when.tm_year < 8000) {
      shot.time = fmt::format("{:04}:{:02}:{:02} {:02}:{:02}:{:02}", when.tm_year + 1900, when.tm_mon + 1, when.tm_mday,
                              when.tm_hour, when.tm_min, when.tm_sec);
    }
  }
  return shot;
}

// Where LibRaw keeps the most memory that it may take; 0.21 moved it.
unsigned& memory_limit_mb(LibRaw& reader) {
#if LIBRAW_COMPILE_CHECK_VERSION_NOTLESS(0, 21)
  return reader.imgdata.rawparams.max_raw_memory_mb;
#else
  return reader.imgdata.params.max_raw_memory_mb;
#endif
}

// What both ways of reading share: the file is open; its pixels are unpacked and checked.
void unpack(Opened& file, const RawLimits& limits) {
  check_header(file, limits);
  memory_limit_mb(*file.reader) =
      static_cast<unsigned>(std::min<int64_t>(16384, 256 + limits.max_pixels * 8 / (1 << 20)));
  check_result(file, file.reader->unpack());
}

// As EXIF counts, of LibRaw's number.
int orientation_of(const Opened& file) {
  const int flip = file.data().sizes.flip;
  return flip == 3 ? 3 : flip == 5 ? 8 : flip == 6 ? 6 : 1;
}

RawPhoto photo_of(Opened& file, const RawLimits& limits) {
  check_header(file, limits);
  RawPhoto photo;
  photo.pattern = pattern_of(file);
  unpack(file, limits);
  photo.values = values_of(file);
  photo.white_balance = white_balance_of(file, photo.notes);
  photo.camera_to_srgb = matrix_of(file, photo.notes);
  photo.orientation = orientation_of(file);
  photo.shot = shot_of(file.data());
  return photo;
}

void refuse_faulty_fields(const Opened& file, const Bytes& bytes) {
  if (const std::string fault = fault_of_mosaic_fields(bytes); !fault.empty()) refuse(file, fault);
}

void open(Opened& file, const std::filesystem::path& path) {
  if (std::ifstream stream(path, std::ios::binary); stream) {
    refuse_faulty_fields(file, [&](uint64_t offset, size_t size) {
      std::string part(size, '\0');
      stream.clear();
      stream.seekg(static_cast<std::streamoff>(offset));
      stream.read(part.data(), static_cast<std::streamsize>(size));
      part.resize(static_cast<size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
      return part;
    });
  }
  const int code = file.reader->open_file(path.c_str());
  // LibRaw's code for a missing file differs from version to version.
  if (code != LIBRAW_SUCCESS && !std::filesystem::exists(path)) {
    throw IoError(fmt::format("cannot read '{}': no such file", path.string()));
  }
  check_result(file, code);
}

}  // namespace

UprightSize read_raw_size(const std::filesystem::path& path, const RawLimits& limits) {
  Opened file(path.string());
  open(file, path);
  check_header(file, limits);
  const auto& sizes = file.data().sizes;
  const bool turned = orientation_of(file) >= 6;
  return turned ? UprightSize{sizes.height, sizes.width} : UprightSize{sizes.width, sizes.height};
}

RawPhoto read_raw(const std::filesystem::path& path, const RawLimits& limits) {
  Opened file(path.string());
  open(file, path);
  return photo_of(file, limits);
}

RawPhoto read_raw_bytes(std::string_view bytes, const std::string& name, const RawLimits& limits) {
  Opened file(name);
  if (bytes.empty()) refuse(file, "it is empty (0 bytes)");
  refuse_faulty_fields(file, [&](uint64_t offset, size_t size) {
    return offset < bytes.size() ? std::string(bytes.substr(offset, size)) : std::string();
  });
  // LibRaw's parameter is not const; it reads alone.
  check_result(file, file.reader->open_buffer(const_cast<char*>(bytes.data()), bytes.size()));
  return photo_of(file, limits);
}

Rgb demosaic_ahd(const std::filesystem::path& path, const RawLimits& limits) {
  Opened file(path.string());
  open(file, path);
  std::vector<std::string> notes;
  pattern_of(file);
  unpack(file, limits);
  const std::array<double, 3> gains = white_balance_of(file, notes);
  libraw_output_params_t& params = file.reader->imgdata.params;
  for (size_t c = 0; c < 4; ++c) params.user_mul[c] = static_cast<float>(gains[c == 3 ? 1 : c]);
  params.use_camera_wb = 0;
  params.user_qual = 3;
  params.output_color = 0;
  params.output_bps = 16;
  params.gamm[0] = params.gamm[1] = 1.0;
  params.no_auto_bright = 1;
  params.adjust_maximum_thr = 0.0F;
  params.user_flip = 0;
  check_result(file, file.reader->dcraw_process());
  int code = LIBRAW_SUCCESS;
  const std::unique_ptr<libraw_processed_image_t, void (*)(libraw_processed_image_t*)> image(
      file.reader->dcraw_make_mem_image(&code), LibRaw::dcraw_clear_mem);
  check_result(file, code);
  if (image == nullptr || image->colors != 3 || image->bits != 16) refuse(file, "LibRaw did not make colours of it");
  Rgb result{Plane(image->height, image->width), Plane(image->height, image->width),
             Plane(image->height, image->width)};
  const auto* samples = reinterpret_cast<const ushort*>(image->data);
  for (size_t i = 0; i < result[0].values.size(); ++i) {
    for (size_t c = 0; c < 3; ++c) result[c].values[i] = static_cast<float>(samples[3 * i + c]) / 65535.0F;
  }
  return result;
}

}  // namespace zsr::raw
