#include "degradations/step.h"

#include "core/error.h"
#include "degradations/step_fields.h"
#include "degradations/step_json.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr {
namespace {

using test::max_difference;

// One step of every kind, with values that are not the defaults.
std::vector<Step> one_of_each() {
  KernelSpec shake{.family = KernelFamily::kShake, .size = 13, .length = 7.5, .seed = 12345678901234567ULL};
  KernelSpec plateau{.family = KernelFamily::kPlateau, .size = 9, .sigma_1 = 1.0 / 3.0, .sigma_2 = 2.0, .beta = 1.7};
  return {SharpenStep{0.4, 21, 8.0},
          BlurStep{shake, Border::kReflect, 0.997},
          GaussianNoiseStep{{.level = 0.1, .color = NoiseColor::kGray, .seed = 3}},
          ResizeStep{40, 44, ResizeMethod::kTorchBicubic},
          PoissonStep{300.0, 0.7, NoiseColor::kGray, 4},
          SpeckleStep{
              {.level = 4.0, .color = NoiseColor::kCorrelated, .covariance = {4, 1, 0, 1, 4, 1, 0, 1, 4}, .seed = 5}},
          BlurStep{plateau},
          SubsampleStep{2, 1},
          CameraStep{1e-3, 2e-3, 6},
          WebpStep{80},
          JpegStep{33},
          ResizeStep{10, 11, ResizeMethod::kMatlabCubic8Bit, ResizeBorder::kReplicate, true, 2.0, 2.0},
          GrainStep{6.0, 0.9, 0.25, 0.6, 7},
          RoundStep{true},
          MosaicStep{MosaicPhase::kGbrg, 2.125, 1.0 / 0.7, 1e-3 / 3.0, 2e-3, 64, 4095, 8}};
}

TEST(Steps, JsonKeepsEveryFieldToTheLastBit) {
  const std::vector<Step> steps = one_of_each();
  const std::string text = to_json(steps).dump();
  const std::vector<Step> read = steps_from_json(nlohmann::ordered_json::parse(text));
  EXPECT_EQ(to_json(read).dump(), text);
  const torch::Tensor image = test::texture(3, 64, 64).to(torch::kFloat32);
  EXPECT_EQ(max_difference(apply_steps(read, image), apply_steps(steps, image)), 0.0);
}

TEST(Steps, EveryKindOfStepHasANameAndIsCovered) {
  std::set<std::string> seen;
  for (const Step& step : one_of_each()) seen.insert(step_name(step));
  seen.insert("learned");  // needs a file: learned_test.cpp
  EXPECT_EQ(seen.size(), step_names().size());
  for (const char* name : step_names()) EXPECT_EQ(step_name(make_step(name)), name);
}

TEST(Steps, SizeAfterIsTheSizeThatComesOut) {
  torch::Tensor image = test::texture(3, 61, 64).to(torch::kFloat32);
  Size size{61, 64};
  for (const Step& step : one_of_each()) {
    image = apply_step(step, image);
    size = size_after(step, size);
    EXPECT_EQ(image.size(2), size.height) << step_name(step);
    EXPECT_EQ(image.size(3), size.width) << step_name(step);
    EXPECT_TRUE(torch::isfinite(image).all().item<bool>());
  }
}

TEST(Steps, BlurBeforeSubsampleIsTheSameInOneGo) {
  const torch::Tensor image = test::texture(3, 40, 50).to(torch::kFloat32);
  const std::vector<Step> steps = {
      BlurStep{{.size = 9, .sigma_1 = 2.0, .sigma_2 = 1.0, .angle = 0.3}, Border::kReflect}, SubsampleStep{3, 1}};
  const torch::Tensor one_by_one = apply_step(steps[1], apply_step(steps[0], image));
  EXPECT_LT(max_difference(apply_steps(steps, image), one_by_one), 1e-6);
}

TEST(Steps, BadFieldsAreNamed) {
  const auto message = [](const char* text) -> std::string {
    try {
      step_from_json(nlohmann::ordered_json::parse(text));
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(message(R"({"op": "jpeg", "quality": 101})").find("'quality' is 101, must be from 1 to 100"),
            std::string::npos);
  EXPECT_NE(message(R"({"op": "jpeg"})").find("'quality' is missing"), std::string::npos);
  EXPECT_NE(message(R"({"op": "jpeg", "quality": 50, "q": 1})").find("unknown field 'q'"), std::string::npos);
  EXPECT_NE(message(R"({"op": "jpg", "quality": 50})").find("unknown step 'jpg'"), std::string::npos);
  EXPECT_NE(message(R"({"quality": 50})").find("op"), std::string::npos);
  EXPECT_NE(message(R"({"op": "jpeg", "quality": "high"})").find("whole number"), std::string::npos);
}

TEST(Steps, TorchAndOpenCvAreaAgreeForWholeFactors) {
  const torch::Tensor image = test::texture(3, 48, 48).to(torch::kFloat32);
  const torch::Tensor a = apply_step(ResizeStep{12, 12, ResizeMethod::kTorchArea}, image);
  const torch::Tensor b = apply_step(ResizeStep{12, 12, ResizeMethod::kOpenCvArea}, image);
  EXPECT_LT(max_difference(a, b), 1e-5);
}

}  // namespace
}  // namespace zsr
