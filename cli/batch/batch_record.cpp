#include "cli/batch/batch_record.h"

#include "cli/version.h"
#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <sys/stat.h>
#include <unistd.h>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string time_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

// Flags and the content of the files that they name.
std::string settings_of(const BatchOptions& options) {
  std::string text = fmt::format("zsr {}", build_identity());
  for (const std::string& word : options.command) text += fmt::format(" {}", word);
  for (const std::string& word : options.arguments) {
    text += fmt::format(" '{}'", word);
    const size_t equals = word.find('=');
    const std::string value = equals == std::string::npos ? word : word.substr(equals + 1);
    std::error_code ignored;
    if (fs::is_regular_file(value, ignored)) text += fmt::format(" {}", sha256_of_file(value));
  }
  return sha256(text);
}

// Size and time of a file; what a hash need not be taken again for.
Json stamp_of(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return nullptr;
  return {{"bytes", status.st_size}, {"modified_ns", status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec}};
}

// A copied folder has other times; then the content decides.
bool is_unchanged(const fs::path& path, const Json& line, const char* stamp, const char* hash) {
  const Json now = stamp_of(path);
  if (now.is_null()) return false;
  return line.value(stamp, Json()) == now || line.value(hash, "") == sha256_of_file(path);
}

}  // namespace

BatchRecord::BatchRecord(const BatchOptions& options, size_t jobs)
    : options_(options), settings_(settings_of(options)) {
  if (!options.folder) return;
  open();
  manifest_->append({{"format", "zsr batch manifest 1"},
                     {"version", build_identity()},
                     {"command", options.command},
                     {"arguments", options.arguments},
                     {"settings_sha256", settings_},
                     {"shard", options.shard.text()},
                     {"jobs", jobs},
                     {"time", time_now()}});
}

void BatchRecord::open() {
  const fs::path& folder = *options_.folder;
  history_ = read_manifests(folder);
  std::string name = "zsr-manifest.jsonl";
  if (options_.shard.count > 1) {
    name = fmt::format("zsr-manifest-{}-of-{}.jsonl", options_.shard.index + 1, options_.shard.count);
  }
  if (options_.claim) {
    char host[256] = {};
    gethostname(host, sizeof(host) - 1);
    name = fmt::format("zsr-manifest-{}-{}.jsonl", host, getpid());
    claims_ = std::make_unique<Claims>(folder / ".zsr-claims", settings_, options_.lease_s);
  }
  manifest_ = std::make_unique<ManifestWriter>(folder / name);
}

bool BatchRecord::has_settings(const std::optional<Json>& line) const {
  return line && line->value("settings_sha256", "") == settings_;
}

bool BatchRecord::was_made(const BatchItem& item) const {
  const auto found = history_.find(item.name);
  if (found == history_.end() || !has_settings(found->second.done)) return false;
  const Json& done = *found->second.done;
  return is_unchanged(item.output, done, "output_stamp", "output_sha256") &&
         is_unchanged(item.input, done, "input_stamp", "input_sha256");
}

bool BatchRecord::was_begun(const BatchItem& item) const {
  const auto found = history_.find(item.name);
  return found != history_.end() && has_settings(found->second.started);
}

bool BatchRecord::was_given_up(const BatchItem& item) const {
  const auto found = history_.find(item.name);
  return found != history_.end() && found->second.times_done == 0 && has_settings(found->second.quarantined);
}

Claims::Answer BatchRecord::claim(const BatchItem& item) {
  if (!claims_) return Claims::Answer::kOurs;
  const Claims::Answer answer = claims_->claim(item.name);
  if (answer != Claims::Answer::kTakenOver) return answer;
  history_ = read_manifests(*options_.folder);
  if (!was_made(item)) return answer;
  claims_->finish(item.name);
  return Claims::Answer::kMade;
}

Json BatchRecord::line(const char* status, const BatchItem& item, const std::string& input_hash,
                       int64_t attempt) const {
  return {{"status", status},
          {"name", item.name},
          {"output", item.output.lexically_relative(*options_.folder).string()},
          {"input_sha256", input_hash},
          {"settings_sha256", settings_},
          {"version", build_identity()},
          {"attempt", attempt},
          {"time", time_now()}};
}

std::string BatchRecord::begin(const BatchItem& item, int64_t attempt, Overwrite overwrite) {
  if (!manifest_) return {};
  // A link in the folder of the results may lead anywhere.
  if (!is_inside(*options_.folder, item.output)) {
    throw IoError(fmt::format("'{}' leads out of the folder '{}'; nothing is written there", item.output.string(),
                              options_.folder->string()));
  }
  if (overwrite == Overwrite::kNo) check_absent(item.output);
  if (item.output.has_parent_path()) fs::create_directories(item.output.parent_path());
  std::string hash = sha256_of_file(item.input);
  manifest_->append(line("started", item, hash, attempt));
  return hash;
}

void BatchRecord::finish(const BatchItem& item, const Attempt& attempt) {
  if (manifest_) {
    Json done = line("done", item, attempt.input_hash, attempt.number);
    done["seconds"] = attempt.seconds;
    done["input_stamp"] = stamp_of(item.input);
    done["output_stamp"] = stamp_of(item.output);
    done["output_sha256"] = sha256_of_file(item.output);
    manifest_->append(done);
  }
  if (claims_) claims_->finish(item.name);
}

void BatchRecord::fail(const BatchItem& item, const Attempt& attempt, const std::string& reason, bool passing) {
  release(item);
  if (!passing) given_up_.insert(item.name);
  if (!manifest_) return;
  Json failed = line(passing ? "failed" : "quarantined", item, attempt.input_hash, attempt.number);
  failed["seconds"] = attempt.seconds;
  failed["error"] = reason;
  try {
    manifest_->append(failed);
  } catch (const IoError& error) {
    // The photo is reported as failed already; without the line it will be tried again.
    fmt::print(stderr, "zsr: {}\n", error.what());
  }
}

void BatchRecord::release(const BatchItem& item) {
  if (claims_) claims_->release(item.name);
}

void BatchRecord::keep_claims() {
  if (claims_) claims_->keep();
}

void BatchRecord::write_quarantine() const {
  if (!manifest_ || given_up_.empty()) return;
  std::string text;
  for (const std::string& name : given_up_) text += name + "\n";
  const std::string shard = options_.shard.count > 1 || options_.claim
                                ? fmt::format("-{}-of-{}-{}", options_.shard.index + 1, options_.shard.count, getpid())
                                : "";
  try {
    write_file_atomically(*options_.folder / fmt::format("zsr-quarantine{}.txt", shard), text, Overwrite::kYes);
  } catch (const IoError& error) {
    fmt::print(stderr, "zsr: warning: {}\n", error.what());
  }
}

void remove_leftovers(const fs::path& output) {
  // The temporary files of core/files.h: ".NAME.zsr-" and six characters.
  constexpr size_t kEnding = 11;
  const std::string prefix = fmt::format(".{}", output.filename().string().substr(0, 200));
  std::error_code error;
  const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const size_t at = name.find(".zsr-", std::min(prefix.size(), name.size()));
    if (name.starts_with(prefix) && at != std::string::npos && at + kEnding == name.size()) {
      std::error_code ignored;
      fs::remove(it->path(), ignored);
    }
  }
}

}  // namespace zsr::cli
