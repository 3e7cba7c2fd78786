#include "cli/batch/batch_run.h"

#include "cli/batch/batch_record.h"
#include "cli/command.h"
#include "cli/terminal/failure.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_line.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "core/device.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/process.h"
#include "core/worker_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <poll.h>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr int64_t kLeastMemory = 768'000'000;  // LibTorch alone takes a third of it

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class BatchRun {
 public:
  BatchRun(const std::vector<BatchItem>& items, const BatchOptions& options) : items_(items), options_(options) {
    plan_resources();
    record_ = std::make_unique<BatchRecord>(options, slots_.size());
    std::map<std::string, const BatchItem*> outputs;
    for (size_t i = 0; i < items.size(); ++i) {
      const auto [at, is_new] = outputs.try_emplace(items[i].output.lexically_normal().string(), &items[i]);
      if (!is_new && options.shard.has(items[i].name)) {
        refuse(items[i], *at->second);
      } else if (options.shard.has(items[i].name)) {
        pending_.push_back({i, 1});
      } else {
        ++tally_.elsewhere;
      }
    }
    planned_ = static_cast<int64_t>(pending_.size()) + tally_.failed;
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
      record_->keep_claims();
    }
    tally_.left = static_cast<int64_t>(pending_.size());
    for (auto& slot : slots_) slot.worker.reset();
    record_->write_quarantine();
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

  // A result of this name comes from another photo of this run, and would be lost.
  void refuse(const BatchItem& item, const BatchItem& other) {
    const std::string why = fmt::format(
        "'{}' is left out: its result '{}' would be written twice, '{}' has it too; rename the photo, or keep "
        "folders apart with -r, or name results with --name",
        item.input.string(), item.output.string(), other.input.string());
    fmt::print(stderr, "zsr: {}\n", why);
    ++tally_.failed;
    keep({{"input", item.input.string()}, {"status", 1}, {"error", why}});
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
    threads_each_ = std::max<int64_t>(1, threads / jobs);
  }

  size_t busy() const {
    return static_cast<size_t>(
        std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.task.has_value(); }));
  }

  // Takes the next photo that is to be made; false when none can be begun now.
  bool next(Task& task, bool& ours) {
    // Of what others have claimed only some are asked for at a time: the folder may lie on a server.
    constexpr size_t kMostForeign = 64;
    size_t foreign = 0;
    for (size_t tries = pending_.size(); tries > 0 && foreign < kMostForeign; --tries) {
      task = pending_.front();
      pending_.pop_front();
      const BatchItem& item = items_[task.item];
      const bool first = task.attempt == 1;
      if (first && !options_.force && record_->was_made(item)) {
        ++tally_.made_before;
        continue;
      }
      ours = !first || (!options_.force && record_->was_begun(item));
      if (options_.skip_existing && !ours && fs::exists(item.output)) {
        ++tally_.existing;
        continue;
      }
      if (first && !options_.force && !options_.retry_quarantined && record_->was_given_up(item)) {
        ++tally_.quarantined;
        record_->leave_out(item);
        continue;
      }
      const Claims::Answer answer = record_->claim(item);
      if (answer == Claims::Answer::kOurs) return true;
      if (answer == Claims::Answer::kTakenOver) {
        ours = ours || record_->was_begun(item);
        return true;
      }
      if (answer == Claims::Answer::kMade && fs::exists(item.output)) {
        ++tally_.elsewhere;
        continue;
      }
      pending_.push_back(task);
      ++foreign;
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
      slot.input_hash = record_->begin(item, task.attempt, ours || options_.force ? Overwrite::kYes : Overwrite::kNo);
      if (ours) remove_leftovers(item.output);
      if (!slot.worker) start_worker(slot);
      std::vector<std::string> arguments = options_.command;
      arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
      arguments.push_back(fmt::format("--threads={}", threads_each_));
      if (options_.force || ours) arguments.emplace_back("--force");
      if (options_.quiet || slots_.size() > 1) arguments.emplace_back("--quiet");
      arguments.insert(arguments.end(),
                       {"--json", "--output=" + item.output.string(), "--input=" + item.input.string()});
      if (!slot.worker->send(json_line({{"arguments", arguments}}))) {
        lose(slot, "");
      }
    } catch (...) {
      const Failure failure = current_failure();
      fail(slot, failure.message, failure.passing);
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
    const Json answer = parse_json_text<Json>(line);
    if (answer.is_discarded() || !answer.contains("code")) {
      slot.worker->kill();
      lose(slot, "gave no answer that can be read");
      return;
    }
    const BatchItem& item = items_[slot.task->item];
    const int code = answer["code"];
    Json record = parse_json_text<Json>(answer.value("out", ""));
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
      record_->finish(item, {slot.input_hash, slot.task->attempt, seconds});
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
    record_->release(item);
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
    const int64_t attempt = slot.task->attempt;
    slot.task.reset();
    record_->fail(item, {slot.input_hash, attempt, since(slot.start)}, why, passing);
  }

  void kill_all() {
    for (Slot& slot : slots_) {
      if (!slot.worker) continue;
      slot.worker->kill();
      slot.worker->wait();
      slot.worker.reset();
      if (!slot.task) continue;
      remove_leftovers(items_[slot.task->item].output);
      record_->release(items_[slot.task->item]);
      pending_.push_front(*slot.task);
      slot.task.reset();
    }
  }

  void say(const std::string& text) const {
    if (options_.quiet) return;
    const int64_t over = tally_.made + tally_.made_before + tally_.existing + tally_.failed + tally_.quarantined;
    fmt::print(stderr, "[{}/{}] {}\n", over, planned_, text);
  }

  const std::vector<BatchItem>& items_;
  const BatchOptions& options_;
  int64_t memory_each_ = 0;
  int64_t threads_each_ = 1;
  std::unique_ptr<BatchRecord> record_;
  std::deque<Task> pending_;
  std::vector<Slot> slots_;
  int64_t planned_ = 0;
  Clock::time_point stopped_at_{};
  BatchTally tally_;
};

}  // namespace

BatchTally run_batch(const std::vector<BatchItem>& items, const BatchOptions& options) {
  return BatchRun(items, options).run();
}

}  // namespace zsr::cli
