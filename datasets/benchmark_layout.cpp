#include "datasets/benchmark_layout.h"

#include "core/error.h"
#include "datasets/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <regex>

namespace zsr {
namespace {

namespace fs = std::filesystem;

// The first of `names` that is a folder inside `folder`.
std::optional<fs::path> first_folder(const fs::path& folder, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (fs::is_directory(folder / name)) return folder / name;
  }
  return std::nullopt;
}

std::string number_at_end(const std::string& stem) {
  const size_t last = stem.find_last_not_of("0123456789");
  return last == std::string::npos ? stem : stem.substr(last + 1);
}

// Pairs two folders of images: `partner` gives the stem expected for an HR stem.
std::vector<BenchmarkItem> pair_folders(const fs::path& hr_folder, const fs::path& lr_folder,
                                        const std::function<std::string(const std::string&)>& partner) {
  std::map<std::string, fs::path> lr_by_stem;
  for (const fs::path& path : list_images(lr_folder)) lr_by_stem[path.stem().string()] = path;
  std::vector<BenchmarkItem> items;
  for (const fs::path& hr : list_images(hr_folder)) {
    const std::string stem = hr.stem().string();
    const std::string wanted = partner(stem);
    const auto found = lr_by_stem.find(wanted);
    if (found == lr_by_stem.end()) {
      throw InputError(fmt::format("'{}' has no partner '{}'", hr.string(),
                                   (lr_folder / (wanted + hr.extension().string())).string()));
    }
    items.push_back({stem, hr, found->second, {}});
    lr_by_stem.erase(found);
  }
  if (!lr_by_stem.empty()) {
    throw InputError(
        fmt::format("'{}' has no partner in '{}'", lr_by_stem.begin()->second.string(), hr_folder.string()));
  }
  return items;
}

std::string same(const std::string& stem) {
  return stem;
}

std::optional<Benchmark> selfexsr(const fs::path& folder, int64_t scale) {
  const std::string name = fmt::format("image_SRF_{}", scale);
  const auto inside = first_folder(folder, {name});
  const fs::path images = inside ? *inside : folder;
  const std::string end = fmt::format("_SRF_{}_HR", scale);
  Benchmark benchmark{"SelfExSR", {}};
  for (const fs::path& path : list_images(images)) {
    const std::string stem = path.stem().string();
    if (!stem.ends_with(end)) continue;
    const std::string base = stem.substr(0, stem.size() - end.size());
    const fs::path lr = images / fmt::format("{}_SRF_{}_LR{}", base, scale, path.extension().string());
    if (!fs::exists(lr)) throw InputError(fmt::format("'{}' has no partner '{}'", path.string(), lr.string()));
    benchmark.items.push_back({base, path, lr, {}});
  }
  if (benchmark.items.empty()) return std::nullopt;
  return benchmark;
}

std::optional<Benchmark> realsr(const fs::path& folder, int64_t scale) {
  const auto inside = first_folder(folder, {std::to_string(scale)});
  const fs::path images = inside ? *inside : folder;
  Benchmark benchmark{"RealSR", {}};
  for (const fs::path& path : list_images(images)) {
    const std::string stem = path.stem().string();
    if (!stem.ends_with("_HR") || stem.find("_SRF_") != std::string::npos) continue;
    const std::string base = stem.substr(0, stem.size() - 3);
    const fs::path lr = images / fmt::format("{}_LR{}{}", base, scale, path.extension().string());
    if (!fs::exists(lr)) throw InputError(fmt::format("'{}' has no partner '{}'", path.string(), lr.string()));
    benchmark.items.push_back({base, path, lr, {}});
  }
  if (benchmark.items.empty()) return std::nullopt;
  return benchmark;
}

std::optional<Benchmark> div2k(const fs::path& folder, int64_t scale) {
  for (const char* part : {"valid", "train"}) {
    const fs::path hr = folder / fmt::format("DIV2K_{}_HR", part);
    const fs::path lr = folder / fmt::format("DIV2K_{}_LR_bicubic", part) / fmt::format("X{}", scale);
    if (!fs::is_directory(hr) || !fs::is_directory(lr)) continue;
    return Benchmark{fmt::format("DIV2K {}", part),
                     pair_folders(hr, lr, [&](const std::string& stem) { return fmt::format("{}x{}", stem, scale); })};
  }
  return std::nullopt;
}

std::optional<Benchmark> edsr(const fs::path& folder, int64_t scale) {
  const fs::path lr = folder / "LR_bicubic" / fmt::format("X{}", scale);
  if (!fs::is_directory(folder / "HR") || !fs::is_directory(lr)) return std::nullopt;
  return Benchmark{"EDSR benchmark", pair_folders(folder / "HR", lr, [&](const std::string& stem) {
                     return fmt::format("{}x{}", stem, scale);
                   })};
}

std::optional<Benchmark> basicsr(const fs::path& folder, int64_t scale) {
  const fs::path lr = folder / fmt::format("LRbicx{}", scale);
  const auto hr = first_folder(folder, {"GTmod12", fmt::format("GTmod{}", scale), "GT", "original"});
  if (!hr || !fs::is_directory(lr)) return std::nullopt;
  return Benchmark{"BasicSR", pair_folders(*hr, lr, same)};
}

// DIV2KRK numbers its files: img_1.png, im_1.png, kernel_1.mat.
std::optional<Benchmark> div2krk(const fs::path& folder, int64_t scale) {
  const auto lr_folder = first_folder(folder, {fmt::format("lr_x{}", scale), fmt::format("LR_x{}", scale)});
  const auto hr_folder = first_folder(folder, {"gt", "HR"});
  const auto kernels = first_folder(folder, {fmt::format("gt_k_x{}", scale), fmt::format("kernels_x{}", scale)});
  if (!lr_folder || !hr_folder || !kernels) return std::nullopt;
  std::map<std::string, fs::path> hr_by_number;
  for (const fs::path& path : list_images(*hr_folder)) hr_by_number[number_at_end(path.stem().string())] = path;
  Benchmark benchmark{"DIV2KRK", {}};
  for (const fs::path& lr : list_images(*lr_folder)) {
    const std::string number = number_at_end(lr.stem().string());
    const fs::path kernel = *kernels / fmt::format("kernel_{}.mat", number);
    const auto hr = hr_by_number.find(number);
    if (hr == hr_by_number.end()) {
      throw InputError(fmt::format("'{}' has no partner '{}'", lr.string(),
                                   (*hr_folder / fmt::format("img_{}.png", number)).string()));
    }
    if (!fs::exists(kernel)) throw InputError(fmt::format("'{}' has no partner '{}'", lr.string(), kernel.string()));
    benchmark.items.push_back({lr.stem().string(), hr->second, lr, kernel});
  }
  return benchmark;
}

std::optional<Benchmark> plain(const fs::path& folder, int64_t scale, bool with_kernels) {
  const auto hr = first_folder(folder, {fmt::format("HR_x{}", scale), "HR", "hr", "GT", "gt"});
  const auto lr = first_folder(folder, {fmt::format("LR_x{}", scale), fmt::format("lr_x{}", scale), "LR", "lr"});
  if (!hr || !lr) return std::nullopt;
  Benchmark benchmark{"HR and LR folders", {}};
  for (const ImagePair& pair : pair_by_name(*lr, *hr)) {
    benchmark.items.push_back({pair.name, pair.reference, pair.result, {}});
  }
  const fs::path one_for_all = *lr / "kernel.mat";
  const auto kernels = first_folder(folder, {fmt::format("kernels_x{}", scale), "kernels", "kernel"});
  if (!with_kernels) return benchmark;
  for (BenchmarkItem& item : benchmark.items) {
    if (fs::exists(one_for_all)) item.kernel = one_for_all;
    if (!kernels) continue;
    for (const char* extension : {".mat", ".npy", ".txt"}) {
      const fs::path own = *kernels / (item.lr.stem().string() + extension);
      if (fs::exists(own)) item.kernel = own;
    }
    if (item.kernel.empty()) {
      throw InputError(fmt::format("'{}' has no partner '{}'", item.lr.string(),
                                   (*kernels / (item.lr.stem().string() + ".mat")).string()));
    }
  }
  return benchmark;
}

}  // namespace

Benchmark find_benchmark(const fs::path& folder, int64_t scale, bool with_kernels) {
  if (!fs::is_directory(folder)) throw IoError(fmt::format("'{}' is not a folder", folder.string()));
  for (const auto& find : {div2k, edsr, basicsr, selfexsr, div2krk, realsr}) {
    if (auto benchmark = find(folder, scale)) {
      if (!benchmark->items.empty()) return *benchmark;
    }
  }
  if (auto benchmark = plain(folder, scale, with_kernels); benchmark && !benchmark->items.empty()) return *benchmark;
  const auto hr = first_folder(folder, {fmt::format("HR_x{}", scale), "HR", "hr", "gt", "GT"});
  Benchmark benchmark{"HR images only", {}};
  for (const fs::path& path : list_images(hr ? *hr : folder)) {
    benchmark.items.push_back({path.stem().string(), path, {}, {}});
  }
  if (benchmark.items.empty()) {
    throw InputError(
        fmt::format("'{}' holds no benchmark for x{} that zsr knows, and no images", folder.string(), scale));
  }
  return benchmark;
}

}  // namespace zsr
