#include "nn/weights/torch_file.h"

#include "core/error.h"
#include "nn/weights/load_weights.h"
#include "nn/weights/ncnn_file.h"
#include "tests/support/program.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstring>
#include <filesystem>
#include <functional>

namespace zsr {
namespace {

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string text(const std::string& value) {
  return "X" + raw(static_cast<uint32_t>(value.size())) + value;
}

std::string storage_id(const std::string& type, const std::string& key, int32_t count, bool legacy) {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + "J" + raw(count) +
         (legacy ? "N" : "") + "tQ";
}

// The pickle of {"w": tensor [2, 3] with these strides over `count` floats}, written by hand after the format's own
// description, not by this project's code.
std::string tensor_pickle(bool legacy, int32_t count = 6, const std::string& shape = "K\x02K\x03\x86",
                          const std::string& stride = "K\x03K\x01\x86", const std::string& type = "FloatStorage") {
  return "\x80\x02}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n(" + storage_id(type, "7", count, legacy) +
         std::string("K\0", 2) + shape + stride + "\x89" + "ccollections\nOrderedDict\n)RtR" + "s.";
}

std::string floats(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += raw(static_cast<float>(i) + 0.5F);
  return bytes;
}

const std::string kMagic = std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);

std::string legacy_file(const std::string& pickle, int64_t count, const std::string& data) {
  return kMagic + "\x80\x02M\xe9\x03." + "\x80\x02}." + pickle + "\x80\x02]" + text("7") + "a." + raw(count) + data;
}

// A stored zip; `checksum` 0 says that there is none.
std::string zip_file(const std::vector<std::pair<std::string, std::string>>& entries, uint16_t method = 0) {
  std::string bytes;
  std::string directory;
  for (const auto& [name, data] : entries) {
    const auto size = static_cast<uint32_t>(data.size());
    const auto offset = static_cast<uint32_t>(bytes.size());
    const std::string common = raw(uint16_t{20}) + raw(uint16_t{0}) + raw(method) + raw(uint32_t{0}) +
                               raw(uint32_t{0}) + raw(size) + raw(size) + raw(static_cast<uint16_t>(name.size())) +
                               raw(uint16_t{0});
    bytes += "PK\x03\x04" + common + name + data;
    directory += "PK\x01\x02" + raw(uint16_t{20}) + common + raw(uint16_t{0}) + raw(uint16_t{0}) + raw(uint16_t{0}) +
                 raw(uint32_t{0}) + raw(offset) + name;
  }
  const auto count = static_cast<uint16_t>(entries.size());
  return bytes + directory + "PK\x05\x06" + raw(uint32_t{0}) + raw(count) + raw(count) +
         raw(static_cast<uint32_t>(directory.size())) + raw(static_cast<uint32_t>(bytes.size())) + raw(uint16_t{0});
}

std::string zip_weights(const std::string& pickle, const std::string& data) {
  return zip_file({{"archive/data.pkl", pickle}, {"archive/data/7", data}});
}

torch::Tensor expected() {
  return torch::arange(6, torch::kFloat32).add(0.5).view({2, 3});
}

TEST(TorchFile, ReadsBothFormats) {
  const WeightsFile zip = parse_torch_zip(zip_weights(tensor_pickle(false), floats(6)), "here");
  EXPECT_TRUE(torch::equal(zip.take("w", {2, 3}), expected()));
  const WeightsFile legacy = parse_torch_legacy(legacy_file(tensor_pickle(true), 6, floats(6)), "here");
  EXPECT_TRUE(torch::equal(legacy.take("w", {2, 3}), expected()));
  // A transposed view is copied out in its own order.
  const WeightsFile turned =
      parse_torch_zip(zip_weights(tensor_pickle(false, 6, "K\x03K\x02\x86", "K\x01K\x03\x86"), floats(6)), "here");
  EXPECT_TRUE(torch::equal(turned.take("w", {3, 2}), expected().t()));
}

TEST(TorchFile, FindsTheWeightsInCheckpoints) {
  // {"epoch": 3, "state_dict": {"module.w": tensor}}
  const std::string inner = tensor_pickle(false);
  std::string named = inner.substr(2, inner.size() - 3);  // without PROTO and STOP
  named.replace(named.find(text("w")), text("w").size(), text("module.w"));
  const std::string pickle = "\x80\x02}(" + text("epoch") + "K\x03" + text("state_dict") + named + "u.";
  const WeightsFile file = parse_torch_zip(zip_weights(pickle, floats(6)), "here");
  ASSERT_EQ(file.tensors.size(), 1U);
  EXPECT_EQ(file.tensors[0].name, "w");
}

void refused(const std::function<void()>& read, const char* why) {
  try {
    read();
    ADD_FAILURE() << "taken: " << why;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
  }
}

TEST(TorchFile, RefusesProgramsAndViewsBeyondTheirStorage) {
  const auto zip = [](const std::string& pickle) {
    return [=] { parse_torch_zip(zip_weights(pickle, floats(6)), "f"); };
  };
  refused(zip("\x80\x02"
              "cos\nsystem\n" +
              text("true") + "\x85R."),
          "Python object (os.system)");
  refused(zip(std::string("\x80\x02") + text("os") + text("system") + "\x93."), "Python object (os.system)");
  refused(zip("\x80\x02i"), "instruction 0x69");
  refused(zip("\x80\x02("), "cut");
  refused(zip("\x80\x02."), "takes more");
  refused(zip("\x80\x02h\x05."), "never kept");
  refused(zip("\x80\x02N."), "no dictionary");
  refused(zip(tensor_pickle(false, 6, "K\x02K\x04\x86")), "beyond its storage");
  refused(zip(tensor_pickle(false, 6, "K\x02K\x03\x86", "K\x04K\x01\x86")), "beyond its storage");
  // Stride 0 would blow six numbers up to millions.
  refused(zip(tensor_pickle(false, 6, "J\xff\xff\xff\x7fK\x03\x86", std::string("K\0K\0\x86", 5))),
          "beyond its storage");
  refused(zip(tensor_pickle(false, 600, "K\x02K\x03\x86")), "bytes instead of");
  refused(zip(tensor_pickle(false, 6, "J\xff\xff\xff\xffK\x03\x86")), "proper shape");
  refused(zip(tensor_pickle(false, 6, "K\x02K\x03\x86", "K\x03K\x01\x86", "QInt8Storage")), "Python object");
  // A dictionary that holds itself.
  refused(zip("\x80\x02}q\x01" + text("model") + "h\x01s."), "no dictionary");
  refused([] { parse_torch_zip(zip_file({{"a/data.pkl", "x"}}, 8), "f"); }, "compressed");
  refused([] { parse_torch_zip(zip_file({{"a/data.pkl", "x"}, {"a/data.pkl", "y"}}), "f"); }, "twice");
  refused([] { parse_torch_zip(zip_file({{"a/data.pkl", "x"}, {"a/code/m.py", "y"}}), "f"); }, "TorchScript");
  refused([] { parse_torch_zip(zip_file({{"a/x", "x"}}), "f"); }, "no data.pkl");
  refused([] { parse_torch_zip(zip_weights(tensor_pickle(false), floats(6)).substr(0, 200), "f"); }, "zip");
  refused([] { parse_torch_legacy(legacy_file(tensor_pickle(true), 6, floats(3)), "f"); }, "cut");
  refused([] { parse_torch_legacy(legacy_file(tensor_pickle(true), 5, floats(6)), "f"); }, "another length");
  refused([] { parse_torch_legacy("\x80\x02N.", "f"); }, "not one that torch.save made");
}

TEST(TorchFile, EveryCutAndEveryFlippedByteEndsInOrder) {
  for (const std::string& whole :
       {zip_weights(tensor_pickle(false), floats(6)), legacy_file(tensor_pickle(true), 6, floats(6))}) {
    const bool zip = whole[0] == 'P';
    const auto read = [&](const std::string& bytes) {
      try {
        zip ? parse_torch_zip(bytes, "f") : parse_torch_legacy(bytes, "f");
        return true;
      } catch (const InputError&) {
        return false;
      }
    };
    EXPECT_TRUE(read(whole));
    for (size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(read(whole.substr(0, length))) << length;
    for (size_t i = 0; i < whole.size(); ++i) {
      for (const int bit : {0, 3, 7}) {
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
        read(flipped);  // any answer but a crash
      }
    }
  }
}

TEST(Ncnn, ReadsConvolutionsOfHalvesAndRefusesTheRest) {
  const std::string param =
      "7767517\n3 3\nInput data 0 1 data\nConvolution Conv_0 1 1 data a 0=1 1=1 5=1 6=3\nPReLU P_1 1 1 a b 0=1\n";
  const torch::Tensor half = torch::tensor({0.5F, -1.0F, 2.0F}).to(torch::kFloat16);
  const std::string bin = raw(uint32_t{0x01306B47}) + std::string(static_cast<const char*>(half.data_ptr()), 6) +
                          std::string(2, '\0') + raw(0.25F) + raw(0.125F);
  const WeightsFile file = parse_ncnn(param, bin, "m");
  EXPECT_TRUE(torch::equal(file.take("Conv_0.weight", {1, 3, 1, 1}).view({3}), torch::tensor({0.5F, -1.0F, 2.0F})));
  EXPECT_EQ(file.take("Conv_0.bias", {1}).item<float>(), 0.25F);
  EXPECT_EQ(file.take("P_1.weight", {1}).item<float>(), 0.125F);
  refused([&] { parse_ncnn(param, bin.substr(0, 9), "m"); }, "ends in the middle");
  refused([&] { parse_ncnn(param, bin + "1234", "m"); }, "do not belong together");
  refused([&] { parse_ncnn("x", bin, "m"); }, "7767517");
  refused([&] { parse_ncnn(param, raw(uint32_t{0x000D4B38}) + bin.substr(4), "m"); }, "quantised");
  std::string other = param;
  other.replace(other.find("Convolution Conv"), 11, "Deconvoluti");
  refused([&] { parse_ncnn(other, bin, "m"); }, "does not read");
}

// Note [Cut halves]: what a converter cut off is made up for on average; constants and zeros stay.
TEST(Ncnn, HalvesThatWereCutAreReadWithoutBias) {
  constexpr int64_t kCount = 20'000;
  torch::manual_seed(5);
  torch::Tensor exact = torch::randn({kCount}) * 0.05;
  exact.slice(0, 0, 4).copy_(torch::tensor({1.0F, -0.25F, 0.0F, 3e-6F}));  // the last has no normal half
  std::string cut;
  for (int64_t i = 0; i < kCount; ++i) {
    const auto value = exact[i].item<float>();
    torch::Tensor half = torch::tensor(value).to(torch::kFloat16);
    // Towards zero: the nearest half may lie beyond the value.
    if (std::abs(half.item<float>()) > std::abs(value)) half.view(torch::kInt16).sub_(1);
    cut += raw(half.view(torch::kInt16).item<int16_t>());
  }
  const std::string param =
      fmt::format("7767517\n2 2\nInput data 0 1 data\nConvolution C 1 1 data a 0=1 1=1 5=0 6={}\n", kCount);
  const torch::Tensor read =
      parse_ncnn(param, raw(uint32_t{0x01306B47}) + cut, "m").take("C.weight", {1, kCount, 1, 1}).view({kCount});
  EXPECT_EQ(read[0].item<float>(), 1.0F);
  EXPECT_EQ(read[1].item<float>(), -0.25F);
  EXPECT_EQ(read[2].item<float>(), 0.0F);
  EXPECT_NEAR(read[3].item<float>(), 3e-6F, 0.5 * 0x1p-24);
  // Cut, they would be 3.5e-4 too small on average.
  const double bias = (read.abs().sum() / exact.abs().sum()).item<double>() - 1.0;
  EXPECT_LT(std::abs(bias), 1e-5);
  EXPECT_LT(((read - exact).abs() / (exact.abs() + 1e-3)).max().item<double>(), 0x1p-10);
}

TEST(LoadWeights, SaysWhatAFileIs) {
  const test::TempDir dir;
  test::write_bytes(dir / "a.pth", zip_weights(tensor_pickle(false), floats(6)));
  EXPECT_EQ(load_weights(dir / "a.pth").format, "PyTorch (zip)");
  test::write_bytes(dir / "b.pth", legacy_file(tensor_pickle(true), 6, floats(6)));
  EXPECT_EQ(load_weights(dir / "b.pth").format, "PyTorch (before 1.6)");
  test::write_bytes(dir / "c.pth", "hello, I am no weights at all");
  refused([&] { load_weights(dir / "c.pth"); }, "no weights file");
  EXPECT_THROW(load_weights(dir / "none.pth"), IoError);
}

}  // namespace
}  // namespace zsr
