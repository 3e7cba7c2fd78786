// Estimates the blur kernel of a photo for an enlargement by 2.
//
//     estimate_kernel IN.jpg KERNEL.txt
#include "core/error.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"
#include "kernelgan/estimate.h"

#include <fmt/format.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: estimate_kernel PHOTO KERNEL\n");
    return 2;
  }
  try {
    const zsr::Photo photo = zsr::load_photo(argv[1]);
    const zsr::kernelgan::Estimate found = zsr::kernelgan::estimate_kernel(photo.color, {.scale = 2.0});
    fmt::print("sigma {:.2f} and {:.2f} pixels of the result, verdict {}\n", found.sigma_1, found.sigma_2,
               zsr::kernelgan::to_string(found.verdict));
    zsr::save_kernel(found.kernel, argv[2], zsr::KernelConvention::kZssr, zsr::Overwrite::kNo);
  } catch (const zsr::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
