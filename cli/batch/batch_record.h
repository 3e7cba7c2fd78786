#pragma once

#include "cli/batch/batch_run.h"
#include "cli/batch/claims.h"
#include "cli/batch/manifest.h"
#include "core/files.h"

#include <memory>
#include <set>
#include <string>

namespace zsr::cli {

/// What a batch keeps in the folder of its results so that it can be killed and called again, and share the folder with
/// other runs: manifest, claims, list of the photos given up. Without a folder nothing is known and nothing written.
class BatchRecord {
 public:
  /// Reads what earlier runs left and opens this run's manifest. `jobs`: for its first line. Throws IoError.
  BatchRecord(const BatchOptions& options, size_t jobs);

  /// Whether an earlier run made the item of this input with these settings, and neither has changed since.
  bool was_made(const BatchItem& item) const;
  /// Whether it was begun with these settings: what lies at its output is then this batch's own.
  bool was_begun(const BatchItem& item) const;
  /// Whether it was given up with these settings, and never made.
  bool was_given_up(const BatchItem& item) const;
  /// kOurs where no other runs share the folder. What is taken over is looked up in all manifests again, so that
  /// was_begun() knows of it. Throws IoError.
  Claims::Answer claim(const BatchItem& item);

  /// Makes the output's folder and writes down that work begins. Returns the hash of the input, empty without a folder.
  /// Throws IoError, filesystem_error; IoError too when the output leads out of the folder or may not be replaced: then
  /// nothing is written down, so that was_begun() never takes what others put there for this batch's own.
  std::string begin(const BatchItem& item, int64_t attempt, Overwrite overwrite);

  /// One attempt at an item, as it ended.
  struct Attempt {
    std::string input_hash;  ///< As begin() gave it.
    int64_t number = 1;
    double seconds = 0.0;
  };
  /// It was made. Throws IoError.
  void finish(const BatchItem& item, const Attempt& attempt);
  /// It failed. `passing`: through no fault of the photo, so it is not given up. Never throws for a full disk.
  void fail(const BatchItem& item, const Attempt& attempt, const std::string& reason, bool passing);
  /// It was left before its end.
  void release(const BatchItem& item);
  /// It is left out for having been given up before.
  void leave_out(const BatchItem& item) { given_up_.insert(item.name); }
  /// Call it often: tells other runs that this one lives.
  void keep_claims();
  /// For people; what the next run leaves out stands in the manifest.
  void write_quarantine() const;

 private:
  void open();
  nlohmann::json line(const char* status, const BatchItem& item, const std::string& input_hash, int64_t attempt) const;
  bool has_settings(const std::optional<nlohmann::json>& line) const;

  const BatchOptions& options_;
  std::string settings_;
  History history_;
  std::unique_ptr<ManifestWriter> manifest_;
  std::unique_ptr<Claims> claims_;
  std::set<std::string> given_up_;
};

/// Removes what a killed process left of an output that was not finished.
void remove_leftovers(const std::filesystem::path& output);

}  // namespace zsr::cli
