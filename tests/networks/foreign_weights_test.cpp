// Files as other people make them: networks of one channel, without biases, without values.
#include "core/error.h"
#include "core/random.h"
#include "image/color.h"
#include "image/resize.h"
#include "inference/enlarge.h"
#include "inference/result_check.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

constexpr const char* kBothColours[] = {
    "edsr",  "mdsr",  "srresnet", "rrdb",       "srvgg",     "imdn",   "rfdn",  "carn", "pan",    "a2001sr", "rlfn",
    "efdn",  "fmen",  "bsrn",     "smfanet",    "safmn",     "span",   "rcan",  "han",  "san",    "msrn",    "rdn",
    "dbpn",  "srfbn", "prosr",    "latticenet", "realplksr", "swinir", "hat",   "dat",  "omnisr", "dsrn",    "rnan",
    "csnln", "esrt",  "ipt",      "dfsa",       "ikc",       "dan",    "danv2", "dasr"};

// As small as the network allows, with drawn weights, under the names of its files.
WeightsFile drawn(const Kind& kind, int64_t channels = 3) {
  std::map<std::string, double> small;
  for (const Field& field : kind.fields) {
    if (field.name.starts_with("width") || field.name == "depth" || field.name == "growth")
      small[field.name] = field.low;
  }
  Config config = kind.configured(kind.all_scales ? 0 : kind.trainable_scales.back(), small);
  config.channels = channels;
  if (kind.name == "edsr" && channels == 1) config.set("color_range", 255.0).set("mean", 1.0);
  const nn::Graph graph = kind.graph(config);
  Random random(3);
  WeightsFile file = nn::to_weights(graph, nn::initial_values(graph, random));
  file.origin = "drawn";
  if (channels == 3) file.metadata = config.to_metadata(kind.name);
  return file;
}

TEST(Luma, NetworksOfOneChannelRunOnLuma) {
  const torch::Tensor photo = test::texture(3, 30, 34).to(torch::kFloat32);
  for (const char* const name : kBothColours) {
    const Kind* const kind = find_kind(name);
    const WeightsFile file = drawn(*kind, 1);
    ASSERT_EQ(recognise(file), kind) << name;
    const auto network = kind->build(file);
    EXPECT_EQ(network->traits().channels, 1) << name;
    const auto scale = static_cast<double>(network->traits().scales.back());
    const torch::Tensor made = inference::enlarge(photo, *network, {.scale = {scale, scale}}).image;
    ASSERT_EQ(made.sizes(),
              (std::vector<int64_t>{1, 3, static_cast<int64_t>(30 * scale), static_cast<int64_t>(34 * scale)}))
        << name;
  }
}

// A network that does nothing to the luma but enlarge it shows what becomes of the colours.
TEST(Luma, ColoursGoByBicubicInterpolation) {
  WeightsFile file = drawn(*find_kind("srvgg"), 1);
  for (NamedTensor& entry : file.tensors) {
    if (entry.name.starts_with("body.4.")) entry.tensor.zero_();  // the last convolution: pixels are repeated
  }
  const auto network = find_kind("srvgg")->build(file);
  const torch::Tensor photo = 0.3 + 0.4 * test::texture(3, 20, 22).to(torch::kFloat32);
  const torch::Tensor ycbcr = rgb_to_ycbcr(photo);
  const torch::Tensor colours = imresize(ycbcr.slice(1, 1), {4.0, 4.0});
  const torch::Tensor luma = torch::upsample_nearest2d(ycbcr.slice(1, 0, 1), {80, 88});
  const torch::Tensor want = ycbcr_to_rgb(torch::cat({luma, colours}, 1)).clamp(0.0, 1.0);
  EXPECT_LT(test::max_difference(inference::enlarge(photo, *network, {.scale = {4.0, 4.0}}).image, want), 1e-5);
}

TEST(Luma, EdsrFindsItsRangeOfColours) {
  const Kind& kind = *find_kind("edsr");
  for (const double range : {1.0, 255.0}) {
    WeightsFile file = drawn(kind, 1);
    // Gray 0.5 is the last bias, as it stands in files of that range.
    for (NamedTensor& entry : file.tensors) entry.tensor.zero_();
    for (NamedTensor& entry : file.tensors) {
      if (entry.name == "tail.1.bias") entry.tensor.fill_(0.5 * range);
      if (entry.name == "tail.1.weight") entry.tensor.fill_(1e-9);
    }
    const Config found = kind.config_of(file);
    EXPECT_EQ(found.number("color_range"), range);
    EXPECT_EQ(found.number("mean"), 0.0);
  }
}

TEST(ForeignWeights, EveryMissingBiasIsNamed) {
  for (const Kind& kind : kinds()) {
    const WeightsFile whole = drawn(kind);
    ASSERT_EQ(recognise(whole), &kind) << kind.name;
    EXPECT_NO_THROW(kind.build(whole)) << kind.name;
    for (const NamedTensor& gone : whole.tensors) {
      if (!gone.name.ends_with(".bias")) continue;
      WeightsFile file = whole;
      std::erase_if(file.tensors, [&](const NamedTensor& entry) { return entry.name == gone.name; });
      const Kind* const known = recognise(file);
      ASSERT_NE(known, nullptr) << kind.name << " " << gone.name;
      try {
        known->build(file);
        ADD_FAILURE() << kind.name << " was read without " << gone.name;
      } catch (const InputError& error) {
        EXPECT_NE(std::string(error.what()).find("no '" + gone.name + "'"), std::string::npos) << error.what();
      }
    }
  }
}

TEST(ForeignWeights, ZeroWeightsAreRefusedWhateverTheBiases) {
  WeightsFile file = drawn(*find_kind("edsr"));
  for (NamedTensor& entry : file.tensors) entry.tensor.fill_(entry.name.ends_with(".bias") ? 1.0 : 0.0);
  EXPECT_THROW(find_kind("edsr")->build(file), InputError);
}

TEST(ResultCheck, NamesWeightsThatMakeAnotherPicture) {
  const torch::Tensor photo = test::texture(3, 40, 44).to(torch::kFloat32);
  const torch::Tensor large = imresize(photo, {2.0, 2.0});
  EXPECT_EQ(inference::doubt_about(photo, large, "w"), "");
  EXPECT_EQ(inference::doubt_about(photo, (large + 0.2 * torch::randn_like(large)), "w"),
            "");  // noise is no other picture
  EXPECT_NE(inference::doubt_about(photo, torch::full_like(large, 0.4), "w").find("'w' is flat"), std::string::npos);
  EXPECT_NE(inference::doubt_about(photo, 1.0 - large, "w").find("'w' is another picture"), std::string::npos);
  const torch::Tensor flat = torch::full({1, 3, 40, 44}, 0.4);
  EXPECT_EQ(inference::doubt_about(flat, torch::full_like(large, 0.4), "w"), "");
}

TEST(ResultCheck, ReachesTheSummary) {
  WeightsFile file = drawn(*find_kind("edsr"));
  file.origin = "flat.pth";
  for (NamedTensor& entry : file.tensors) {
    if (entry.name == "tail.1.weight") entry.tensor.mul_(1e-6);
  }
  const auto network = find_kind("edsr")->build(file);
  const torch::Tensor photo = test::texture(3, 30, 34).to(torch::kFloat32);
  const inference::Result result = inference::enlarge(photo, *network, {.scale = {4.0, 4.0}});
  EXPECT_NE(result.summary.message.find("'flat.pth' is flat"), std::string::npos) << result.summary.message;
}

}  // namespace
}  // namespace zsr::networks
