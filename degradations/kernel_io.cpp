#include "degradations/kernel_io.h"

#include "core/error.h"
#include "core/files.h"
#include "core/image/photo.h"

#include <fmt/format.h>
#include <matio.h>
#include <torch/torch.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

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
    throw InputError(fmt::format("kernel '{}' is cut off or damaged", name));
  }
}

torch::Tensor read_mat(const std::filesystem::path& path) {
  const std::unique_ptr<mat_t, int (*)(mat_t*)> file(Mat_Open(path.c_str(), MAT_ACC_RDONLY), Mat_Close);
  if (!file) throw InputError(fmt::format("kernel '{}' is not a readable MATLAB file", path.string()));
  using Variable = std::unique_ptr<matvar_t, void (*)(matvar_t*)>;
  for (const char* preferred : {"Kernel", "kernel"}) {
    const Variable variable(Mat_VarRead(file.get(), preferred), Mat_VarFree);
    if (!variable) continue;
    if (variable->rank != 2 || variable->data == nullptr) {
      throw InputError(fmt::format("kernel '{}': variable '{}' has {} dimensions, must be a 2-D array", path.string(),
                                   preferred, variable->rank));
    }
    return matrix_of(*variable, fmt::format("kernel '{}': variable '{}'", path.string(), preferred));
  }
  std::vector<std::string> found;
  torch::Tensor only;
  Mat_Rewind(file.get());
  while (true) {
    const Variable variable(Mat_VarReadNext(file.get()), Mat_VarFree);
    if (!variable) break;
    const bool numeric = variable->class_type >= MAT_C_DOUBLE && variable->class_type <= MAT_C_UINT64;
    if (!numeric || variable->rank != 2 || variable->data == nullptr) continue;
    found.emplace_back(variable->name != nullptr ? variable->name : "?");
    if (found.size() == 1)
      only = matrix_of(*variable, fmt::format("kernel '{}': variable '{}'", path.string(), found[0]));
  }
  if (found.size() != 1) {
    throw InputError(
        fmt::format("kernel '{}' has no variable 'Kernel' and {} other 2-D numeric arrays; exactly one is "
                    "needed",
                    path.string(), found.size()));
  }
  return only;
}

// The .npy header is a Python dict of three known keys; nothing of it is evaluated.
torch::Tensor read_npy(const std::string& bytes, const std::string& name) {
  const auto fail = [&](const std::string& why) -> InputError {
    return InputError(fmt::format("kernel '{}': bad .npy file, {}", name, why));
  };
  if (bytes.size() < 12) throw fail("cut off");
  const bool long_header = bytes[6] >= 2;
  const size_t start = long_header ? 12 : 10;
  size_t length = 0;
  for (size_t i = 0; i < (long_header ? 4U : 2U); ++i) {
    length |= static_cast<size_t>(static_cast<unsigned char>(bytes[8 + i])) << (8 * i);
  }
  if (length > bytes.size() - start) throw fail("cut off");
  const std::string header = bytes.substr(start, length);
  const auto value_after = [&](const char* key) {
    const size_t at = header.find(key);
    const size_t colon = at == std::string::npos ? at : header.find(':', at);
    if (colon == std::string::npos) throw fail("a header field is missing");
    return header.substr(colon + 1);
  };
  const std::string type = value_after("'descr'");
  const bool fortran = value_after("'fortran_order'").find("True") < 6;
  std::string shape = value_after("'shape'");
  shape = shape.substr(0, shape.find(')'));
  std::vector<size_t> sizes;
  for (size_t i = 0; i < shape.size();) {
    if (std::isdigit(static_cast<unsigned char>(shape[i])) == 0) {
      ++i;
      continue;
    }
    size_t value = 0;
    const auto parsed = std::from_chars(shape.data() + i, shape.data() + shape.size(), value);
    if (parsed.ec != std::errc{}) throw fail("bad shape");
    sizes.push_back(value);
    i = static_cast<size_t>(parsed.ptr - shape.data());
  }
  if (sizes.size() != 2)
    throw InputError(fmt::format("kernel '{}' has {} dimension(s), must be 2-D", name, sizes.size()));
  const size_t rows = sizes[0];
  const size_t columns = sizes[1];
  const bool is_double = type.find("<f8") < 4;
  const bool is_float = type.find("<f4") < 4;
  if (!is_double && !is_float) throw fail("only little-endian float32 and float64 are read");
  if (rows > 4096 || columns > 4096) throw fail("too large");
  const size_t item = is_double ? 8 : 4;
  if (bytes.size() - start - length < rows * columns * item) throw fail("cut off");
  std::vector<double> aligned(rows * columns + 1);
  std::memcpy(aligned.data(), bytes.data() + start + length, rows * columns * item);
  const auto read_as = [&](size_t r, size_t c) {
    return is_double ? column_major<double>(aligned.data(), r, c) : column_major<float>(aligned.data(), r, c);
  };
  return fortran ? read_as(rows, columns) : read_as(columns, rows).t().contiguous();
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
        throw InputError(
            fmt::format("kernel '{}' is none of .mat, .npy, image or rows of numbers ('{}' is not a number)", name,
                        word.substr(0, 20)));
      }
    }
    if (count == 0) continue;
    if (rows > 0 && count != columns) {
      throw InputError(
          fmt::format("kernel '{}': row {} has {} numbers, the first has {}", name, rows + 1, count, columns));
    }
    columns = count;
    ++rows;
  }
  if (rows == 0) throw InputError(fmt::format("kernel '{}' holds no numbers", name));
  return torch::tensor(values, torch::kFloat64).view({static_cast<int64_t>(rows), static_cast<int64_t>(columns)});
}

bool is_image(std::string_view head) {
  return head.substr(0, 4) == "\x89PNG" || head.substr(0, 2) == "\xFF\xD8" || head.substr(0, 2) == "BM" ||
         head.substr(0, 3) == "II*" || head.substr(0, 2) == "MM" || head.substr(0, 2) == "P5";
}

}  // namespace

BlurKernel load_kernel(const std::filesystem::path& path, KernelConvention convention) {
  const std::string bytes = read_file(path, kLargestFile);
  const std::string name = path.string();
  if (bytes.empty()) throw InputError(fmt::format("kernel '{}' is empty (0 bytes)", name));
  torch::Tensor weights;
  if (bytes.rfind("MATLAB", 0) == 0 || bytes.rfind("\x89HDF", 0) == 0) {
    check_mat_is_whole(bytes, name);
    weights = read_mat(path);
  } else if (bytes.rfind("\x93NUMPY", 0) == 0) {
    weights = read_npy(bytes, name);
  } else if (is_image(bytes)) {
    weights = load_photo(path).color.mean(1)[0];
  } else {
    weights = read_text(bytes, name);
  }
  return BlurKernel::from_convention(weights, convention, fmt::format("kernel '{}'", name));
}

}  // namespace zsr
