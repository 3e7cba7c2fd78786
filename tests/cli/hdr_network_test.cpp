// Networks from photos to HDR: zsr knows their weights, but neither runs nor trains them.
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>

namespace zsr::test {
namespace {

class HdrNetwork : public testing::Test {
 protected:
  void SetUp() override {
    const networks::Kind& kind = *networks::find_kind("fdan");
    const nn::Graph graph = kind.graph(kind.configured(2, {{"width", 16}, {"depth", 1}}));
    Random random(1);
    write_safetensors(dir_ / "fdan.safetensors", nn::to_weights(graph, nn::initial_values(graph, random)),
                      Overwrite::kNo);
    make_photo(dir_ / "photo.png", 3, 40, 50);
  }
  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  // In one line that has every one of `words`; nothing is written.
  void expect_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& words) const {
    const std::vector<std::string> before = dir_.names();
    const ProgramResult result = run_zsr(arguments);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    for (const std::string& word : words) EXPECT_NE(result.err.find(word), std::string::npos) << result.err;
    EXPECT_EQ(dir_.names(), before);
  }
  TempDir dir_;
};

TEST_F(HdrNetwork, IsRefusedForPhotos) {
  for (const char* const method : {"auto", "edsr"}) {
    expect_refused({"upscale", at("photo.png"), "-m", method, "--weights", at("fdan.safetensors"), "-q"},
                   {"fdan.safetensors", "HDR", "zsr weights convert"});
  }
  EXPECT_EQ(run_zsr({"upscale", at("photo.png"), "-m", "fdan"}).code, 2);
  EXPECT_EQ(run_zsr({"info", "--methods"}).out.find("fdan"), std::string::npos);
}

TEST_F(HdrNetwork, IsDescribed) {
  const ProgramResult text = run_zsr({"weights", "info", at("fdan.safetensors")});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("x2, Y'CbCr of BT.709 to Y'CbCr of BT.2020 (PQ)"), std::string::npos) << text.out;
  EXPECT_EQ(text.out.find("-m fdan"), std::string::npos) << text.out;
  const auto json = nlohmann::json::parse(run_zsr({"weights", "info", at("fdan.safetensors"), "--json"}).out);
  EXPECT_TRUE(json["network"]["method"].is_null());
  EXPECT_EQ(json["network"]["hdr"], true);
}

TEST_F(HdrNetwork, ConvertsToOnnx) {
  const ProgramResult made = run_zsr({"weights", "convert", at("fdan.safetensors"), "-o", at("fdan.onnx")});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(read_bytes(dir_ / "fdan.onnx").find("Y'CbCr of BT.2020 behind the PQ curve"), std::string::npos);
}

TEST_F(HdrNetwork, IsNotTrained) {
  expect_refused({"train", "fdan", dir_.path().string(), "-o", at("w.safetensors")},
                 {"fdan cannot be trained", "pairs of photos and HDR images"});
  EXPECT_EQ(run_zsr({"train", "magic"}).err.find("fdan"), std::string::npos);
  EXPECT_EQ(run_zsr({"train", "edsr", "--help"}).out.find("fdan"), std::string::npos);
  const auto list = nlohmann::json::parse(run_zsr({"train", "--list", "--json"}).out)["networks"];
  for (const auto& row : list) {
    const std::string name = row["network"];
    const bool alone = name != "fdan" && name != "dsgan" && name != "high-to-low" && name != "cincgan";
    EXPECT_EQ(row["trained"], alone) << name;
  }
}

}  // namespace
}  // namespace zsr::test
