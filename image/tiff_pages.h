#pragma once

#include <string>

namespace zsr {

/// Adds `page`, a whole little-endian classic TIFF file of one picture, as the last page of such a file. Empty `file`
/// becomes `page`. Throws OptionError where the file would pass 4 GiB, InputError where one of both is of another kind.
void append_tiff_page(std::string& file, const std::string& page);

}  // namespace zsr
