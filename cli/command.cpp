#include "cli/command.h"

#include "cli/closest.h"
#include "cli/docs/documentation.h"
#include "cli/terminal/usage_error.h"
#include "cli/version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace zsr::cli {
namespace {

// The words, in lines of a terminal's width.
std::string in_lines(const std::vector<std::string>& words) {
  constexpr size_t kWidth = 90;
  std::string text;
  std::string line = " ";
  for (const std::string& word : words) {
    if (line.size() + word.size() > kWidth) {
      text += line + "\n";
      line = " ";
    }
    line += " " + word;
  }
  return text + line + "\n";
}

constexpr char kZssr[] = "zssr";
constexpr char kRestore[] = "restore";
constexpr char kDip[] = "dip";

template <const char* Method>
int run_method_of(const std::vector<std::string>& arguments) {
  return run_method(Method, arguments);
}

}  // namespace

std::string help_text() {
  std::string text =
      "zsr - zero-shot and real-world image super-resolution\n\n"
      "  zsr upscale photo.jpg -s 2            enlarges a photo: photo_x2.jpg beside it\n"
      "  zsr upscale scan.jpg --task old -s 2  fills scratches, cleans and enlarges an old photo\n"
      "  zsr compare photo.jpg -s 2            results side by side in one HTML file\n"
      "  zsr kernelgan photo.jpg               estimates the blur of a photo\n"
      "  zsr degrade HR/ -o LR/ -s 2           makes low-resolution images for training and tests\n\n"
      "Commands:\n";
  for (const Command& command : commands()) text += fmt::format("  {:<10} {}\n", command.name, command.summary);
  text += "\nMore methods and trained networks; 'zsr edsr ...' is 'zsr upscale -m edsr ...':\n";
  text += in_lines(method_commands());
  text += "\n'zsr COMMAND --help' tells more. Exit codes: 0 done, 1 some input failed, 2 usage, 130 interrupted.\n";
  return text;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"upscale", "Enlarge photos, clean or damaged, by what suits each", run_upscale},
      {"restore", "Clean noisy and compressed photos at their own size, or enlarge them too", run_method_of<kRestore>},
      {"zssr", "Enlarge by zero-shot super-resolution: a network trained on the photo alone", run_method_of<kZssr>},
      {"dip", "Restore by Deep Image Prior: enlarge, denoise, take off JPEG traces, fill scratches",
       run_method_of<kDip>},
      {"compare", "Run several methods on a photo or a benchmark and write a report to look at", run_compare},
      {"bench", "Make a blind benchmark of sharp photos, for compare", run_bench},
      {"develop", "Develop camera raw files at their own size", run_develop},
      {"kernelgan", "Estimate the blur kernel of one photo, with a verdict", run_kernelgan},
      {"degrade", "Make low-resolution images from high-resolution ones", run_degrade},
      {"kernel", "Make, show, convert and compare blur kernels", run_kernel},
      {"train", "Train a network from photos", run_train},
      {"weights", "List or convert anyone's weights files", run_weights},
      {"eval", "PSNR and SSIM of results against references, as the SR papers measure them", run_eval},
      {"report", "Join what several runs or shards of a batch have recorded", run_report},
      {"info", "What this build can do, or what a photo holds", run_info},
  };
  return table;
}

int dispatch(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    fmt::print(stderr, "{}", help_text());
    return kExitUsage;
  }
  const std::string& name = arguments[0];
  if (name == "help" && arguments.size() > 1) return dispatch({arguments[1], "--help"});
  if (name == "help" || name == "--help" || name == "-h") {
    fmt::print("{}", help_text());
    return kExitOk;
  }
  if (name == "--version" || name == "version") {
    fmt::print("zsr {}\n", build_identity());
    return kExitOk;
  }
  if (name == "documentation") return run_documentation({arguments.begin() + 1, arguments.end()});
  if (name == "worker") return run_worker({arguments.begin() + 1, arguments.end()});
  std::vector<std::string> names;
  for (const Command& command : commands()) {
    if (name == command.name) return command.run({arguments.begin() + 1, arguments.end()});
    names.emplace_back(command.name);
  }
  for (const std::string& method : method_commands()) {
    if (name == method) return run_method(method, {arguments.begin() + 1, arguments.end()});
    names.push_back(method);
  }
  throw UsageError(unknown_command(name, names));
}

}  // namespace zsr::cli
