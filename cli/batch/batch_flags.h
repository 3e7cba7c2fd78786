#pragma once

#include "cli/batch/batch_run.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/options.h"
#include "datasets/image_folder.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// Flags of commands that take folders.
struct BatchFlags {
  bool recursive = false;
  bool skip_existing = false;
  bool retry_quarantined = false;
  bool claim = false;
  int64_t jobs = 1;
  int64_t retries = 1;
  std::string include, exclude;
  std::string timeout;
  std::string memory;
  std::string grace = "20s";
  std::string lease = "60s";
  std::string shard = "auto";
};

/// Whether a photo passes --include and --exclude: lists of shell patterns, of which one must or none may fit its path
/// inside the folder or its name. Empty: no condition.
bool is_wanted(const std::string& include, const std::string& exclude, const std::string& relative);

/// `letter`: -r too, where it is not taken by --reference.
void add_batch_flags(OptionSet& options, BatchFlags& flags, bool letter = true);

/// Inputs and where their results go.
struct BatchPlan {
  std::vector<BatchItem> items;
  int64_t not_images = 0;
  bool into_folder = false;  ///< The results go into one folder; without it each lies beside its photo.
  bool many = false;         ///< A folder was named, or several photos: a batch.
  std::optional<double> timeout_s;
  double grace_s = 0.0;
  double lease_s = 0.0;
};

/// Name of a result: of the photo's path inside the folder, or of the photo that it shall lie beside.
struct ResultNames {
  std::function<std::filesystem::path(const std::filesystem::path& relative)> in_folder;
  std::function<std::filesystem::path(const std::filesystem::path& input)> beside;  ///< Empty: -o must be given.
  /// Photos whose results would have one name are refused. Else run_batch makes the first and reports the others.
  bool distinct = false;
};

/// Lists the inputs, those `files` of folders that pass --include and --exclude, and names the results; makes the
/// folder. Results of photos that differ in their extensions alone are kept apart. Throws UsageError and IoError.
BatchPlan plan_batch(const std::vector<std::string>& inputs, const std::string& output, const BatchFlags& flags,
                     const ResultNames& names, FolderFiles files = FolderFiles::kImages);

/// The flags as options. `command`: the words before the flags; `given`: the flags as parsed.
BatchOptions batch_options(const BatchFlags& flags, const CommonFlags& common, const OptionSet& given,
                           std::vector<std::string> command, const BatchPlan& plan, const std::string& output,
                           bool force);

/// True in a process that works for a batch: what it prints of settings and summaries is the batch's business.
bool in_worker();

}  // namespace zsr::cli
