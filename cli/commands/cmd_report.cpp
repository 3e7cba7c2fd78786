#include "cli/batch/manifest.h"
#include "cli/command.h"
#include "cli/flags/options.h"
#include "cli/terminal/json_line.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/sha256.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Joined {
  int64_t made = 0;
  int64_t twice = 0;    // by two runs, to the same bytes
  int64_t missing = 0;  // recorded, but the result is gone or another
  int64_t begun = 0;    // neither made nor given up
  int64_t failed = 0;
  double seconds = 0.0;
  std::vector<std::string> problems;
  std::vector<Json> lines;
};

Joined join(const History& history, const fs::path& folder, bool verify) {
  Joined joined;
  for (const auto& [name, photo] : history) {
    if (photo.done) {
      ++joined.made;
      if (photo.times_done > 1) ++joined.twice;
      joined.seconds += photo.done->value("seconds", 0.0);
      const fs::path output = folder / photo.done->value("output", "");
      const bool there = is_inside(folder, output) && fs::is_regular_file(output);
      if (!there || (verify && sha256_of_file(output) != photo.done->value("output_sha256", ""))) {
        ++joined.missing;
        joined.problems.push_back(fmt::format("{}: its result '{}' {}", name, output.string(),
                                              there ? "is not the one that was made" : "is not there"));
      }
      joined.lines.push_back(*photo.done);
    } else if (photo.quarantined) {
      ++joined.failed;
      joined.problems.push_back(fmt::format("{}: {}", name, photo.quarantined->value("error", "failed")));
      joined.lines.push_back(*photo.quarantined);
    } else {
      ++joined.begun;
      joined.problems.push_back(fmt::format("{}: begun, not ended", name));
    }
  }
  return joined;
}

int merge(const std::vector<std::string>& arguments) {
  std::vector<std::string> folders;
  std::string output;
  bool json = false;
  bool verify = false;
  bool force = false;
  OptionSet options(
      "zsr report merge FOLDER [options]",
      "Joins the manifests that the runs and shards of a batch left in the folder of their results: what\n"
      "was made, what failed, what is missing. Exit code 0 only when nothing is.",
      "  zsr report merge enlarged/\n  zsr report merge enlarged/ --verify -o all.jsonl\n");
  options.group("Options");
  options.positional("input,i", "FOLDER", "The folder of the results", &folders);
  options.add("output,o", "FILE", "Write the last word on every photo as one manifest (.jsonl)", &output);
  options.flag("verify", "Also compare every result with its recorded hash", &verify);
  options.flag("force", "Replace an existing file", &force);
  options.flag("json", "Print one JSON object on stdout", &json);
  if (!options.parse(arguments)) return kExitOk;
  if (folders.size() != 1) throw UsageError("report merge takes one folder");
  const fs::path folder = folders[0];
  const auto manifests = list_manifests(folder);
  if (manifests.empty()) throw InputError(fmt::format("'{}' holds no zsr-manifest*.jsonl", folder.string()));
  const Overwrite overwrite = force ? Overwrite::kYes : Overwrite::kNo;
  if (!output.empty()) check_output(output, {}, overwrite);
  int64_t damaged = 0;
  const Joined joined = join(read_manifests(folder, &damaged), folder, verify);
  if (!output.empty()) {
    std::string text;
    for (const Json& line : joined.lines) text += json_line(line) + "\n";
    write_file_atomically(output, text, overwrite);
  }
  if (json) {
    fmt::print("{}\n", json_text(Json{{"manifests", manifests.size()},
                                      {"made", joined.made},
                                      {"made_twice", joined.twice},
                                      {"failed", joined.failed},
                                      {"begun", joined.begun},
                                      {"missing", joined.missing},
                                      {"damaged_lines", damaged},
                                      {"seconds", joined.seconds},
                                      {"problems", joined.problems}},
                                 2));
  } else {
    constexpr size_t kMost = 20;
    for (size_t i = 0; i < std::min(kMost, joined.problems.size()); ++i) fmt::print(stderr, "{}\n", joined.problems[i]);
    if (joined.problems.size() > kMost) {
      fmt::print(stderr, "... and {} more; --json has them all\n", joined.problems.size() - kMost);
    }
    fmt::print("{:<28}{:>10}\n", "manifests", manifests.size());
    fmt::print("{:<28}{:>10}\n", "made", joined.made);
    fmt::print("{:<28}{:>10}\n", "  of them more than once", joined.twice);
    fmt::print("{:<28}{:>10}\n", "  of them missing now", joined.missing);
    fmt::print("{:<28}{:>10}\n", "failed", joined.failed);
    fmt::print("{:<28}{:>10}\n", "begun, not ended", joined.begun);
    fmt::print("{:<28}{:>10}\n", "damaged lines", damaged);
    fmt::print("{:<28}{:>10.1f}\n", "seconds of work", joined.seconds);
  }
  return joined.failed + joined.begun + joined.missing > 0 ? kExitFailed : kExitOk;
}

}  // namespace

int run_report(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] != "merge") {
    if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h")) return merge({"--help"});
    throw UsageError("report has one verb: 'zsr report merge FOLDER'");
  }
  return merge({arguments.begin() + 1, arguments.end()});
}

}  // namespace zsr::cli
