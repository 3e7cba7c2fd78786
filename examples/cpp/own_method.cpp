// Adds a method of one's own to the table and enlarges a photo with it: iterative back-projection (Irani and Peleg,
// "Improving resolution by image registration", CVGIP 1991), which needs no training at all. From the bicubic
// enlargement it adds what the result, made smaller again, lacks against the photo.
//
//     own_method IN.png OUT.png
#include "core/error.h"
#include "image/photo.h"
#include "image/resize.h"
#include "pipeline/methods.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace {

using namespace zsr;

// Root mean square of what `image`, made smaller again, lacks against the photo, in 1/255.
double inconsistency(const torch::Tensor& image, const torch::Tensor& photo, Scale scale) {
  const torch::Tensor small = imresize(image, {1.0 / scale.y, 1.0 / scale.x}, Size{photo.size(2), photo.size(3)});
  return 255.0 * std::sqrt((small - photo).square().mean().item<double>());
}

pipeline::MethodOutput back_project(pipeline::MethodInput& input) {
  const Scale scale = input.request.scale;
  const torch::Tensor& photo = input.color;
  const Size low{photo.size(2), photo.size(3)};
  const Size high = scaled_size(low, scale);
  torch::Tensor image = imresize(photo, scale, high);
  const double before = inconsistency(image, photo, scale);
  for (int64_t i = 0; i < input.request.back_projection.value_or(10); ++i) {
    const torch::Tensor missing = photo - imresize(image, {1.0 / scale.y, 1.0 / scale.x}, low);
    image = (image + imresize(missing, scale, high)).clamp(0.0, 1.0);
  }
  pipeline::MethodOutput output;
  output.image = image;
  output.record = {{"inconsistency", {{"before", before}, {"after", inconsistency(image, photo, scale)}}}};
  return output;
}

std::string describe(const pipeline::Request& request) {
  return fmt::format("back-projection x{}", format_scale(request.scale));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: own_method IN OUT\n");
    return 2;
  }
  try {
    pipeline::add_method({.name = "back-projection",
                          .title = "iterative back-projection (Irani and Peleg 1991)",
                          .settings = {pipeline::Setting::kBackProjection},
                          .run = back_project,
                          .describe = describe});
    pipeline::Request request;
    request.method = "back-projection";
    request.scale = {2.0, 2.0};
    const pipeline::Outcome outcome = pipeline::upscale(load_photo(argv[1]), request);
    WriteOptions write;
    write.format = format_from_name(argv[2]);
    save_photo(outcome.photo, argv[2], write);
    fmt::print("{}\n", outcome.record.dump(2));
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
