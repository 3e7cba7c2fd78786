#include "nn/weights/safetensors.h"

#include "core/error.h"
#include "nn/weights/shipped.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstring>

namespace zsr {
namespace {

std::string file_of(const std::string& header, const std::string& data) {
  uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

TEST(WeightsFile, HalvesWhatFitsIntoSixteenBits) {
  WeightsFile file;
  file.tensors = {{"small", torch::tensor({0.5F, -3.0F})},
                  {"large", torch::tensor({1.0F, 70000.0F})},
                  {"whole", torch::tensor({7, 8}, torch::kInt64)}};
  file.halve();
  EXPECT_EQ(file.find("small")->scalar_type(), torch::kFloat16);
  EXPECT_EQ(file.take("small", {2})[1].item<float>(), -3.0F);
  EXPECT_EQ(file.take("large", {2})[1].item<float>(), 70000.0F);
  EXPECT_EQ(file.find("whole")->scalar_type(), torch::kInt64);
}

TEST(Safetensors, GivesBackWhatWasWritten) {
  WeightsFile file;
  file.metadata["network"] = "test";
  torch::manual_seed(1);
  const torch::Tensor plain = torch::randn({2, 3, 4});
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                          torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    file.tensors.push_back({std::string("t.") + c10::toString(type), plain.abs().mul(20).to(type)});
  }
  file.tensors.push_back({"scalar", torch::tensor(3.5F)});
  file.tensors.push_back({"empty", torch::zeros({0, 5})});
  const test::TempDir folder;
  write_safetensors(folder.path() / "w.safetensors", file, Overwrite::kNo);
  const WeightsFile back = read_safetensors(folder.path() / "w.safetensors");
  EXPECT_EQ(back.metadata, file.metadata);
  ASSERT_EQ(back.tensors.size(), file.tensors.size());
  for (const NamedTensor& entry : file.tensors) {
    const torch::Tensor* const found = back.find(entry.name);
    ASSERT_NE(found, nullptr) << entry.name;
    EXPECT_EQ(found->scalar_type(), entry.tensor.scalar_type());
    EXPECT_TRUE(torch::equal(*found, entry.tensor)) << entry.name;
  }
  EXPECT_THROW(write_safetensors(folder.path() / "w.safetensors", file, Overwrite::kNo), IoError);
}

TEST(Safetensors, ReadsAFileLaidOutByHand) {
  const float values[] = {1.0F, -2.5F};
  const std::string data(reinterpret_cast<const char*>(values), sizeof values);
  const WeightsFile file =
      parse_safetensors(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", data), "here");
  EXPECT_TRUE(torch::equal(file.take("a", {2}), torch::tensor({1.0F, -2.5F})));
  EXPECT_THROW(file.take("a", {1, 2}), InputError);
  EXPECT_THROW(file.take("b", {2}), InputError);
  EXPECT_EQ(file.parameter_count(), 2);
}

TEST(Safetensors, RefusesDamageWithAReason) {
  const std::string data(8, '\0');
  const auto refused = [&](const std::string& bytes, const char* why) {
    try {
      parse_safetensors(bytes, "here");
      ADD_FAILURE() << "taken: " << why;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  refused("abc", "length field");
  refused(std::string(8, '\xff') + "{}", "header would have");
  refused(file_of("[]", ""), "no JSON object");
  refused(file_of("{\"a\":", data), "not JSON");
  const auto entry = [](const char* type, const char* shape, const char* place) {
    return std::string(R"({"a":{"dtype":")") + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + place + "}}";
  };
  refused(file_of(entry("F32", "[2]", "[0,8]"), data.substr(0, 4)), "ends beyond");
  refused(file_of(entry("F32", "[2]", "[0,8]"), data + "x"), "follow the last");
  refused(file_of(entry("F32", "[3]", "[0,8]"), data), "needs 12");
  refused(file_of(entry("F32", "[2]", "[4,12]"), data + data), "hole or overlap");
  refused(file_of(entry("Q4", "[2]", "[0,8]"), data), "unknown type");
  refused(file_of(entry("F32", "[-2]", "[0,8]"), data), "no number");
  refused(file_of(entry("F32", "[4294967296,4294967296]", "[0,8]"), data), "too large");
  refused(file_of(entry("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), data), "no proper shape");
  refused(file_of(entry("F32", "[2]", "[8,0]"), data), "needs 8");
  refused(file_of(R"({"a":{"dtype":"F32","shape":[2]}})", data), "lacks a field");
  refused(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                  R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
                  data),
          "twice");
  refused(file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                  R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                  data),
          "hole or overlap");
  refused(file_of(R"({"a":{"b":{"c":{"d":{"e":{}}}}}})", data), "nested");
}

TEST(ShippedWeights, AreNamedAndReadable) {
  EXPECT_GT(shipped_weights("blur-predictor").parameter_count(), 100000);
  EXPECT_THROW(shipped_weights("no-such"), OptionError);
}

}  // namespace
}  // namespace zsr
