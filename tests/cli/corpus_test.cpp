#include "cli/batch/manifest.h"
#include "core/error.h"
#include "core/files.h"
#include "degradations/kernel_io.h"
#include "degradations/step_json.h"
#include "image/photo.h"
#include "nn/weights/mat_file.h"
#include "nn/weights/ncnn_file.h"
#include "nn/weights/npy_array.h"
#include "nn/weights/pickle.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/torch_file.h"
#include "raw/raw_file.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <filesystem>

namespace zsr {
namespace {

namespace fs = std::filesystem;

// The reader of each folder of tests/corpus, on one file; tests/fuzz mutates the same files.
size_t read_by(const std::string& reader, const std::string& bytes) {
  if (reader == "npz") {
    return bytes.starts_with('\x93') ? static_cast<size_t>(parse_npy(bytes, "corpus").numel())
                                     : parse_npz(bytes, "corpus").tensors.size();
  }
  if (reader == "recipe") {
    const auto json = nlohmann::ordered_json::parse(bytes, nullptr, false);
    return json.is_discarded() ? 0 : steps_from_json(json).size();
  }
  if (reader == "raw") return raw::read_raw_bytes(bytes, "corpus").values.values.size();
  if (reader == "mat") return parse_mat(bytes, "corpus").tensors.size();
  if (reader == "safetensors") return parse_safetensors(bytes, "corpus").tensors.size();
  if (reader == "zip") return parse_torch_zip(bytes, "corpus").tensors.size();
  if (reader == "ncnn") {
    const size_t end = bytes.find('\0');
    if (end == std::string::npos) return 0;
    return parse_ncnn(std::string_view(bytes).substr(0, end), std::string_view(bytes).substr(end + 1), "corpus")
        .tensors.size();
  }
  if (bytes.find("storage") == std::string::npos || bytes.size() > 400) {
    return parse_torch_legacy(bytes, "corpus").tensors.size();
  }
  return read_pickle(bytes, "corpus").arena.size();
}

// Those that take a path.
size_t read_file_by(const std::string& reader, const std::string& bytes, const fs::path& folder) {
  const fs::path path = folder / (reader == "manifest" ? "zsr-manifest.jsonl" : "file");
  test::write_bytes(path, bytes);
  if (reader == "manifest") return cli::read_manifests(folder).size();
  if (reader == "kernel") return static_cast<size_t>(load_kernel(path).weights().numel());
  return static_cast<size_t>(load_photo(path).color.numel());
}

// Every file, every shorter one and one with each byte inverted in turn: read or refused with InputError.
TEST(Corpus, IsReadOrRefusedWholeCutAndWithAnyByteInverted) {
  const test::TempDir folder;
  int64_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(ZSR_SOURCE_DIR) / "tests/corpus")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string reader = entry.path().parent_path().filename().string();
    const std::string bytes = read_file(entry.path(), 1 << 20);
    const bool by_path = reader == "manifest" || reader == "kernel" || reader == "photo";
    const auto survives = [&](const std::string& variant) {
      try {
        by_path ? read_file_by(reader, variant, folder.path()) : read_by(reader, variant);
      } catch (const InputError&) {
      } catch (const IoError&) {
        EXPECT_TRUE(by_path);
      }
    };
    survives(bytes);
    for (size_t length = 0; length < bytes.size(); ++length) survives(bytes.substr(0, length));
    for (size_t i = 0; i < bytes.size(); ++i) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(~flipped[i]);
      survives(flipped);
    }
  }
  EXPECT_GE(files, 26);
}

TEST(MatFile, HoldsWhatScipyWrote) {
  for (const char* const name : {"plain", "packed"}) {
    const std::string bytes = read_file(fs::path(ZSR_SOURCE_DIR) / "tests/corpus/mat" / name, 1 << 20);
    const WeightsFile file = parse_mat(bytes, name);
    // scipy.io.savemat of a struct with two cells, the filters numpy.arange(18) as [3, 3, 1, 2] and [3, 3, 2].
    const torch::Tensor* const first = file.find("model.weight{1}");
    ASSERT_NE(first, nullptr) << name;
    EXPECT_EQ(first->sizes(), (std::vector<int64_t>{3, 3, 1, 2}));
    EXPECT_TRUE(torch::equal(first->view({-1}), torch::arange(18, torch::kFloat32)));
    ASSERT_NE(file.find("model.bias{2}"), nullptr);
    EXPECT_TRUE(torch::equal(file.find("k")->to(torch::kFloat64), torch::eye(3, torch::kFloat64)));
    EXPECT_EQ(file.find("i")->scalar_type(), torch::kInt64);
    EXPECT_EQ(file.find("name"), nullptr);  // text
  }
}

}  // namespace
}  // namespace zsr
