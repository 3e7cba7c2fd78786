#pragma once

#include "core/files.h"
#include "degradations/recipe.h"
#include "image/photo_codec.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace zsr {

/// A photo to make pairs of.
struct PairSource {
  std::filesystem::path path;
  std::string file;  ///< Path inside its folder, e.g. "trip/a.jpg"; names the results and seeds the drawing.
};

/// How a folder of pairs is made.
struct PairOptions {
  Scale scale{4.0, 4.0};
  int64_t variants = 1;  ///< Pairs drawn per photo or patch, >= 1.
  int64_t patch = 0;     ///< Side of random HR patches, a multiple of the scale; 0 = whole photos.
  int64_t patches = 1;   ///< Patches per photo, >= 1.
  bool flat = false;     ///< Only LR images, straight into the folder, and no manifest.
  bool keep_hr = true;   ///< Write the HR images as they were cut.
  int bit_depth = 8;     ///< Of the LR files, 8 or 16; 16 only where `flat`.
  uint64_t seed = 0;
  int64_t threads = 1;  ///< Pairs made at once.
  Overwrite overwrite = Overwrite::kNo;
  ReadLimits limits;
  int64_t cache_bytes = 1'000'000'000;  ///< For decoded photos.
  void validate() const;                ///< Throws OptionError.
};

/// What became of the pairs.
struct PairTally {
  int64_t planned = 0;
  int64_t made = 0;
  int64_t already_there = 0;  ///< Proved by the manifest and the files' hashes.
  int64_t failed = 0;
  bool stopped = false;
  std::vector<std::string> problems;  ///< One line per failure.
};

/// Called after each pair, from one thread at a time; false asks to stop.
using PairProgress = std::function<bool(const PairTally&)>;

/// Note [Manifest]
/// manifest.jsonl in the folder of the results: a first line that names the run (format, zsr version, recipe, seed,
/// sizes, library versions), then one line a pair in the order of the plan: names and SHA-256 of source, LR and HR, the
/// crop, and every step with every drawn number. A pair's numbers come from the seed, the photo's file name and the
/// pair's own number alone: neither threads nor other photos change them. Lines are appended as pairs get done; a
/// killed run leaves at most an unfinished last line, which the next run takes away.

/// Makes the pairs of `sources` under `folder`: LR/, HR/, kernels/ (where a single blur made the pair; .mat) and the
/// manifest. A folder with the manifest of the same run is continued: pairs whose files still have their recorded
/// hashes are left alone. Photos that cannot be read or are too small are counted and noted. Throws InputError when the
/// folder holds another run and IoError when a result cannot be written (the run can then be resumed).
PairTally make_pairs(const std::vector<PairSource>& sources, const Recipe& recipe, const std::filesystem::path& folder,
                     const PairOptions& options, const PairProgress& progress = {});

/// How a manifest is replayed.
struct ReplayOptions {
  std::filesystem::path hr_folder;  ///< Where the photos are; empty = where they were.
  bool any_version = false;         ///< Accept the manifest of another zsr version or other library versions.
  int64_t threads = 1;
  Overwrite overwrite = Overwrite::kNo;
  ReadLimits limits;
  int64_t cache_bytes = 1'000'000'000;
};

/// Makes the pairs of a manifest again. A photo that changed, and a result whose hash is not the recorded one, count as
/// failed. Throws InputError for a manifest that is damaged or of another version.
PairTally replay_pairs(const std::filesystem::path& manifest, const std::filesystem::path& folder,
                       const ReplayOptions& options, const PairProgress& progress = {});

}  // namespace zsr
