// Another project's use of the installed library: upscale a small image and look at the result's size.
#include <torch/types.h>

#include <cstdio>
#include <zssr/zssr.h>

int main() {
  zsr::zssr::Options options;
  options.max_steps = 2;
  options.width = 16;
  const auto result = zsr::zssr::run(torch::rand({1, 3, 24, 20}), options);
  std::printf("%ldx%ld\n", static_cast<long>(result.image.size(3)), static_cast<long>(result.image.size(2)));
  return result.image.size(2) == 48 && result.image.size(3) == 40 ? 0 : 1;
}
