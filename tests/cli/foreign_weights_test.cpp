#include "nn/weights/load_weights.h"
#include "nn/weights/safetensors.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <regex>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

// Networks of a few channels, trained for a step, and what other programs make of their files.
class ForeignWeights : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "photos");
    make_photo(dir_ / "photos/a.png", 3, 120, 130);
    make_photo(dir_ / "in.png", 3, 12, 14);
  }

  WeightsFile trained(const std::vector<std::string>& network) const {
    std::vector<std::string> call = {"train"};
    call.insert(call.end(), network.begin(), network.end());
    call.insert(call.begin() + 2, at("photos"));
    for (const char* const word : {"--patch", "12", "--batch", "1", "--steps", "1", "-q", "-j", "1", "--force", "-o"}) {
      call.emplace_back(word);
    }
    call.push_back(at("w.safetensors"));
    const auto result = run_zsr(call);
    EXPECT_EQ(result.code, 0) << result.err;
    WeightsFile file = load_weights(at("w.safetensors"));
    file.metadata.clear();
    return file;
  }

  ProgramResult enlarge(const WeightsFile& file) const {
    write_safetensors(at("f.safetensors"), file, Overwrite::kYes);
    return run_zsr({"upscale", at("in.png"), "-o", at("o.png"), "--weights", at("f.safetensors"), "--force",
                    "--no-record", "-j", "1"});
  }

  // The result of the file, whose names are changed by `rename`.
  std::string result_of(WeightsFile file, const std::function<std::string(const std::string&)>& rename) const {
    for (NamedTensor& entry : file.tensors) entry.name = rename(entry.name);
    const auto result = enlarge(file);
    EXPECT_EQ(result.code, 0) << result.err;
    return read_bytes(dir_ / "o.png");
  }

  std::string at(const std::string& name) const { return (dir_ / name).string(); }
  TempDir dir_;
};

const std::vector<std::string> kEdsr = {"edsr", "--channels", "16", "--depth", "2"};

TEST_F(ForeignWeights, PrefixesAreFoundByWhatFits) {
  const WeightsFile file = trained(kEdsr);
  const std::string want = result_of(file, [](const std::string& name) { return name; });
  for (const std::string prefix : {"net_g.", "model.", "net.", "generator_ema.", "params_ema.", "a.b.c."}) {
    EXPECT_EQ(result_of(file, [&](const std::string& name) { return prefix + name; }), want) << prefix;
  }
}

TEST_F(ForeignWeights, AveragedWeightsArePreferredAndNamed) {
  const WeightsFile file = trained(kEdsr);
  const std::string want = result_of(file, [](const std::string& name) { return name; });
  WeightsFile both{file.origin, file.format, {}, {}};
  for (const NamedTensor& entry : file.tensors) {
    both.tensors.push_back({"generator." + entry.name, entry.tensor * 0.5});
    both.tensors.push_back({"generator_ema." + entry.name, entry.tensor});
  }
  both.tensors.push_back({"step_counter", torch::ones({1})});
  const auto result = enlarge(both);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_bytes(dir_ / "o.png"), want);
  EXPECT_NE(result.err.find("generator_ema."), std::string::npos) << result.err;
}

TEST_F(ForeignWeights, MissingBiasesAndZerosAreRefused) {
  WeightsFile file = trained(kEdsr);
  WeightsFile zeros = file;
  for (NamedTensor& entry : zeros.tensors) entry.tensor = torch::zeros_like(entry.tensor);
  const auto nothing = enlarge(zeros);
  EXPECT_EQ(nothing.code, 1);
  EXPECT_NE(nothing.err.find("every weight is zero"), std::string::npos) << nothing.err;
  std::erase_if(file.tensors, [](const NamedTensor& entry) { return entry.name == "body.0.body.0.bias"; });
  const auto refused = enlarge(file);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("body.0.body.0.bias"), std::string::npos) << refused.err;
}

TEST_F(ForeignWeights, EsrgansFirstNamesAreKnown) {
  const WeightsFile file = trained({"rrdb", "-s", "4", "--channels", "16", "--depth", "2", "--growth", "16"});
  const std::string want = result_of(file, [](const std::string& name) { return name; });
  const std::map<std::string, std::string> plain = {{"conv_first", "model.0"}, {"conv_body", "model.1.sub.2"},
                                                    {"conv_up1", "model.3"},   {"conv_up2", "model.6"},
                                                    {"conv_hr", "model.8"},    {"conv_last", "model.10"}};
  const std::regex dense("body\\.(\\d)\\.rdb(\\d)\\.conv(\\d)\\.(.*)");
  EXPECT_EQ(result_of(file,
                      [&](const std::string& name) {
                        std::smatch match;
                        if (std::regex_match(name, match, dense)) {
                          return "model.1.sub." + match[1].str() + ".RDB" + match[2].str() + ".conv" + match[3].str() +
                                 ".0." + match[4].str();
                        }
                        const size_t dot = name.rfind('.');
                        return plain.at(name.substr(0, dot)) + name.substr(dot);
                      }),
            want);
}

TEST_F(ForeignWeights, OnnxFilesAreCalledSo) {
  write_bytes(dir_ / "w.pth", std::string("\x08\x07\x12\x07pytorch", 11));
  const auto result = run_zsr({"upscale", at("in.png"), "-o", at("o.png"), "--weights", at("w.pth")});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("ONNX"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace zsr::test
