#include "nn/weights/load_weights.h"

#include "core/error.h"
#include "core/files.h"
#include "nn/weights/mat_file.h"
#include "nn/weights/ncnn_file.h"
#include "nn/weights/npy_array.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/torch_file.h"
#include "nn/weights/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr {
namespace {

// An archive of NumPy arrays, not of PyTorch.
bool holds_npy(const std::string& bytes, const std::string& origin) {
  const std::vector<std::string> names = ZipArchive(bytes, origin).names();
  return std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.ends_with(".npy"); });
}

// ONNX is a Protobuf message (onnx.proto's ModelProto) whose first field is the version of the format, a small number;
// then comes another of its fields.
bool is_onnx(std::string_view bytes) {
  constexpr std::string_view kNextFields("\x12\x1a\x22\x28\x32\x3a\x42\x72");
  constexpr unsigned char kNewestVersion = 64;  // with room: 11 in 2025
  return bytes.size() > 2 && bytes[0] == '\x08' && static_cast<unsigned char>(bytes[1]) <= kNewestVersion &&
         kNextFields.find(bytes[2]) != std::string_view::npos;
}

}  // namespace

WeightsFile load_weights(const std::filesystem::path& path) {
  constexpr size_t kMaxFile = size_t{1} << 34;
  const std::string extension = path.extension().string();
  if (extension == ".param" || extension == ".bin") return read_ncnn(path);
  const std::string bytes = read_file(path, kMaxFile);
  const std::string origin = path.string();
  const auto begins = [&](std::string_view magic) { return bytes.compare(0, magic.size(), magic) == 0; };
  if (begins("PK")) return holds_npy(bytes, origin) ? parse_npz(bytes, origin) : parse_torch_zip(bytes, origin);
  if (begins("\x80\x02")) return parse_torch_legacy(bytes, origin);
  if (bytes.size() > 8 && bytes[8] == '{') return parse_safetensors(bytes, origin);
  if (begins("MATLAB 5.0")) return parse_mat(bytes, origin);
  if (begins("MATLAB 7.3")) {
    throw InputError(fmt::format("'{}' is a MATLAB 7.3 (HDF5) file; save it again with -v6 or -v7", origin));
  }
  if (extension == ".onnx" || is_onnx(bytes)) {
    throw InputError(
        fmt::format("'{}' is an ONNX file; zsr reads the weights it was made of (.pth, .safetensors)", origin));
  }
  if (begins("GGUF") || begins("\x89HDF") || (bytes.size() > 8 && bytes.compare(4, 4, "TFL3") == 0)) {
    throw InputError(fmt::format("'{}' is a GGUF, HDF5 or TFLite file; convert it to safetensors", origin));
  }
  throw InputError(
      fmt::format("'{}' is no weights file that zsr reads (safetensors, PyTorch .pth or .pt, ncnn .param and .bin, "
                  "MATLAB .mat, NumPy .npz)",
                  origin));
}

}  // namespace zsr
