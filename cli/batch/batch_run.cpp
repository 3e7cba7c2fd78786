#include "cli/batch/batch_run.h"

#include "cli/batch/claims.h"
#include "cli/batch/manifest.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/usage_error.h"
#include "cli/version.h"
#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/process.h"
#include "core/sha256.h"
#include "core/worker_process.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <memory>
#include <poll.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr int64_t kLeastMemory = 768'000'000;  // LibTorch alone takes a third of it

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string time_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

// Flags and the content of the files that they name.
std::string settings_of(const BatchOptions& options) {
  std::string text = fmt::format("zsr {}", kVersion);
  for (const std::string& word : options.command) text += " " + word;
  for (const std::string& word : options.arguments) {
    text += fmt::format(" '{}'", word);
    const size_t equals = word.find('=');
    const std::string value = equals == std::string::npos ? word : word.substr(equals + 1);
    std::error_code ignored;
    if (fs::is_regular_file(value, ignored)) text += " " + sha256_of_file(value);
  }
  return sha256(text);
}

// What a killed worker left of an output that was not finished: the temporary files of core/files.h.
void remove_leftovers(const fs::path& output) {
  const std::string prefix = "." + output.filename().string().substr(0, 200);
  std::error_code error;
  const fs::path folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const size_t at = name.find(".zsr-", std::min(prefix.size(), name.size()));
    if (name.starts_with(prefix) && at != std::string::npos && at + 11 == name.size()) {
      std::error_code ignored;
      fs::remove(it->path(), ignored);
    }
  }
}

// Size and time of a file; what a hash need not be taken again for.
Json stamp_of(const fs::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return nullptr;
  return {{"bytes", status.st_size}, {"modified_ns", status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec}};
}

class BatchRun {
 public:
  BatchRun(const std::vector<BatchItem>& items, const BatchOptions& options)
      : items_(items), options_(options), settings_(settings_of(options)) {
    check_names();
    plan_resources();
    if (options.folder) open_folder();
    for (size_t i = 0; i < items.size(); ++i) {
      if (options.shard.has(items[i].name)) {
        pending_.push_back({i, 1});
      } else {
        ++tally_.elsewhere;
      }
    }
    planned_ = static_cast<int64_t>(pending_.size());
  }

  BatchTally run() {
    while (!pending_.empty() || busy() > 0) {
      if (interrupted() && stopped_at_ == Clock::time_point{}) stopped_at_ = Clock::now();
      const bool stopped = stopped_at_ != Clock::time_point{};
      if (stopped && busy() == 0) break;
      if (stopped && since(stopped_at_) > options_.grace_s) {
        kill_all();
        break;
      }
      if (!stopped) give_work();
      wait_for_answers();
      if (claims_) claims_->keep();
    }
    tally_.left = static_cast<int64_t>(pending_.size());
    for (auto& slot : slots_) slot.worker.reset();
    if (manifest_ && !quarantine_.empty()) write_quarantine();
    return std::move(tally_);
  }

 private:
  struct Task {
    size_t item;
    int64_t attempt;
  };
  struct Slot {
    std::unique_ptr<WorkerProcess> worker;
    std::optional<Task> task;
    Clock::time_point start;
    std::string input_hash;
  };

  void check_names() const {
    std::set<std::string> outputs;
    for (const BatchItem& item : items_) {
      if (!outputs.insert(item.output.lexically_normal().string()).second) {
        throw InputError(
            fmt::format("'{}' would be written twice ('{}' and another photo of that name); give the "
                        "photos names of their own, or -r to keep their folders",
                        item.output.string(), item.input.string()));
      }
    }
  }

  void plan_resources() {
    const int64_t jobs =
        std::clamp<int64_t>(options_.jobs, 1, std::max<int64_t>(1, static_cast<int64_t>(items_.size())));
    const int64_t threads = options_.threads > 0 ? options_.threads : available_cores();
    slots_.resize(static_cast<size_t>(jobs));
    const int64_t memory = options_.memory > 0 ? options_.memory : available_memory() / 10 * 9;
    memory_each_ = memory / jobs;
    if (memory_each_ < kLeastMemory && (jobs > 1 || options_.memory > 0)) {
      throw UsageError(
          fmt::format("{:.1f} GB for {} photo(s) at once is less than the {:.2f} GB that each needs at "
                      "least; fewer --jobs, or more --memory",
                      static_cast<double>(memory) / 1e9, jobs, static_cast<double>(kLeastMemory) / 1e9));
    }
    if (!options_.own_threads) threads_each_ = std::max<int64_t>(1, threads / jobs);
  }

  void open_folder() {
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
    Json command = options_.command;
    manifest_->append({{"format", "zsr batch manifest 1"},
                       {"version", kVersion},
                       {"command", command},
                       {"arguments", options_.arguments},
                       {"settings_sha256", settings_},
                       {"shard", options_.shard.text()},
                       {"jobs", slots_.size()},
                       {"time", time_now()}},
                      true);
  }

  size_t busy() const {
    return static_cast<size_t>(
        std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.task.has_value(); }));
  }

  // Whether the manifest proves that it was made of this photo with these settings.
  bool proved(const PhotoHistory& history, const BatchItem& item) const {
    if (!history.done) return false;
    const Json& done = *history.done;
    if (done.value("settings_sha256", "") != settings_ || done.value("output_stamp", Json()) != stamp_of(item.output)) {
      return false;
    }
    const Json now = stamp_of(item.input);
    if (now.is_null()) return false;
    return done.value("input_stamp", Json()) == now || done.value("input_sha256", "") == sha256_of_file(item.input);
  }

  bool in_quarantine(const PhotoHistory& history) const {
    return !options_.force && !options_.retry_quarantined && history.quarantined && history.times_done == 0 &&
           history.quarantined->value("settings_sha256", "") == settings_;
  }

  // Takes the next photo that is to be made; false when none can be begun now.
  bool next(Task& task, bool& ours) {
    for (size_t tries = pending_.size(); tries > 0; --tries) {
      task = pending_.front();
      pending_.pop_front();
      const BatchItem& item = items_[task.item];
      const auto found = history_.find(item.name);
      ours = task.attempt > 1;
      if (task.attempt == 1 && found != history_.end() && !options_.force) {
        if (proved(found->second, item)) {
          ++tally_.made_before;
          continue;
        }
        // Begun with these settings: what lies there is this batch's own.
        const auto& started = found->second.started;
        ours = ours || (started && started->value("settings_sha256", "") == settings_);
      }
      if (options_.skip_existing && !ours && fs::exists(item.output)) {
        ++tally_.existing;
        continue;
      }
      if (task.attempt == 1 && found != history_.end() && in_quarantine(found->second)) {
        ++tally_.quarantined;
        quarantine_.insert(item.name);
        continue;
      }
      if (!claims_) return true;
      const Claims::Answer answer = claims_->claim(item.name);
      if (answer == Claims::Answer::kOurs) return true;
      if (answer == Claims::Answer::kMade && fs::exists(item.output)) {
        ++tally_.elsewhere;
        continue;
      }
      pending_.push_back(task);
    }
    return false;
  }

  void give_work() {
    for (Slot& slot : slots_) {
      if (slot.task || pending_.empty()) continue;
      Task task{};
      bool ours = false;
      if (!next(task, ours)) return;
      begin(slot, task, ours);
    }
  }

  void begin(Slot& slot, const Task& task, bool ours) {
    const BatchItem& item = items_[task.item];
    slot.task = task;
    slot.start = Clock::now();
    slot.input_hash.clear();
    try {
      if (manifest_) {
        check_inside(item.output);
        if (item.output.has_parent_path()) fs::create_directories(item.output.parent_path());
        slot.input_hash = sha256_of_file(item.input);
        manifest_->append({{"status", "started"},
                           {"name", item.name},
                           {"output", item.output.lexically_relative(*options_.folder).string()},
                           {"input_sha256", slot.input_hash},
                           {"settings_sha256", settings_},
                           {"attempt", task.attempt},
                           {"time", time_now()}},
                          true);
        if (ours) remove_leftovers(item.output);
      }
      if (!slot.worker) start_worker(slot);
      std::vector<std::string> arguments = options_.command;
      arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
      if (threads_each_ > 0) arguments.push_back(fmt::format("--threads={}", threads_each_));
      if (options_.force || ours) arguments.emplace_back("--force");
      if (options_.quiet || slots_.size() > 1) arguments.emplace_back("--quiet");
      arguments.insert(arguments.end(),
                       {"--json", "--output=" + item.output.string(), "--input=" + item.input.string()});
      if (!slot.worker->send(Json{{"arguments", arguments}}.dump(-1, ' ', false, Json::error_handler_t::replace))) {
        lose(slot, "");
      }
    } catch (const fs::filesystem_error& error) {
      fail(slot, fmt::format("cannot use '{}': {}", error.path1().string(), error.code().message()), true);
    } catch (const IoError& error) {
      fail(slot, error.what(), true);
    }
  }

  // A link in the folder of the results may lead anywhere.
  void check_inside(const fs::path& output) const {
    const fs::path relative = fs::weakly_canonical(output).lexically_relative(fs::weakly_canonical(*options_.folder));
    if (relative.empty() || *relative.begin() == "..") {
      throw IoError(fmt::format("'{}' leads out of the folder '{}'; nothing is written there", output.string(),
                                options_.folder->string()));
    }
  }

  void start_worker(Slot& slot) {
    slot.worker = std::make_unique<WorkerProcess>(
        own_program(), std::vector<std::string>{"worker"},
        std::map<std::string, std::string>{{"ZSR_MEMORY", std::to_string(memory_each_)}});
  }

  void wait_for_answers() {
    std::vector<pollfd> watched;
    for (const Slot& slot : slots_) {
      if (slot.task && slot.worker) watched.push_back({slot.worker->descriptor(), POLLIN, 0});
    }
    constexpr int kPollMs = 100;
    poll(watched.data(), watched.size(), kPollMs);
    for (Slot& slot : slots_) {
      if (!slot.task || !slot.worker) continue;
      if (const auto line = slot.worker->receive()) {
        answered(slot, *line);
      } else if (slot.worker->ended()) {
        lose(slot, "");
      } else if (options_.timeout_s && since(slot.start) > *options_.timeout_s) {
        slot.worker->kill();
        lose(slot, fmt::format("took longer than {}", format_seconds(*options_.timeout_s)));
      }
    }
  }

  void answered(Slot& slot, const std::string& line) {
    const Json answer = Json::parse(line, nullptr, false);
    if (answer.is_discarded() || !answer.contains("code")) {
      slot.worker->kill();
      lose(slot, "gave no answer that can be read");
      return;
    }
    const BatchItem& item = items_[slot.task->item];
    const int code = answer["code"];
    Json record = Json::parse(answer.value("out", ""), nullptr, false);
    if (!record.is_object()) record = Json::object();
    if (code != kExitOk) {
      std::string error = answer.value("error", "");
      if (error.empty()) error = record.value("error", fmt::format("ended with code {}", code));
      const bool passing = answer.value("passing", false) || record.value("passing", false);
      fail(slot, error, passing);
      return;
    }
    const double seconds = since(slot.start);
    try {
      if (manifest_) {
        manifest_->append({{"status", "done"},
                           {"name", item.name},
                           {"output", item.output.lexically_relative(*options_.folder).string()},
                           {"input_sha256", slot.input_hash},
                           {"input_stamp", stamp_of(item.input)},
                           {"output_sha256", sha256_of_file(item.output)},
                           {"output_stamp", stamp_of(item.output)},
                           {"settings_sha256", settings_},
                           {"version", kVersion},
                           {"seconds", seconds},
                           {"attempt", slot.task->attempt},
                           {"time", time_now()}},
                          true);
      }
      if (claims_) claims_->finish(item.name);
    } catch (const IoError& error) {
      fail(slot, error.what(), true);
      return;
    }
    ++tally_.made;
    if (record.empty()) record = {{"input", item.input.string()}, {"output", item.output.string()}};
    keep(std::move(record));
    slot.task.reset();
    if (!options_.json) fmt::print("{}\n", item.output.string());
    say(fmt::format("{} -> {} in {}", item.input.string(), item.output.string(), format_seconds(seconds)));
  }

  // The worker is gone, or was killed: another one tries again.
  void lose(Slot& slot, const std::string& why) {
    const std::string end = slot.worker ? slot.worker->wait() : "is gone";
    slot.worker.reset();
    const BatchItem& item = items_[slot.task->item];
    remove_leftovers(item.output);
    const std::string reason =
        fmt::format("'{}': the process that made it {}", item.input.string(), why.empty() ? end : why);
    if (slot.task->attempt > options_.retries) {
      fail(slot, reason, false);
      return;
    }
    fmt::print(stderr, "zsr: warning: {}; trying again\n", reason);
    pending_.push_back({slot.task->item, slot.task->attempt + 1});
    if (claims_) claims_->release(item.name);
    slot.task.reset();
  }

  // A record of a hundred thousand photos would fill the memory; only --json wants it.
  void keep(Json record) {
    if (options_.json) tally_.records.push_back(std::move(record));
  }

  // `passing`: nothing that is wrong with the photo.
  void fail(Slot& slot, const std::string& reason, bool passing) {
    const BatchItem& item = items_[slot.task->item];
    const std::string input = item.input.string();
    const bool named =
        reason.find(input) != std::string::npos || reason.find(item.output.string()) != std::string::npos;
    const std::string why = named ? reason : fmt::format("'{}': {}", input, reason);
    fmt::print(stderr, "zsr: {}\n", why);
    ++tally_.failed;
    keep({{"input", item.input.string()}, {"status", 1}, {"error", why}});
    if (!passing) quarantine_.insert(item.name);
    const int64_t attempt = slot.task->attempt;
    slot.task.reset();
    if (claims_) claims_->release(item.name);
    if (!manifest_) return;
    try {
      manifest_->append({{"status", passing ? "failed" : "quarantined"},
                         {"name", item.name},
                         {"input_sha256", slot.input_hash},
                         {"settings_sha256", settings_},
                         {"version", kVersion},
                         {"seconds", since(slot.start)},
                         {"attempt", attempt},
                         {"error", why},
                         {"time", time_now()}},
                        true);
    } catch (const IoError& error) {
      // The photo is told as failed already; without the line it will be tried again.
      fmt::print(stderr, "zsr: {}\n", error.what());
    }
  }

  void kill_all() {
    for (Slot& slot : slots_) {
      if (!slot.worker) continue;
      slot.worker->kill();
      slot.worker->wait();
      slot.worker.reset();
      if (!slot.task) continue;
      remove_leftovers(items_[slot.task->item].output);
      if (claims_) claims_->release(items_[slot.task->item].name);
      pending_.push_front(*slot.task);
      slot.task.reset();
    }
  }

  void say(const std::string& text) const {
    if (options_.quiet) return;
    const int64_t over = tally_.made + tally_.made_before + tally_.existing + tally_.failed + tally_.quarantined;
    fmt::print(stderr, "[{}/{}] {}\n", over, planned_, text);
  }

  // For people; what the next run leaves out stands in the manifest.
  void write_quarantine() const {
    std::string text;
    for (const std::string& name : quarantine_) text += name + "\n";
    const std::string shard =
        options_.shard.count > 1 || options_.claim
            ? fmt::format("-{}-of-{}-{}", options_.shard.index + 1, options_.shard.count, getpid())
            : "";
    try {
      write_file_atomically(*options_.folder / fmt::format("zsr-quarantine{}.txt", shard), text, Overwrite::kYes);
    } catch (const IoError& error) {
      fmt::print(stderr, "zsr: warning: {}\n", error.what());
    }
  }

  const std::vector<BatchItem>& items_;
  const BatchOptions& options_;
  std::string settings_;
  int64_t memory_each_ = 0;
  int64_t threads_each_ = 0;  // 0: the flags say it
  History history_;
  std::unique_ptr<ManifestWriter> manifest_;
  std::unique_ptr<Claims> claims_;
  std::deque<Task> pending_;
  std::vector<Slot> slots_;
  std::set<std::string> quarantine_;
  int64_t planned_ = 0;
  Clock::time_point stopped_at_{};
  BatchTally tally_;
};

}  // namespace

BatchTally run_batch(const std::vector<BatchItem>& items, const BatchOptions& options) {
  return BatchRun(items, options).run();
}

int finish_batch(const BatchTally& tally, const BatchOptions& options, int64_t items, int64_t not_images) {
  if (options.json) {
    fmt::print("{}\n", Json{{"images", tally.records},
                            {"made", tally.made},
                            {"made_before", tally.made_before},
                            {"failed", tally.failed},
                            {"quarantined_before", tally.quarantined},
                            {"skipped_existing", tally.existing},
                            {"elsewhere", tally.elsewhere},
                            {"left", tally.left},
                            {"not_images", not_images},
                            {"shard", options.shard.text()}}
                           .dump(2));
  } else {
    std::string text = fmt::format("{} of {} photos made", tally.made, items);
    const auto add = [&](int64_t count, const char* what) {
      if (count > 0) text += fmt::format(", {} {}", count, what);
    };
    add(tally.failed, "failed");
    add(tally.quarantined, "left out for having failed before (--retry-quarantined tries them again)");
    add(tally.made_before, "made before");
    add(tally.existing, "already there");
    add(tally.elsewhere, "made by other runs or shards");
    add(tally.left, "left: the same command goes on");
    add(not_images, "other files left out");
    fmt::print(stderr, "{}\n", text);
  }
  if (interrupted()) return interrupt_exit_code();
  return tally.failed + tally.quarantined > 0 ? kExitFailed : kExitOk;
}

}  // namespace zsr::cli
