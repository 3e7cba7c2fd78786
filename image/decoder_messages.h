#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zsr {

/// What a decoder said about a file that it decoded.
struct DecoderFindings {
  std::string damage;                 ///< First message that says that pixels are lost or wrong; empty: none.
  std::vector<std::string> oddities;  ///< Messages about harmless irregularities, each once.
};

/// Sorts the messages of libjpeg in libvips' error text, one a line. Bytes skipped before a restart marker belong to
/// pixels and are damage; bytes skipped between other markers, or at the end, are not.
DecoderFindings sort_jpeg_messages(std::string_view text);

}  // namespace zsr
