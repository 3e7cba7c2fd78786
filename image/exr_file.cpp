#include "image/exr_file.h"

#include "core/error.h"

#include <fmt/format.h>

#include <ImfChannelList.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfOutputFile.h>
#include <ImfStandardAttributes.h>
#include <ImfStdIO.h>
#include <exception>
#include <half.h>
#include <vector>

namespace zsr {

std::string encode_exr(const float* planes, int bands, int64_t width, int64_t height, double white) {
  const size_t plane = static_cast<size_t>(width) * static_cast<size_t>(height);
  std::vector<half> samples(plane * static_cast<size_t>(bands));
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = half(planes[i]);
  try {
    Imf::Header header(static_cast<int>(width), static_cast<int>(height));
    header.compression() = Imf::ZIP_COMPRESSION;
    const Imath::V2f d65(0.3127F, 0.3290F);
    Imf::addChromaticities(header, {{0.708F, 0.292F}, {0.170F, 0.797F}, {0.131F, 0.046F}, d65});
    Imf::addWhiteLuminance(header, static_cast<float>(white));
    constexpr const char* kNames[] = {"R", "G", "B", "A"};
    Imf::FrameBuffer frame;
    for (int band = 0; band < bands; ++band) {
      header.channels().insert(kNames[band], Imf::Channel(Imf::HALF));
      auto* const base = reinterpret_cast<char*>(samples.data() + plane * static_cast<size_t>(band));
      frame.insert(kNames[band], Imf::Slice(Imf::HALF, base, sizeof(half), sizeof(half) * static_cast<size_t>(width)));
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

}  // namespace zsr
