#include "restore/adapt.h"

#include "core/error.h"
#include "degradations/compression.h"
#include "nn/weights/shipped.h"
#include "restore/restore.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::restore {
namespace {

// A photo of 160 x 128 that was compressed last.
torch::Tensor compressed_photo() {
  return jpeg_round_trip(test::texture(3, 160, 128).to(torch::kFloat32).clamp(0.0, 1.0), 30);
}

TEST(Adapt, KeepsWhatTheHeldBackPartConfirms) {
  const networks::Damage damage{0.0, 30.0};
  const WeightsFile weights = shipped_weights("restorer");
  const Adapted adapted = adapt(compressed_photo(), damage, weights, 2, {});
  EXPECT_EQ(adapted.steps, 120);
  EXPECT_EQ(adapted.kept, adapted.after_db >= adapted.before_db + 0.02);
  EXPECT_EQ(adapted.reason.empty(), adapted.kept);
  // The result is a file of the same network; without a gain, the very weights that were given.
  ASSERT_EQ(adapted.weights.tensors.size(), weights.tensors.size());
  double change = 0.0;
  for (const NamedTensor& entry : adapted.weights.tensors) {
    const torch::Tensor before = weights.find(entry.name)->to(torch::kFloat32);
    change += (entry.tensor.to(torch::kFloat32) - before).abs().sum().item<double>();
  }
  EXPECT_EQ(change > 0.0, adapted.kept);
  // The same seed learns the same.
  const Adapted again = adapt(compressed_photo(), damage, weights, 2, {});
  EXPECT_EQ(again.after_db, adapted.after_db);
}

TEST(Adapt, SaysWhyItDoesNotTry) {
  const WeightsFile weights = shipped_weights("restorer");
  const torch::Tensor photo = compressed_photo();
  const Adapted unknown = adapt(photo, {}, weights, 2, {});
  EXPECT_FALSE(unknown.kept);
  EXPECT_NE(unknown.reason.find("no compression"), std::string::npos);
  const Adapted small = adapt(photo.slice(2, 0, 50).contiguous(), {0.0, 30.0}, weights, 4, {});
  EXPECT_FALSE(small.kept);
  EXPECT_NE(small.reason.find("too small"), std::string::npos);
  EXPECT_THROW(adapt(photo, {0.0, 30.0}, weights, 1, {}), OptionError);
  Options options;
  options.scale = {1.0, 1.0};
  options.adapt = true;
  EXPECT_THROW(options.validate(), OptionError);
}

// Both ends move by the same change, so that the detail in between stays a dial.
TEST(Adapt, BothEndsMoveTogether) {
  const Models models = Models::shipped();
  WeightsFile tuned = models.faithful();
  for (NamedTensor& entry : tuned.tensors) entry.tensor = entry.tensor.to(torch::kFloat32) * 1.01;
  const torch::Tensor image = test::texture(3, 24, 24).to(torch::kFloat32).clamp(0.0, 1.0);
  const networks::Input input{image, 2};
  const Models moved = models.moved_to(tuned);
  const torch::Tensor unchanged = models.moved_to(models.faithful()).at(1.0)->forward(input);
  EXPECT_LT((unchanged - models.at(1.0)->forward(input)).abs().max().item<double>(), 1e-4);
  EXPECT_GT((moved.at(1.0)->forward(input) - models.at(1.0)->forward(input)).abs().max().item<double>(), 1e-4);
  EXPECT_GT((moved.at(0.0)->forward(input) - models.at(0.0)->forward(input)).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace zsr::restore
