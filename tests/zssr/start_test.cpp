#include "zssr/start.h"

#include "core/error.h"
#include "degradations/kernel_families.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"
#include "tests/support/test_images.h"
#include "zssr/network.h"
#include "zssr/zssr.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::zssr {
namespace {

TEST(Start, AnEdsrGivesWhatItGivesByItself) {
  const torch::NoGradGuard no_grad;
  for (const int64_t scale : {2, 3, 4}) {
    const WeightsFile file = shipped_weights("edsr-light-x" + std::to_string(scale));
    const auto s = static_cast<double>(scale);
    const Options options =
        with_start(preset("default", {s, s}), std::make_shared<const Start>(Start::from_weights(file)));
    for (const int64_t channels : {1, 3}) {
      const torch::Tensor photo = torch::rand({1, channels, 13, 17});
      const torch::Tensor colors = photo.expand({1, 3, 13, 17}).contiguous();
      const torch::Tensor made = networks::recognise(file)->build(file)->forward({colors, scale});
      const torch::Tensor wanted = channels == 1 ? made.mean(1, true) : made;
      Random random(0);
      const Network network(options, channels, {s, s}, random, torch::kCPU);
      const torch::Tensor base = imresize(photo, {s, s});
      EXPECT_LT(test::max_difference(base + network.residual(photo, base), wanted), 1e-4);
      // The photo need not fill the last pixel of the grid.
      const torch::Tensor shorter = base.slice(2, 0, 13 * scale - 1).contiguous();
      EXPECT_LT(test::max_difference(shorter + network.residual(photo, shorter), wanted.slice(2, 0, 13 * scale - 1)),
                1e-4);
    }
  }
}

TEST(Start, ConsistencyNeedsNoTraining) {
  const torch::Tensor photo = torch::rand({1, 3, 64, 64});
  Options options = with_start(preset("default", {2, 2}), Start::shipped("zssr-start-x2"));
  options.training.max_steps = 0;
  options.output.self_ensemble = false;
  options.kernels = {gaussian_kernel(9, 1.0, 1.0)};
  EXPECT_EQ(start_consistency_db(photo, options), run(photo, options).consistency_db);
  options.start = nullptr;
  EXPECT_THROW(start_consistency_db(photo, options), OptionError);
}

}  // namespace
}  // namespace zsr::zssr
