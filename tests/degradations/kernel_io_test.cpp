#include "degradations/kernel_io.h"

#include "core/error.h"
#include "image/photo.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <matio.h>
#include <torch/types.h>

#include <cstring>

namespace zsr {
namespace {

using test::TempDir;
using test::write_bytes;

torch::Tensor sample() {
  return torch::arange(1, 7, torch::kFloat64).view({2, 3});
}

void expect_sample(const BlurKernel& kernel) {
  EXPECT_LT(test::max_difference(kernel.weights(), sample() / 21.0), 1e-12);
}

void write_mat(const std::filesystem::path& path, const char* name, mat_ft version) {
  mat_t* file = Mat_CreateVer(path.c_str(), nullptr, version);
  ASSERT_NE(file, nullptr);
  double column_major[] = {1, 4, 2, 5, 3, 6};
  size_t dims[] = {2, 3};
  matvar_t* variable = Mat_VarCreate(name, MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, column_major, 0);
  Mat_VarWrite(file, variable, MAT_COMPRESSION_NONE);
  Mat_VarFree(variable);
  Mat_Close(file);
}

std::string npy(const std::string& type, bool fortran, const std::string& data) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (2, 3), }";
  header.resize(117, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + data;
}

template <typename Number>
std::string raw(std::vector<Number> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Number)};
}

TEST(LoadKernel, MatV5AndV73WithUsualNames) {
  const TempDir dir;
  for (const char* name : {"Kernel", "kernel", "anything"}) {
    for (const mat_ft version : {MAT_FT_MAT5, MAT_FT_MAT73}) {
      const auto path = dir / (std::string(name) + std::to_string(version) + ".mat");
      write_mat(path, name, version);
      expect_sample(load_kernel(path));
    }
  }
}

TEST(LoadKernel, NpyInBothOrdersAndTypes) {
  const TempDir dir;
  write_bytes(dir / "c.npy", npy("<f8", false, raw<double>({1, 2, 3, 4, 5, 6})));
  write_bytes(dir / "f.npy", npy("<f8", true, raw<double>({1, 4, 2, 5, 3, 6})));
  write_bytes(dir / "s.npy", npy("<f4", false, raw<float>({1, 2, 3, 4, 5, 6})));
  for (const char* name : {"c.npy", "f.npy", "s.npy"}) expect_sample(load_kernel(dir / name));
}

TEST(LoadKernel, TextWithAnySeparator) {
  const TempDir dir;
  write_bytes(dir / "a.txt", "1 2 3\n4 5 6\n");
  write_bytes(dir / "b.csv", "# a comment\n1,2,3\r\n4,5,6");
  write_bytes(dir / "c.txt", "1;2;\t3\n\n4;5;6\n");
  for (const char* name : {"a.txt", "b.csv", "c.txt"}) expect_sample(load_kernel(dir / name));
}

TEST(LoadKernel, ImageBrightnessIsWeight) {
  const TempDir dir;
  Photo photo;
  photo.color = (sample() / 255.0).to(torch::kFloat32).view({1, 1, 2, 3});
  save_photo(photo, dir / "k.png", {.format = ImageFormat::kPng});
  const BlurKernel kernel = load_kernel(dir / "k.png");
  EXPECT_LT(test::max_difference(kernel.weights(), sample() / 21.0), 1e-6);
}

TEST(LoadKernel, BadFilesAreNamedWithTheCause) {
  const TempDir dir;
  const auto refused = [&](const std::string& name, const std::string& bytes, const std::string& cause) {
    write_bytes(dir / name, bytes);
    try {
      load_kernel(dir / name);
      FAIL() << name << " was accepted";
    } catch (const InputError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find(name), std::string::npos) << text;
      EXPECT_NE(text.find(cause), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
  };
  refused("empty.txt", "", "empty");
  refused("words.txt", "not a kernel", "not a number");
  refused("ragged.txt", "1 2 3\n4 5\n", "row 2 has 2 numbers");
  refused("zero.txt", "0 0\n0 0\n", "all zero");
  refused("nan.txt", "1 nan\n0 0\n", "NaN");
  refused("negative.txt", "-1 -2\n", "positive sum");
  refused("cut.npy", npy("<f8", false, raw<double>({1, 2, 3})), "cut off");
  refused("int.npy", npy("<i8", false, raw<int64_t>({1, 2, 3, 4, 5, 6})), "float");
  refused("tiny.npy", std::string("\x93NUMPY\x01\x00", 8), "cut off");
  refused("broken.mat", "MATLAB 5.0 MAT-file" + std::string(200, ' '), "broken.mat");
  EXPECT_THROW(load_kernel(dir / "missing.mat"), IoError);
}

TEST(LoadKernel, EveryTruncationOfAMatFileIsRefused) {
  const TempDir dir;
  write_mat(dir / "k.mat", "Kernel", MAT_FT_MAT5);
  const std::string bytes = test::read_bytes(dir / "k.mat");
  for (size_t length = 1; length < bytes.size(); length += 7) {
    write_bytes(dir / "cut.mat", bytes.substr(0, length));
    EXPECT_THROW(load_kernel(dir / "cut.mat"), Error) << length;
  }
}

}  // namespace
}  // namespace zsr
