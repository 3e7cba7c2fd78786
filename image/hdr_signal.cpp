#include "image/hdr_signal.h"

#include "core/error.h"
#include "image/heif_read.h"
#include "image/metadata_table.h"
#include "image/png_chunks.h"

#include <fmt/format.h>

namespace zsr {
namespace {

void find_in_png(const std::filesystem::path& path, std::string_view profile, PhotoHeader& header) {
  const std::string chunks = kept_png_chunks(path, true);
  for (const PngChunk& chunk : png_chunks_in(chunks)) {
    if (chunk.type != "cICP" || chunk.data.size() != 4) continue;
    const auto code = [&](size_t at) { return static_cast<int>(big_endian_number(chunk.data, at, 1)); };
    header.hdr = signalled_coding(code(0), code(1));
    header.narrow_range = header.hdr.has_value() && code(3) == 0;
    return;
  }
  header.hdr = coding_of_profile(profile);
}

void find_in_heif(const std::filesystem::path& path, std::string_view profile, PhotoHeader& header) {
  const auto signal = heif_signal(path);
  constexpr int kUnstated = 2;
  if (signal && signal->transfer != kUnstated) {
    header.hdr = signalled_coding(signal->primaries, signal->transfer);
  } else {
    header.hdr = coding_of_profile(profile);
  }
  if (signal && header.hdr) header.bit_depth = signal->bits;
}

HdrCoding linear_coding(const std::filesystem::path& path, std::string_view profile) {
  if (profile.empty()) return {HdrTransfer::kLinear, kBt709};
  const auto primaries = primaries_of_linear_profile(profile);
  if (!primaries) {
    throw InputError(fmt::format(
        "photo '{}' has floating-point samples, and its colour profile is not one of linear light; convert it to "
        "linear light, or to 16 bit integers",
        path.string()));
  }
  return {HdrTransfer::kLinear, *primaries};
}

}  // namespace

void find_hdr(const std::filesystem::path& path, std::string_view profile, PhotoHeader& header) {
  constexpr int kFloat = 32;
  if (header.bit_depth == kFloat) {
    header.hdr = linear_coding(path, profile);
  } else if (header.format == ImageFormat::kPng) {
    find_in_png(path, profile, header);
  } else if (header.format == ImageFormat::kHeif || header.format == ImageFormat::kAvif) {
    find_in_heif(path, profile, header);
  } else {
    header.hdr = coding_of_profile(profile);
  }
  if (header.hdr) header.hdr->bits = header.bit_depth;
}

}  // namespace zsr
