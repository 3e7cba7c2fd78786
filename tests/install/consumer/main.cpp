// Another project's use of the installed library: enlarge a small photo and look at the result's size.
#include <torch/types.h>

#include <cstdio>
#include <pipeline/upscale.h>

int main() {
  zsr::Photo photo;
  photo.color = torch::rand({1, 3, 24, 20});
  zsr::pipeline::Request request;
  request.method = "zssr";
  request.steps = 2;
  request.zssr.channels = 16;
  const zsr::pipeline::Outcome outcome = zsr::pipeline::upscale(photo, request);
  const torch::Tensor& image = outcome.photo.color;
  std::printf("%ldx%ld\n", static_cast<long>(image.size(3)), static_cast<long>(image.size(2)));
  return image.size(2) == 48 && image.size(3) == 40 ? 0 : 1;
}
