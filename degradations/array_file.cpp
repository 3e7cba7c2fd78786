#include "degradations/array_file.h"

#include "core/error.h"
#include "core/files.h"
#include "image/photo.h"
#include "nn/weights/npy_array.h"

#include <fmt/format.h>
#include <matio.h>
#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <sstream>

namespace zsr {
namespace {

constexpr size_t kLargestFile = 64U << 20U;

template <typename Number>
torch::Tensor column_major(const void* data, size_t rows, size_t columns) {
  torch::Tensor tensor = torch::empty({static_cast<int64_t>(rows), static_cast<int64_t>(columns)}, torch::kFloat64);
  auto entry = tensor.accessor<double, 2>();
  const auto* value = static_cast<const Number*>(data);
  for (size_t c = 0; c < columns; ++c) {
    for (size_t r = 0; r < rows; ++r) entry[r][c] = static_cast<double>(value[c * rows + r]);
  }
  return tensor;
}

torch::Tensor matrix_of(const matvar_t& variable, const std::string& name) {
  const size_t rows = variable.dims[0];
  const size_t columns = variable.dims[1];
  if (variable.isComplex != 0) throw InputError(fmt::format("{} is complex", name));
  if (rows > 4096 || columns > 4096) throw InputError(fmt::format("{} is {}x{}, too large", name, rows, columns));
  switch (variable.data_type) {
    case MAT_T_DOUBLE:
      return column_major<double>(variable.data, rows, columns);
    case MAT_T_SINGLE:
      return column_major<float>(variable.data, rows, columns);
    case MAT_T_UINT8:
      return column_major<uint8_t>(variable.data, rows, columns);
    case MAT_T_UINT16:
      return column_major<uint16_t>(variable.data, rows, columns);
    case MAT_T_INT16:
      return column_major<int16_t>(variable.data, rows, columns);
    case MAT_T_INT32:
      return column_major<int32_t>(variable.data, rows, columns);
    default:
      throw InputError(fmt::format("{} is not a numeric array", name));
  }
}

// matio reads past the end of a cut v5 file without a word, so the lengths of its elements are checked first. Layout:
// 128 bytes of header whose last two say the byte order, then elements of 8 bytes (type, length) and data.
void check_mat_is_whole(const std::string& bytes, const std::string& name) {
  constexpr size_t kHeader = 128;
  const bool is_v5 = bytes.rfind("MATLAB 5.0", 0) == 0;
  if (!is_v5) return;  // v7.3 is HDF5, which checks itself
  const bool little = bytes.size() >= kHeader && bytes[126] == 'I' && bytes[127] == 'M';
  size_t at = kHeader;
  while (at + 8 <= bytes.size()) {
    uint64_t length = 0;
    for (size_t i = 0; i < 4; ++i) {
      length |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + 4 + (little ? i : 3 - i)])) << (8 * i);
    }
    at += 8 + length;
  }
  if (at != bytes.size() || bytes.size() == kHeader) {
    throw InputError(fmt::format("{} is cut off or damaged", name));
  }
}

using Variable = std::unique_ptr<matvar_t, void (*)(matvar_t*)>;

bool is_numeric(const matvar_t& variable) {
  return variable.class_type >= MAT_C_DOUBLE && variable.class_type <= MAT_C_UINT64 && variable.data != nullptr;
}

size_t element_size(const matvar_t& variable) {
  return variable.data_size > 0 ? static_cast<size_t>(variable.data_size) : Mat_SizeOf(variable.data_type);
}

// The arrays of one variable: itself, the slices of a 3-D array along its last axis, or the cells of a cell array.
std::vector<torch::Tensor> arrays_of(const matvar_t& variable, const std::string& name) {
  std::vector<torch::Tensor> arrays;
  if (variable.class_type == MAT_C_CELL && variable.data != nullptr) {
    const auto* const* cells = static_cast<const matvar_t* const*>(variable.data);
    const size_t count = variable.nbytes / sizeof(matvar_t*);
    for (size_t i = 0; i < count; ++i) {
      if (cells[i] == nullptr || !is_numeric(*cells[i]) || cells[i]->rank != 2) {
        throw InputError(fmt::format("{}: cell {} is not a 2-D numeric array", name, i + 1));
      }
      arrays.push_back(matrix_of(*cells[i], fmt::format("{}: cell {}", name, i + 1)));
    }
    return arrays;
  }
  if (!is_numeric(variable)) throw InputError(fmt::format("{} is not a numeric array", name));
  if (variable.rank == 2) return {matrix_of(variable, name)};
  if (variable.rank != 3) {
    throw InputError(
        fmt::format("{} has {} dimensions, must be a 2-D array (or a stack of them)", name, variable.rank));
  }
  if (variable.dims[2] > 100000) throw InputError(fmt::format("{} has {} slices, too many", name, variable.dims[2]));
  matvar_t slice = variable;
  size_t dims[2] = {variable.dims[0], variable.dims[1]};
  slice.rank = 2;
  slice.dims = dims;
  for (size_t i = 0; i < variable.dims[2]; ++i) {
    slice.data = static_cast<char*>(variable.data) + i * dims[0] * dims[1] * element_size(variable);
    arrays.push_back(matrix_of(slice, name));
  }
  return arrays;
}

std::vector<torch::Tensor> read_mat(const std::filesystem::path& path, const std::string& role) {
  const std::unique_ptr<mat_t, int (*)(mat_t*)> file(Mat_Open(path.c_str(), MAT_ACC_RDONLY), Mat_Close);
  if (!file) throw InputError(fmt::format("{} '{}' is not a readable MATLAB file", role, path.string()));
  for (const char* preferred : {"Kernel", "kernel", "kernels", "P"}) {
    const Variable variable(Mat_VarRead(file.get(), preferred), Mat_VarFree);
    if (variable) return arrays_of(*variable, fmt::format("{} '{}': variable '{}'", role, path.string(), preferred));
  }
  std::vector<torch::Tensor> only;
  size_t found = 0;
  Mat_Rewind(file.get());
  while (true) {
    const Variable variable(Mat_VarReadNext(file.get()), Mat_VarFree);
    if (!variable) break;
    if (!is_numeric(*variable) || variable->rank != 2) continue;
    const std::string name = variable->name != nullptr ? variable->name : "?";
    if (++found == 1) only = arrays_of(*variable, fmt::format("{} '{}': variable '{}'", role, path.string(), name));
  }
  if (found != 1) {
    throw InputError(
        fmt::format("{} '{}' has no variable 'Kernel' and {} other 2-D numeric arrays; exactly one is needed", role,
                    path.string(), found));
  }
  return only;
}

torch::Tensor read_npy(const std::string& bytes, const std::string& name) {
  const torch::Tensor array = parse_npy(bytes, name);
  if (!array.is_floating_point())
    throw InputError(fmt::format("{}: bad .npy file, only float arrays are kernels", name));
  if (array.dim() != 2) throw InputError(fmt::format("{} has {} dimension(s), must be 2-D", name, array.dim()));
  if (array.size(0) > 4096 || array.size(1) > 4096) {
    throw InputError(fmt::format("{} is {}x{}, too large", name, array.size(0), array.size(1)));
  }
  return array.to(torch::kFloat64);
}

torch::Tensor read_text(std::string bytes, const std::string& name) {
  std::replace_if(
      bytes.begin(), bytes.end(), [](char c) { return c == ',' || c == ';' || c == '\t' || c == '\r'; }, ' ');
  std::vector<double> values;
  size_t rows = 0;
  size_t columns = 0;
  std::istringstream lines(bytes);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    size_t count = 0;
    for (std::string word; words >> word; ++count) {
      char* end = nullptr;
      values.push_back(std::strtod(word.c_str(), &end));  // also reads "nan", which BlurKernel then names
      if (end == word.c_str() || *end != '\0') {
        throw InputError(fmt::format("{} is none of .mat, .npy, image or rows of numbers ('{}' is not a number)", name,
                                     word.substr(0, 20)));
      }
    }
    if (count == 0) continue;
    if (rows > 0 && count != columns) {
      throw InputError(fmt::format("{}: row {} has {} numbers, the first has {}", name, rows + 1, count, columns));
    }
    columns = count;
    ++rows;
  }
  if (rows == 0) throw InputError(fmt::format("{} holds no numbers", name));
  return torch::tensor(values, torch::kFloat64).view({static_cast<int64_t>(rows), static_cast<int64_t>(columns)});
}

bool is_image(std::string_view head) {
  return head.substr(0, 4) == "\x89PNG" || head.substr(0, 2) == "\xFF\xD8" || head.substr(0, 2) == "BM" ||
         head.substr(0, 3) == "II*" || head.substr(0, 2) == "MM" || head.substr(0, 2) == "P5";
}

// The .npy layout of version 1.0 (NumPy's own documentation): magic, version, header length, a padded dict, the data.
std::string npy_bytes(const torch::Tensor& array) {
  std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", array.size(0), array.size(1));
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFFU);
  bytes += static_cast<char>(header.size() >> 8U);
  bytes += header;
  const torch::Tensor values = array.contiguous();
  return bytes.append(static_cast<const char*>(values.data_ptr()), static_cast<size_t>(values.numel()) * 8);
}

std::string text_bytes(const torch::Tensor& array) {
  std::string text;
  const auto at = array.accessor<double, 2>();
  for (int64_t r = 0; r < array.size(0); ++r) {
    for (int64_t c = 0; c < array.size(1); ++c) text += fmt::format("{}{}", c == 0 ? "" : " ", at[r][c]);
    text += '\n';
  }
  return text;
}

void append_words(std::string& bytes, std::initializer_list<uint32_t> words) {
  for (const uint32_t word : words) {
    for (int i = 0; i < 4; ++i) bytes += static_cast<char>((word >> (8 * i)) & 0xFFU);
  }
}

// MATLAB's own description of MAT-file version 5: a header of 128 bytes, then one matrix made of flags, dimensions,
// name and samples by columns. matio writes only to a named file and stamps the date into it; these bytes are the same
// for the same kernel.
std::string mat_bytes(const torch::Tensor& array) {
  constexpr uint32_t kInt8 = 1;
  constexpr uint32_t kInt32 = 5;
  constexpr uint32_t kUint32 = 6;
  constexpr uint32_t kDouble = 9;
  constexpr uint32_t kMatrix = 14;
  constexpr uint32_t kDoubleClass = 6;
  std::string bytes = "MATLAB 5.0 MAT-file, written by zsr";
  bytes.resize(124, ' ');
  bytes += std::string("\x00\x01IM", 4);
  const auto samples = static_cast<uint32_t>(array.numel() * 8);
  append_words(bytes, {kMatrix, 16 + 16 + 16 + 8 + samples});
  append_words(bytes, {kUint32, 8, kDoubleClass, 0});
  append_words(bytes, {kInt32, 8, static_cast<uint32_t>(array.size(0)), static_cast<uint32_t>(array.size(1))});
  append_words(bytes, {kInt8, 6});
  bytes += std::string("Kernel\0\0", 8);
  append_words(bytes, {kDouble, samples});
  const torch::Tensor columns = array.t().contiguous();
  return bytes.append(static_cast<const char*>(columns.data_ptr()), samples);
}

}  // namespace

std::vector<torch::Tensor> load_arrays(const std::filesystem::path& path, const std::string& role) {
  const std::string bytes = read_file(path, kLargestFile);
  const std::string name = path.string();
  if (bytes.empty()) throw InputError(fmt::format("{} '{}' is empty (0 bytes)", role, name));
  if (bytes.rfind("MATLAB", 0) == 0 || bytes.rfind("\x89HDF", 0) == 0) {
    check_mat_is_whole(bytes, fmt::format("{} '{}'", role, name));
    return read_mat(path, role);
  }
  if (bytes.rfind("\x93NUMPY", 0) == 0) return {read_npy(bytes, fmt::format("{} '{}'", role, name))};
  if (is_image(bytes)) return {load_photo(path).color.mean(1)[0].to(torch::kFloat64)};
  return {read_text(bytes, fmt::format("{} '{}'", role, name))};
}

bool is_image_file(const std::filesystem::path& path) {
  return is_image(read_file(path, kLargestFile).substr(0, 8));
}

void save_array(const torch::Tensor& array, const std::filesystem::path& path, Overwrite overwrite) {
  const torch::Tensor values = array.to(torch::kCPU, torch::kFloat64).contiguous();
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  check_output(path, {}, overwrite);
  if (extension == ".mat") {
    write_file_atomically(path, mat_bytes(values), overwrite);
  } else if (extension == ".npy") {
    write_file_atomically(path, npy_bytes(values), overwrite);
  } else if (extension == ".txt" || extension == ".csv") {
    write_file_atomically(path, text_bytes(values), overwrite);
  } else if (extension == ".png") {
    // 16 bits, the largest weight white; negative weights (sinc) cannot be shown and are refused.
    if (values.min().item<double>() < 0.0) {
      throw OptionError(
          fmt::format("'{}': the kernel has negative weights, which a picture cannot hold; use .mat, "
                      ".npy or .txt",
                      path.string()));
    }
    Photo photo;
    photo.color = (values / values.max()).to(torch::kFloat32).unsqueeze(0).unsqueeze(0);
    photo.bit_depth = 16;
    save_photo(photo, path, {.format = ImageFormat::kPng, .overwrite = overwrite});
  } else {
    throw OptionError(fmt::format("cannot write '{}': a kernel file ends in .mat, .npy, .txt or .png", path.string()));
  }
}

}  // namespace zsr
