// What people call as zsr. Help, the version and mistyped calls are answered here, in a few milliseconds; everything
// else becomes zsr-core, whose 300 shared libraries (LibTorch, OpenCV, libvips) take most of a second to load.
#include "cli/launcher/early_errors.h"
#include "cli/version.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

// The same as what the commands print, written by zsr-core when zsr is built.
struct HelpText {
  std::string_view words;
  std::string_view text;
};
constexpr HelpText kHelpTexts[] = {
#include "help_texts.inc"
};

const std::vector<zsr::cli::OptionTable>& option_tables() {
  static const std::vector<zsr::cli::OptionTable> tables = {
#include "option_tables.inc"
  };
  return tables;
}

const HelpText* find_help(std::string_view words) {
  const auto* const found = std::find_if(std::begin(kHelpTexts), std::end(kHelpTexts),
                                         [&](const HelpText& help) { return help.words == words; });
  return found == std::end(kHelpTexts) ? nullptr : found;
}

int print_help(const HelpText& help) {
  const bool written = std::fwrite(help.text.data(), 1, help.text.size(), stdout) == help.text.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}

// The whole program: beside this one where it was built, in ../lib/zsr where it is installed.
std::string core_path() {
  char own[PATH_MAX] = {};
  const ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
  if (length <= 0) return "/usr/lib/zsr/zsr-core";  // no /proc here
  const std::string folder = std::string(own).substr(0, std::string(own).rfind('/'));
  for (const std::string& path : {folder + "/zsr-core", folder + "/../lib/zsr/zsr-core"}) {
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return folder + "/zsr-core";
}

// Whether something else runs on this machine, now or for most of the last minute.
bool is_machine_busy() {
  std::FILE* const file = std::fopen("/proc/loadavg", "r");
  if (file == nullptr) return false;
  double last_minute = 0.0;
  int running = 1;  // with this process
  const int read = std::fscanf(file, "%lf %*f %*f %d", &last_minute, &running);
  std::fclose(file);
  constexpr double kMostly = 0.7;
  return read == 2 && (running > 1 || last_minute > kMostly);
}

// OpenMP's threads wait for each other in a loop. That is best on a quiet machine. Beside another program that wants a
// core they then burn what the late one waits for: measured on two cores, one busy neighbour made ZSSR 7 times slower,
// with threads that sleep instead 1.6 times; on a quiet machine these cost a fifth, and training of SRMD nothing
// (README, Speed). People's own settings stand.
void choose_waiting(std::string_view command) {
  if (std::getenv("GOMP_SPINCOUNT") == nullptr && (command == "train" || is_machine_busy())) {
    setenv("OMP_WAIT_POLICY", "passive", 0);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const auto is_help = [](std::string_view word) { return word == "--help" || word == "-h"; };
  if (words.empty()) {
    const HelpText& help = *find_help("");
    std::fwrite(help.text.data(), 1, help.text.size(), stderr);
    return 2;
  }
  if (words.size() == 1 && (is_help(words[0]) || words[0] == "help")) return print_help(*find_help(""));
  if (words.size() == 1 && (words[0] == "--version" || words[0] == "version")) {
    std::printf("zsr %s\n", zsr::cli::build_identity());
    return 0;
  }
  // "zsr upscale --help", "zsr kernel make --help", "zsr help upscale". With more words defaults may be others.
  std::string asked;
  if (words.size() == 2 && is_help(words[1])) asked = words[0];
  if (words.size() == 2 && words[0] == "help") asked = words[1];
  if (words.size() == 3 && is_help(words[2])) asked = std::string(words[0]) + " " + std::string(words[1]);
  if (const HelpText* const help = asked.empty() ? nullptr : find_help(asked)) return print_help(*help);
  if (const auto error = zsr::cli::find_early_error(words, option_tables())) {
    std::fprintf(stderr, "zsr: %s\n", error->message.c_str());
    return error->code;
  }

  choose_waiting(words[0]);
  const std::string core = core_path();
  execv(core.c_str(), argv);
  std::fprintf(stderr, "zsr: cannot start '%s': %s; it belongs to zsr, install zsr again\n", core.c_str(),
               std::strerror(errno));
  return 1;
}
