#include "image/exr_file.h"

#include "core/error.h"
#include "core/files.h"
#include "image/damaged_photo.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ImfChannelList.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfInputFile.h>
#include <ImfOutputFile.h>
#include <ImfStandardAttributes.h>
#include <ImfStdIO.h>
#include <algorithm>
#include <cmath>
#include <exception>
#include <half.h>

namespace zsr {
namespace {

constexpr int kFloatBits = 32;

Imf::Chromaticities exr_chromaticities(const Chromaticities& colors) {
  const auto point = [&](size_t at) {
    return Imath::V2f(static_cast<float>(colors[at]), static_cast<float>(colors[at + 1]));
  };
  return {point(2), point(4), point(6), point(0)};
}

// Without the attribute a file means BT.709 (OpenEXR's documentation of its standard attributes).
Chromaticities chromaticities_of(const Imf::Header& header) {
  if (!Imf::hasChromaticities(header)) return kBt709;
  const Imf::Chromaticities& stated = Imf::chromaticities(header);
  Chromaticities colors{};
  size_t at = 0;
  for (const Imath::V2f& point : {stated.white, stated.red, stated.green, stated.blue}) {
    colors[at++] = static_cast<double>(point.x);
    colors[at++] = static_cast<double>(point.y);
  }
  // Primaries of some spaces are no colours (the blue of ACES has y < 0).
  const bool sane = std::all_of(colors.begin(), colors.end(), [](double v) { return std::abs(v) < 2.0; });
  const bool divides = colors[1] > 0.0 && colors[3] != 0.0 && colors[5] != 0.0 && colors[7] != 0.0;
  return sane && divides && inverse(rgb_to_xyz(colors)) != Matrix3{} ? as_named(colors) : kBt709;
}

// The names of the channels that make the picture: R, G, B or Y, and A.
std::vector<std::string> picture_channels(const Imf::Header& header, const std::filesystem::path& path) {
  std::vector<std::string> all;
  for (auto it = header.channels().begin(); it != header.channels().end(); ++it) all.emplace_back(it.name());
  const auto has = [&](const char* name) { return header.channels().findChannel(name) != nullptr; };
  std::vector<std::string> chosen;
  if (has("R") && has("G") && has("B")) {
    chosen = {"R", "G", "B"};
  } else if (has("Y") && !has("RY") && !has("BY")) {
    chosen = {"Y"};
  } else {
    all.resize(std::min<size_t>(all.size(), 8));
    throw InputError(
        fmt::format("photo '{}' has the channels {}; zsr reads OpenEXR files with R, G and B, or Y, and A; "
                    "extract a layer first",
                    path.string(), fmt::join(all, ", ")));
  }
  if (has("A")) chosen.emplace_back("A");
  for (const std::string& name : chosen) {
    const Imf::Channel& channel = *header.channels().findChannel(name);
    if (channel.xSampling != 1 || channel.ySampling != 1) {
      throw InputError(
          fmt::format("photo '{}': channel {} is subsampled, which zsr does not read", path.string(), name));
    }
  }
  return chosen;
}

template <typename Work>
auto reading_exr(const std::filesystem::path& path, const Work& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    std::string reason = error.what();
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    throw DamagedPhoto(fmt::format("photo '{}' is damaged or of an unsupported kind: {}", path.string(), reason));
  }
}

// Light that alpha does not dim.
void divide_by_alpha(float* samples, size_t pixels) {
  constexpr size_t kBands = 4;
  for (size_t i = 0; i < pixels; ++i) {
    float* const pixel = samples + kBands * i;
    const float alpha = std::isfinite(pixel[3]) ? std::clamp(pixel[3], 0.0F, 1.0F) : 0.0F;
    pixel[3] = alpha;
    if (alpha <= 0.0F) continue;
    for (size_t c = 0; c < 3; ++c) pixel[c] /= alpha;
  }
}

}  // namespace

std::string encode_exr(const float* planes, int bands, int64_t width, int64_t height, const HdrCoding& coding) {
  const size_t plane = static_cast<size_t>(width) * static_cast<size_t>(height);
  const bool wide = coding.bits == kFloatBits;
  std::vector<half> samples(wide ? 0 : plane * static_cast<size_t>(bands));
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = half(planes[i]);
  try {
    Imf::Header header(static_cast<int>(width), static_cast<int>(height));
    header.compression() = Imf::ZIP_COMPRESSION;
    Imf::addChromaticities(header, exr_chromaticities(coding.primaries));
    Imf::addWhiteLuminance(header, static_cast<float>(coding.white));
    constexpr const char* kNames[] = {"R", "G", "B", "A"};
    const Imf::PixelType type = wide ? Imf::FLOAT : Imf::HALF;
    const size_t size = wide ? sizeof(float) : sizeof(half);
    // OpenEXR only reads what is to be written.
    char* const first =
        wide ? reinterpret_cast<char*>(const_cast<float*>(planes)) : reinterpret_cast<char*>(samples.data());
    Imf::FrameBuffer frame;
    for (int band = 0; band < bands; ++band) {
      header.channels().insert(kNames[band], Imf::Channel(type));
      char* const base = first + plane * static_cast<size_t>(band) * size;
      frame.insert(kNames[band], Imf::Slice(type, base, size, size * static_cast<size_t>(width)));
    }
    Imf::StdOSStream stream;
    {
      Imf::OutputFile file(stream, header);
      file.setFrameBuffer(frame);
      file.writePixels(static_cast<int>(height));
    }
    return stream.str();
  } catch (const std::exception& error) {
    throw IoError(fmt::format("OpenEXR: {}", error.what()));
  }
}

PhotoHeader read_exr_header(const std::filesystem::path& path) {
  return reading_exr(path, [&] {
    const Imf::InputFile file(readable_path(path).c_str());
    const Imf::Header& head = file.header();
    const Imath::Box2i window = head.dataWindow();
    PhotoHeader header;
    header.format = ImageFormat::kExr;
    header.width = int64_t{window.max.x} - window.min.x + 1;
    header.height = int64_t{window.max.y} - window.min.y + 1;
    const std::vector<std::string> channels = picture_channels(head, path);
    header.bands = channels.back() == "A" ? 4 : 3;
    HdrCoding coding{HdrTransfer::kLinear, chromaticities_of(head)};
    coding.bits = 16;
    for (const std::string& name : channels) {
      if (head.channels().findChannel(name)->type != Imf::HALF) coding.bits = kFloatBits;
    }
    if (Imf::hasWhiteLuminance(head)) {
      const auto white = static_cast<double>(Imf::whiteLuminance(head));
      if (white > 0.0 && white <= 10000.0) coding.white = white;
    }
    header.bit_depth = coding.bits;
    header.hdr = coding;
    return header;
  });
}

PixelBuffer decode_exr(const std::filesystem::path& path, std::vector<std::string>& notes) {
  return reading_exr(path, [&] {
    Imf::InputFile file(readable_path(path).c_str());
    const Imf::Header& head = file.header();
    const Imath::Box2i window = head.dataWindow();
    const std::vector<std::string> channels = picture_channels(head, path);
    const bool alpha = channels.back() == "A";
    const int bands = alpha ? 4 : 3;
    PixelBuffer pixels{
        int64_t{window.max.x} - window.min.x + 1, int64_t{window.max.y} - window.min.y + 1, bands, kFloatBits, {}};
    const auto count = static_cast<size_t>(pixels.width * pixels.height);
    pixels.bytes.resize(count * static_cast<size_t>(bands) * sizeof(float));
    auto* const samples = reinterpret_cast<float*>(pixels.bytes.data());
    const size_t step = sizeof(float) * static_cast<size_t>(bands);
    const size_t row = step * static_cast<size_t>(pixels.width);
    // Slices are addressed from the pixel (0, 0), which may lie outside the window.
    char* const origin = reinterpret_cast<char*>(samples) -
                         static_cast<ptrdiff_t>(window.min.x) * static_cast<ptrdiff_t>(step) -
                         static_cast<ptrdiff_t>(window.min.y) * static_cast<ptrdiff_t>(row);
    Imf::FrameBuffer frame;
    const bool gray = channels.front() == "Y";
    for (size_t i = 0; i < channels.size(); ++i) {
      const size_t band = channels[i] == "A" ? 3 : i;
      frame.insert(channels[i], Imf::Slice(Imf::FLOAT, origin + band * sizeof(float), step, row));
    }
    file.setFrameBuffer(frame);
    file.readPixels(window.min.y, window.max.y);
    for (size_t i = 0; gray && i < count; ++i) {
      float* const pixel = samples + static_cast<size_t>(bands) * i;
      pixel[1] = pixel[2] = pixel[0];
    }
    if (alpha) divide_by_alpha(samples, count);
    if (head.displayWindow() != window) {
      notes.push_back(fmt::format("'{}': its data window is not its display window; the result has the data window",
                                  path.string()));
    }
    return pixels;
  });
}

}  // namespace zsr
