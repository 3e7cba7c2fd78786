// Adds a method of one's own to the table and enlarges a photo with it: iterative back-projection (Irani and Peleg,
// "Improving resolution by image registration", CVGIP 1991), which needs no training at all. From the bicubic
// enlargement it adds what the result, made smaller again, lacks against the photo.
//
//     own_method IN.png OUT.png [ITERATIONS]
#include "core/error.h"
#include "image/photo.h"
#include "image/resize.h"
#include "pipeline/methods.h"
#include "pipeline/parameters/parameter.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

namespace {

using namespace zsr;

// Root mean square of what `image`, made smaller again, lacks against the photo, in 1/255.
double inconsistency(const torch::Tensor& image, const torch::Tensor& photo, Scale scale) {
  const torch::Tensor small = imresize(image, {1.0 / scale.y, 1.0 / scale.x}, Size{photo.size(2), photo.size(3)});
  return 255.0 * std::sqrt((small - photo).square().mean().item<double>());
}

// A setting of its own: with a row in the table it is checked, and recorded as given, chosen and used.
std::vector<pipeline::Parameter> own_parameters() {
  return {{.names = "iterations",
           .value = "N",
           .help = "Times that what is missing is added",
           .shown_default = "10",
           .group = "Back-projection",
           .field = "iterations"}};
}

int64_t iterations_of(const pipeline::Request& request) {
  constexpr int64_t kUsual = 10;
  constexpr int64_t kMost = 1000;
  return request.values.has("iterations") ? request.values.whole("iterations", 1, kMost) : kUsual;
}

pipeline::MethodOutput back_project(pipeline::MethodInput& input) {
  const Scale scale = input.request.scale;
  const torch::Tensor& photo = input.color;
  const Size low{photo.size(2), photo.size(3)};
  const Size high = scaled_size(low, scale);
  torch::Tensor image = imresize(photo, scale, high);
  const double before = inconsistency(image, photo, scale);
  const int64_t iterations = iterations_of(input.request);
  for (int64_t i = 0; i < iterations; ++i) {
    const torch::Tensor missing = photo - imresize(image, {1.0 / scale.y, 1.0 / scale.x}, low);
    image = (image + imresize(missing, scale, high)).clamp(0.0, 1.0);
  }
  pipeline::MethodOutput output;
  output.image = image;
  output.record = {{"inconsistency", {{"before", before}, {"after", inconsistency(image, photo, scale)}}}};
  output.used = {{"iterations", iterations}};
  return output;
}

std::string describe(const pipeline::Request& request) {
  return fmt::format("back-projection x{}", format_scale(request.scale));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    fmt::print(stderr, "usage: own_method IN OUT [ITERATIONS]\n");
    return 2;
  }
  try {
    pipeline::add_method({.name = "back-projection",
                          .title = "iterative back-projection (Irani and Peleg 1991)",
                          .settings = {},
                          .run = back_project,
                          .describe = describe,
                          .parameters = own_parameters});
    pipeline::Request request;
    request.method = "back-projection";
    request.scale = {2.0, 2.0};
    if (argc == 4) request.values.set("iterations", argv[3]);
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
