// Enlarges a photo twice, as `zsr upscale PHOTO -s 2` does.
//
//     upscale_photo IN.jpg OUT.png
#include "core/error.h"
#include "image/photo.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: upscale_photo IN OUT\n");
    return 2;
  }
  try {
    zsr::pipeline::Request request;  // method, kernel and noise are chosen by the photo
    request.scale = {2.0, 2.0};
    const zsr::pipeline::Outcome outcome = zsr::pipeline::upscale(zsr::load_photo(argv[1]), request);
    zsr::WriteOptions write;
    write.format = zsr::format_from_name(argv[2]);
    zsr::save_photo(outcome.photo, argv[2], write);
    fmt::print("{}: {}\n", outcome.method, outcome.record["fields"].dump(2));
    for (const std::string& warning : outcome.warnings) fmt::print(stderr, "warning: {}\n", warning);
  } catch (const zsr::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
