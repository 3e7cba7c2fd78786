#include "nn/weights/mat_file.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace zsr {
namespace {

enum Type : uint32_t { kInt8 = 1, kInt32 = 5, kUint32 = 6, kSingle = 7, kMatrix = 14, kUtf8 = 16 };
enum Class : uint32_t { kStruct = 2, kChar = 4, kFloats = 7 };
constexpr size_t kNameLength = 32;

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// A tag, the data, zeros up to a multiple of eight bytes.
std::string element(uint32_t type, std::string data) {
  const std::string tag = bytes_of<uint32_t>({type, static_cast<uint32_t>(data.size())});
  data.resize((data.size() + 7) / 8 * 8);
  return tag + data;
}

std::string matrix(uint32_t kind, const std::vector<int32_t>& dims, const std::string& name, const std::string& rest) {
  return element(kMatrix, element(kUint32, bytes_of<uint32_t>({kind, 0})) + element(kInt32, bytes_of(dims)) +
                              element(kInt8, name) + rest);
}

std::string parameter(const std::string& name, const std::vector<float>& values) {
  return matrix(kChar, {1, static_cast<int32_t>(name.size())}, "", element(kUtf8, name)) +
         matrix(kFloats, {1, static_cast<int32_t>(values.size())}, "", element(kSingle, bytes_of(values)));
}

// As MatConvNet stores a network's parameters: an array of structs with a name and a value.
std::string file_with(const std::vector<std::string>& parameters) {
  std::string names = "name";
  names.resize(kNameLength);
  names += "value";
  names.resize(2 * kNameLength);
  std::string rest = element(kInt32, bytes_of<int32_t>({static_cast<int32_t>(kNameLength)})) + element(kInt8, names);
  for (const std::string& one : parameters) rest += one;
  std::string header = "MATLAB 5.0 MAT-file";
  header.resize(124, ' ');
  header += std::string("\x00\x01IM", 4);
  return header + matrix(kStruct, {1, static_cast<int32_t>(parameters.size())}, "params", rest);
}

TEST(MatFile, StructsWithANameAndAValueAreCalledByTheName) {
  const WeightsFile file = parse_mat(file_with({parameter("conv_f", {1.0F, 2.0F}), parameter("conv_b", {3.0F})}), "m");
  ASSERT_EQ(file.tensors.size(), 2U);
  ASSERT_NE(file.find("params.conv_f"), nullptr);
  EXPECT_EQ((*file.find("params.conv_f"))[0][1].item<float>(), 2.0F);
  ASSERT_NE(file.find("params.conv_b"), nullptr);
}

TEST(MatFile, NamesThatAreNoWordsAreLeftOut) {
  const WeightsFile file = parse_mat(file_with({parameter("a b", {1.0F}), parameter("", {2.0F})}), "m");
  EXPECT_NE(file.find("params(1).value"), nullptr);
  EXPECT_NE(file.find("params(2).value"), nullptr);
}

}  // namespace
}  // namespace zsr
