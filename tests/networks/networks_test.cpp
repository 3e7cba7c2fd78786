#include "core/error.h"
#include "image/dihedral.h"
#include "inference/enlarge.h"
#include "inference/self_ensemble.h"
#include "networks/registry.h"
#include "nn/kernels/conv_chain.h"
#include "tests/support/test_images.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::networks {
namespace {

// Random weights under given names; He's variance, so that signals keep their size.
class Made {
 public:
  Made() { torch::manual_seed(11); }
  Made& conv(const std::string& name, int64_t out, int64_t in, int64_t side, bool bias = true) {
    const double fan = static_cast<double>(in * side * side);
    file.tensors.push_back({name + ".weight", torch::randn({out, in, side, side}) * std::sqrt(1.0 / fan)});
    if (bias) file.tensors.push_back({name + ".bias", 0.01 * torch::randn({out})});
    return *this;
  }
  Made& values(const std::string& name, int64_t count, double value) {
    file.tensors.push_back({name, torch::full({count}, value)});
    return *this;
  }
  WeightsFile file{"made", "test", {}, {}};
};

WeightsFile edsr_weights(int64_t blocks, int64_t width, int64_t scale) {
  Made made;
  made.conv("head.0", width, 3, 3);
  for (int64_t i = 0; i < blocks; ++i) {
    made.conv(fmt::format("body.{}.body.0", i), width, width, 3)
        .conv(fmt::format("body.{}.body.2", i), width, width, 3);
  }
  made.conv(fmt::format("body.{}", blocks), width, width, 3);
  if (scale == 3) {
    made.conv("tail.0.0", 9 * width, width, 3);
  } else {
    for (int64_t i = 0; i < (scale == 4 ? 2 : 1); ++i) made.conv(fmt::format("tail.0.{}", 2 * i), 4 * width, width, 3);
  }
  made.conv("tail.1", 3, width, 3);
  return made.file;
}

WeightsFile srvgg_weights(int64_t scale) {
  Made made;
  for (int64_t i = 0; i < 4; ++i) {
    made.conv(fmt::format("body.{}", 2 * i), 16, i == 0 ? 3 : 16, 3);
    made.values(fmt::format("body.{}.weight", 2 * i + 1), 16, 0.2);
  }
  made.conv("body.8", 3 * scale * scale, 16, 3);
  return made.file;
}

WeightsFile imdn_weights(int64_t scale) {
  Made made;
  made.conv("fea_conv", 64, 3, 3);
  for (int64_t i = 1; i <= 6; ++i) {
    const std::string name = fmt::format("IMDB{}.", i);
    made.conv(name + "c1", 64, 64, 3).conv(name + "c2", 64, 48, 3).conv(name + "c3", 64, 48, 3);
    made.conv(name + "c4", 16, 48, 3).conv(name + "c5", 64, 64, 1);
    made.conv(name + "cca.conv_du.0", 4, 64, 1).conv(name + "cca.conv_du.2", 64, 4, 1);
  }
  return made.conv("c.0", 64, 384, 1).conv("LR_conv", 64, 64, 3).conv("upsampler.0", 3 * scale * scale, 64, 3).file;
}

WeightsFile rrdb_weights(int64_t blocks, int64_t width, int64_t growth, int64_t inputs, bool second = true) {
  Made made;
  made.conv("conv_first", width, inputs, 3);
  for (int64_t b = 0; b < blocks; ++b) {
    for (int64_t part = 1; part <= 3; ++part) {
      for (int64_t i = 0; i < 5; ++i) {
        made.conv(fmt::format("body.{}.rdb{}.conv{}", b, part, i + 1), i == 4 ? width : growth, width + i * growth, 3);
      }
    }
  }
  made.conv("conv_body", width, width, 3).conv("conv_up1", width, width, 3);
  if (second) made.conv("conv_up2", width, width, 3);
  return made.conv("conv_hr", width, width, 3).conv("conv_last", 3, width, 3).file;
}

WeightsFile usrnet_weights(const std::vector<int64_t>& widths, int64_t blocks, int64_t hidden, int64_t steps) {
  Made made;
  const auto residuals = [&](const std::string& prefix, int64_t first, int64_t width) {
    for (int64_t i = first; i < first + blocks; ++i) {
      made.conv(fmt::format("{}.{}.res.0", prefix, i), width, width, 3, false);
      made.conv(fmt::format("{}.{}.res.2", prefix, i), width, width, 3, false);
    }
  };
  made.conv("p.m_head", widths[0], 4, 3, false);
  for (size_t level = 0; level < 3; ++level) {
    const std::string name = fmt::format("p.m_down{}", level + 1);
    residuals(name, 0, widths[level]);
    made.conv(fmt::format("{}.{}", name, blocks), widths[level + 1], widths[level], 2, false);
  }
  residuals("p.m_body", 0, widths[3]);
  for (size_t level = 3; level-- > 0;) {
    const std::string name = fmt::format("p.m_up{}", level + 1);
    made.file.tensors.push_back({name + ".0.weight", 0.1 * torch::randn({widths[level + 1], widths[level], 2, 2})});
    residuals(name, 1, widths[level]);
  }
  made.conv("p.m_tail", 3, widths[0], 3, false);
  return made.conv("h.mlp.0", hidden, 2, 1)
      .conv("h.mlp.2", hidden, hidden, 1)
      .conv("h.mlp.4", 2 * steps, hidden, 1)
      .file;
}

WeightsFile vdsr_weights(bool bias) {
  Made made;
  made.conv("input", 64, 1, 3, bias);
  for (int64_t i = 0; i < 18; ++i) made.conv(fmt::format("residual_layer.{}.conv", i), 64, 64, 3, bias);
  return made.conv("output", 1, 64, 3, bias).file;
}

WeightsFile mdsr_weights(int64_t blocks) {
  Made made;
  made.conv("head.0", 64, 3, 3);
  for (int s = 0; s < 3; ++s) {
    for (int i = 0; i < 2; ++i) {
      made.conv(fmt::format("pre_process.{}.{}.body.0", s, i), 64, 64, 5);
      made.conv(fmt::format("pre_process.{}.{}.body.2", s, i), 64, 64, 5);
    }
  }
  for (int64_t i = 0; i < blocks; ++i) {
    made.conv(fmt::format("body.{}.body.0", i), 64, 64, 3).conv(fmt::format("body.{}.body.2", i), 64, 64, 3);
  }
  made.conv(fmt::format("body.{}", blocks), 64, 64, 3);
  made.conv("upsample.0.0", 256, 64, 3).conv("upsample.1.0", 576, 64, 3);
  return made.conv("upsample.2.0", 256, 64, 3).conv("upsample.2.2", 256, 64, 3).conv("tail.0", 3, 64, 3).file;
}

WeightsFile srresnet_weights(int64_t scale) {
  Made made;
  made.conv("conv_first", 64, 3, 3);
  for (int64_t i = 0; i < 16; ++i) {
    made.conv(fmt::format("body.{}.conv1", i), 64, 64, 3).conv(fmt::format("body.{}.conv2", i), 64, 64, 3);
  }
  made.conv("upconv1", scale == 3 ? 576 : 256, 64, 3);
  if (scale == 4) made.conv("upconv2", 256, 64, 3);
  return made.conv("conv_hr", 64, 64, 3).conv("conv_last", 3, 64, 3).file;
}

WeightsFile espcn_weights(int64_t scale) {
  return Made()
      .conv("first_part.0", 64, 1, 5)
      .conv("first_part.2", 32, 64, 3)
      .conv("last_part.0", scale * scale, 32, 3)
      .file;
}

struct Published {
  const char* name;
  WeightsFile file;
  int64_t count;  // of the published network, without frozen mean shifts
  std::vector<int64_t> scales;
};

TEST(Networks, AreToldFromTheirWeightsAndHaveThePublishedSizes) {
  const std::vector<Published> all = {
      {"edsr", edsr_weights(16, 64, 2), 1369859, {2}},
      {"edsr", edsr_weights(16, 64, 3), 1554499, {3}},
      {"edsr", edsr_weights(16, 64, 4), 1517571, {4}},
      {"edsr", edsr_weights(32, 256, 2), 40729603, {2}},
      {"mdsr", mdsr_weights(16), 3227227 - 24, {2, 3, 4}},
      {"mdsr", mdsr_weights(80), 7954011 - 24, {2, 3, 4}},
      {"srresnet", srresnet_weights(2), 1369859, {2}},
      {"usrnet", usrnet_weights({16, 32, 64, 64}, 2, 32, 6), 590332, {}},
      {"usrnet", usrnet_weights({64, 128, 256, 512}, 2, 64, 8), 17016016, {}},
      {"rrdb", rrdb_weights(23, 64, 32, 3), 16697987, {4}},
      {"rrdb", rrdb_weights(23, 64, 32, 3, false), 16661059, {2}},
      {"imdn", imdn_weights(2), 694404, {2}},
      {"vdsr", vdsr_weights(false), 664704, {}},
      {"vdsr", vdsr_weights(true), 665921, {}},
      {"espcn", espcn_weights(2), 21184 + 64 + 32 + 4, {2}},
      {"espcn", espcn_weights(4), 24640 + 64 + 32 + 16, {4}},
      {"srvgg", srvgg_weights(4), 16 * 27 + 16 + 3 * (16 * 144 + 16) + 4 * 16 + 48 * 144 + 48, {4}},
  };
  for (const Published& one : all) {
    EXPECT_EQ(one.file.parameter_count(), one.count) << one.name;
    const Kind* const kind = recognise(one.file);
    ASSERT_NE(kind, nullptr) << one.name;
    EXPECT_EQ(kind->name, one.name);
    EXPECT_EQ(kind->build(one.file)->traits().scales, one.scales) << one.name;
  }
  EXPECT_EQ(recognise(Made().conv("something.else", 3, 3, 3).file), nullptr);
}

torch::Tensor reference_edsr(const WeightsFile& file, const torch::Tensor& image, int64_t blocks, int64_t scale,
                             double share) {
  const auto conv = [&](const torch::Tensor& x, const std::string& name) {
    return torch::conv2d(x, file.find(name + ".weight")->to(torch::kFloat64),
                         file.find(name + ".bias")->to(torch::kFloat64), 1, 1);
  };
  const torch::Tensor mean = torch::tensor({0.4488, 0.4371, 0.4040}, torch::kFloat64).view({1, 3, 1, 1});
  const torch::Tensor head = conv((image.to(torch::kFloat64) - mean) * 255.0, "head.0");
  torch::Tensor x = head;
  for (int64_t i = 0; i < blocks; ++i) {
    x = x + share * conv(torch::relu(conv(x, fmt::format("body.{}.body.0", i))), fmt::format("body.{}.body.2", i));
  }
  x = conv(x, fmt::format("body.{}", blocks)) + head;
  if (scale == 4) x = torch::pixel_shuffle(conv(x, "tail.0.0"), 2);
  x = torch::pixel_shuffle(conv(x, scale == 4 ? "tail.0.2" : "tail.0.0"), scale == 3 ? 3 : 2);
  return conv(x, "tail.1") / 255.0 + mean;
}

TEST(Edsr, EqualsItsLayersOneByOneInDoublePrecision) {
  const torch::Tensor image = test::texture(3, 22, 19).to(torch::kFloat32);
  for (const int64_t scale : {2, 3, 4}) {
    const WeightsFile file = edsr_weights(3, 32, scale);
    const torch::Tensor made = find_kind("edsr")->build(file)->forward({image, scale, std::nullopt, 0.0, false});
    EXPECT_LT(test::max_difference(made, reference_edsr(file, image, 3, scale, 1.0)), 1e-4) << scale;
  }
  WeightsFile full = edsr_weights(1, 32, 2);
  full.metadata["residual_scale"] = "0.1";
  EXPECT_LT(test::max_difference(find_kind("edsr")->build(full)->forward({image, 2, std::nullopt, 0.0, false}),
                                 reference_edsr(full, image, 1, 2, 0.1)),
            1e-4);
}

TEST(Enlarge, TilesDoNotChangeTheResult) {
  const torch::Tensor photo = test::texture(3, 70, 61).to(torch::kFloat32);
  for (const WeightsFile& file : {edsr_weights(2, 32, 3), srvgg_weights(4), vdsr_weights(true), espcn_weights(2),
                                  rrdb_weights(1, 32, 16, 3), rrdb_weights(1, 32, 16, 12)}) {
    const Kind* const kind = recognise(file);
    const auto network = kind->build(file);
    inference::Options options;
    const auto& scales = network->traits().scales;
    const double s = scales.empty() ? 2.0 : static_cast<double>(scales[0]);
    options.scale = {s, s};
    options.tile = 0;
    const torch::Tensor whole = inference::enlarge(photo, *network, options).image;
    EXPECT_EQ(whole.size(2), static_cast<int64_t>(70 * s)) << kind->name;
    // Real-ESRGAN's x2 pairs pixels up: tiles must begin at even ones.
    options.tile = 24;
    EXPECT_LT(test::max_difference(inference::enlarge(photo, *network, options).image, whole), 2e-5) << kind->name;
  }
}

TEST(Enlarge, EnsembleOfATurnedPhotoIsTheTurnedEnsemble) {
  const auto network = find_kind("edsr")->build(edsr_weights(1, 16, 2));
  const torch::Tensor photo = test::texture(3, 24, 30).to(torch::kFloat32);
  inference::Options options;
  options.self_ensemble = true;
  const torch::Tensor straight = inference::enlarge(photo, *network, options).image;
  const torch::Tensor turned = inference::enlarge(photo.rot90(1, {2, 3}).contiguous(), *network, options).image;
  EXPECT_LT(test::max_difference(turned, straight.rot90(1, {2, 3})), 1e-5);
}

// A kernel off the centre turns about the photo's middle, not about its own.
TEST(Enlarge, EnsembleUnderAnOffCentreKernelTurnsWithThePhoto) {
  const auto network = find_kind("usrnet")->build(usrnet_weights({8, 8, 8, 8}, 1, 8, 2));
  const torch::Tensor photo = test::texture(3, 24, 30).to(torch::kFloat32);
  torch::Tensor weights = torch::zeros({9, 9});
  weights[6][1] = 0.7;
  weights[7][3] = 0.3;
  const BlurKernel kernel(weights);
  const torch::Tensor turned_weights = dihedral(kernel.weights().view({1, 1, 9, 9}), 1)[0][0];
  const Phase phase = inference::turned_phase(kernel.phase(), {24, 30}, {48, 60}, {2.0, 2.0}, 1);
  EXPECT_NE(phase.y, kernel.phase().y);
  const auto ensemble = [&](const torch::Tensor& image, const BlurKernel& blur) {
    inference::Options options;
    options.kernel = blur;
    options.circular = true;
    options.self_ensemble = true;
    return inference::enlarge(image, *network, options).image;
  };
  const torch::Tensor straight = ensemble(photo, kernel);
  const torch::Tensor turned = ensemble(dihedral(photo, 1).contiguous(), BlurKernel(turned_weights).moved_to(phase));
  EXPECT_LT(test::max_difference(inverse_dihedral(turned, 1), straight), 1e-4);
}

TEST(Enlarge, LowFrequenciesComeFromThePhoto) {
  WeightsFile file = edsr_weights(1, 16, 2);
  file.tensors.back().tensor += 40.0;  // the last bias: all colours 40 levels too bright
  const auto network = find_kind("edsr")->build(file);
  const torch::Tensor photo = 0.2 + 0.5 * test::texture(3, 64, 64).to(torch::kFloat32);
  inference::Options options;
  const double off = (inference::enlarge(photo, *network, options).image.mean() - photo.mean()).item<double>();
  options.keep_low_frequencies = true;
  const double kept = (inference::enlarge(photo, *network, options).image.mean() - photo.mean()).item<double>();
  EXPECT_GT(std::abs(off), 0.05);
  EXPECT_LT(std::abs(kept), 0.01);
}

TEST(Enlarge, RefusesOtherScales) {
  const auto network = find_kind("edsr")->build(edsr_weights(1, 16, 3));
  const torch::Tensor photo = torch::rand({1, 3, 20, 20});
  EXPECT_THROW(inference::enlarge(photo, *network, {.scale = {2.0, 2.0}}), OptionError);
  EXPECT_THROW(inference::enlarge(photo, *network, {.scale = {3.0, 2.0}}), OptionError);
  const auto any = find_kind("usrnet")->build(usrnet_weights({8, 8, 8, 8}, 1, 8, 2));
  EXPECT_THROW(inference::enlarge(photo, *any, {.scale = {2.5, 2.5}}), OptionError);
  EXPECT_THROW(inference::enlarge(photo, *any, {.scale = {5.0, 5.0}}), OptionError);
}

TEST(Networks, WeightsThatDoNotFitAreRefusedWithTheDifferences) {
  WeightsFile file = edsr_weights(2, 16, 2);
  file.tensors.erase(file.tensors.begin() + 3);
  file.tensors[3].tensor = torch::zeros({16, 8, 3, 3});
  file.tensors.push_back({"stranger", torch::zeros({2})});
  try {
    find_kind("edsr")->build(file);
    FAIL() << "no error";
  } catch (const InputError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("'made' does not fit EDSR"), std::string::npos) << text;
    EXPECT_NE(text.find("is [16, 8, 3, 3] instead of [16, 16, 3, 3]"), std::string::npos) << text;
    EXPECT_NE(text.find("'stranger' has no place in it"), std::string::npos) << text;
  }
}

TEST(Networks, AMissingBiasIsRefused) {
  WeightsFile file = edsr_weights(1, 16, 2);
  std::erase_if(file.tensors, [](const NamedTensor& entry) { return entry.name == "body.0.body.2.bias"; });
  EXPECT_THROW(find_kind("edsr")->build(file), InputError);
}

TEST(Networks, OnlyThoseForHdrAndGeneratorsAreNotTrainedAlone) {
  for (const Kind& kind : kinds()) {
    const bool generator = kind.traits.condition == Condition::kGenerator;
    EXPECT_EQ(kind.trains(), !kind.traits.gives_hdr && !generator) << kind.name;
  }
  EXPECT_FALSE(find_kind("fdan")->trains());
}

// Three times half of the channels goes on.
TEST(Fdan, ChannelsThatCannotBeHalvedAreRefused) {
  Config config = find_kind("fdan")->configured(2, {});
  for (const double width : {0.0, 4.0, 12.0}) {
    config.set("width", width);
    EXPECT_THROW(find_kind("fdan")->graph(config), OptionError) << width;
  }
}

TEST(Networks, WrappersBeforeTheNamesAreTakenOff) {
  WeightsFile file = edsr_weights(1, 16, 2);
  for (NamedTensor& entry : file.tensors) entry.name = "module." + entry.name;
  EXPECT_EQ(recognise(file), nullptr);
  ASSERT_NE(recognise(unwrapped(file)), nullptr);
}

// A gray area stays gray under FSRCNN's transposed convolution for one scale only.
TEST(Fsrcnn, TellsItsScaleFromTheWeights) {
  for (const int64_t scale : {2, 3, 4}) {
    Made made;
    made.conv("first_part.0", 4, 1, 5).values("first_part.1.weight", 4, 1.0);
    made.conv("mid_part.0", 2, 4, 1).values("mid_part.1.weight", 2, 1.0);
    made.conv("mid_part.2", 2, 2, 3).values("mid_part.3.weight", 2, 1.0);
    made.conv("mid_part.4", 4, 2, 1).values("mid_part.5.weight", 4, 1.0);
    // Slopes of 1 make it linear: weights that keep a constant, the last spread evenly over s x s.
    for (NamedTensor& entry : made.file.tensors) {
      if (entry.tensor.dim() == 4) entry.tensor.fill_(1.0 / static_cast<double>(entry.tensor[0].numel()));
      if (entry.name.ends_with(".bias")) entry.tensor.zero_();
    }
    const double side = 9.0;
    const double gain = static_cast<double>(scale * scale) / (side * side * 4.0);
    made.file.tensors.push_back({"last_part.weight", torch::full({4, 1, 9, 9}, gain)});
    made.file.tensors.push_back({"last_part.bias", torch::zeros({1})});
    const Kind* const kind = recognise(made.file);
    ASSERT_NE(kind, nullptr);
    EXPECT_EQ(kind->name, "fsrcnn");
    EXPECT_EQ(kind->build(made.file)->traits().scales, std::vector<int64_t>{scale});
  }
}

}  // namespace
}  // namespace zsr::networks
