#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// Which files of a folder are photos, by their extensions.
enum class FolderFiles {
  kImages,        ///< Those of an image format.
  kCameraRaw,     ///< Those of a camera raw format.
  kImagesAndRaw,  ///< Both.
};

/// Photos in `folder`, sorted by path: regular files, and links that lead nowhere, whose extension is one of `files`.
/// Hidden files, other files and, unless `recursive`, subfolders are left out; `skipped` (may be null) counts the other
/// files. Throws IoError.
std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder, bool recursive = false,
                                               int64_t* skipped = nullptr, FolderFiles files = FolderFiles::kImages);

/// A result and the reference it belongs to.
struct ImagePair {
  std::string name;
  std::filesystem::path result;
  std::filesystem::path reference;
};

/// Pairs two folders (or two files) by name: equal stems, or the result's stem with a suffix _x2, _x1.5, ... cut off.
/// Every result must have its reference and the other way round, else InputError names the odd ones. InputError too
/// where two results, or two references, have one stem.
std::vector<ImagePair> pair_by_name(const std::filesystem::path& results, const std::filesystem::path& references);

}  // namespace zsr
