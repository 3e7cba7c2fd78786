#include "datasets/image_folder.h"

#include "core/error.h"
#include "image/camera_raw.h"
#include "image/photo_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <regex>

namespace zsr {
namespace {

namespace fs = std::filesystem;

bool has_image_extension(const fs::path& path) {
  if (!path.has_extension()) return false;
  try {
    format_from_name(path);
    return true;
  } catch (const OptionError&) {
    return false;
  }
}

bool is_one_of(FolderFiles files, const fs::path& path) {
  const bool image = files != FolderFiles::kCameraRaw && has_image_extension(path);
  return image || (files != FolderFiles::kImages && has_camera_raw_extension(path));
}

std::string without_scale_suffix(const std::string& stem) {
  static const std::regex suffix("_x[0-9.]+(x[0-9.]+)?$");
  return std::regex_replace(stem, suffix, "");
}

std::string first_names(const std::vector<std::string>& names) {
  std::string text = names.front();
  for (size_t i = 1; i < std::min<size_t>(3, names.size()); ++i) text += ", " + names[i];
  return names.size() > 3 ? text + fmt::format(" and {} more", names.size() - 3) : text;
}

}  // namespace

std::vector<fs::path> list_images(const fs::path& folder, bool recursive, int64_t* skipped, FolderFiles files) {
  std::vector<fs::path> images;
  int64_t others = 0;
  std::error_code error;
  const auto visit = [&](const fs::directory_entry& entry) {
    std::error_code ignored;
    // A link that leads nowhere is a photo that someone misses: whoever reads it says so.
    const bool lost = entry.is_symlink(ignored) && !entry.exists(ignored);
    if (!lost && !entry.is_regular_file(ignored)) return;
    const bool hidden = entry.path().filename().string().front() == '.';
    if (!hidden && is_one_of(files, entry.path())) {
      images.push_back(entry.path());
    } else {
      ++others;
    }
  };
  if (recursive) {
    for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) visit(*it);
  } else {
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) visit(*it);
  }
  if (error) throw IoError(fmt::format("cannot list folder '{}': {}", folder.string(), error.message()));
  std::sort(images.begin(), images.end());
  if (skipped != nullptr) *skipped = others;
  return images;
}

std::vector<ImagePair> pair_by_name(const fs::path& results, const fs::path& references) {
  const bool folders = fs::is_directory(results);
  for (const fs::path& path : {results, references}) {
    if (!fs::exists(path)) throw IoError(fmt::format("cannot read '{}': it does not exist", path.string()));
  }
  if (folders != fs::is_directory(references)) {
    throw InputError(
        fmt::format("'{}' and '{}' must be two files or two folders", results.string(), references.string()));
  }
  if (!folders) return {{results.stem().string(), results, references}};

  const auto refuse_twice = [](const char* what, const fs::path& one, const fs::path& other, const fs::path& folder) {
    throw InputError(fmt::format("{} '{}' and '{}' in '{}' have one name, and pairs go by name; remove or rename one",
                                 what, one.filename().string(), other.filename().string(), folder.string()));
  };
  std::map<std::string, fs::path> by_stem;
  for (const fs::path& path : list_images(references)) {
    const auto [at, is_new] = by_stem.try_emplace(path.stem().string(), path);
    if (!is_new) refuse_twice("the references", at->second, path, references);
  }
  std::map<std::string, fs::path> taken;
  std::vector<ImagePair> pairs;
  std::vector<std::string> lost;
  for (const fs::path& path : list_images(results)) {
    std::string stem = path.stem().string();
    auto found = by_stem.find(stem);
    if (found == by_stem.end() && taken.count(stem) == 0) found = by_stem.find(stem = without_scale_suffix(stem));
    if (found == by_stem.end() && taken.count(stem) > 0) refuse_twice("the results", taken[stem], path, results);
    if (found == by_stem.end()) {
      lost.push_back(path.filename().string());
      continue;
    }
    pairs.push_back({stem, path, found->second});
    taken[stem] = path;
    by_stem.erase(found);
  }
  if (!lost.empty()) {
    throw InputError(
        fmt::format("no reference in '{}' for {}; pairs go by name", references.string(), first_names(lost)));
  }
  if (!by_stem.empty()) {
    std::vector<std::string> missing;
    for (const auto& [stem, path] : by_stem) missing.push_back(path.filename().string());
    throw InputError(fmt::format("no result in '{}' for {}; pairs go by name", results.string(), first_names(missing)));
  }
  if (pairs.empty()) throw InputError(fmt::format("no images in '{}'", results.string()));
  return pairs;
}

}  // namespace zsr
