#pragma once

#include <cstddef>

namespace zsr {

/// Asks the system to back `bytes` of fresh memory, which nothing was written to yet, by large pages where it has them:
/// the first write to each of the usual 4 KB pages interrupts the program, which for images of 100 MB costs as much as
/// a layer of a small network. Does nothing for small memory and on systems without such pages.
void prefer_huge_pages(void* memory, std::size_t bytes);

}  // namespace zsr
