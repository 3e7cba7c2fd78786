#include "cli/compare/method_result.h"

#include "cli/compare/page_parts.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/process.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"
#include "pipeline/methods.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <sstream>

namespace zsr::cli {
namespace {

// The last line that the program wrote to say why.
std::string reason(const ProgramRun& run, std::optional<double> timeout_s) {
  if (run.timed_out) return fmt::format("took longer than {:.0f} s", *timeout_s);
  if (run.signal == SIGKILL) return "was killed, most likely for want of memory";
  if (run.signal != 0) return fmt::format("crashed (signal {})", run.signal);
  std::string last;
  std::istringstream lines(run.err);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("zsr: ") && !line.starts_with("zsr: warning")) last = line.substr(5);
  }
  return last.empty() ? fmt::format("ended with code {}", run.exit_code) : last;
}

// Training stages one after the other; what a method reports while it applies its network is no training.
void read_losses(const std::filesystem::path& path, MethodResult& result) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  double before = 0.0;  // steps of the stages before
  std::string current;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string stage;
    std::string step;
    std::string loss;
    if (!std::getline(fields, stage, ',') || !std::getline(fields, step, ',') || !std::getline(fields, loss, ','))
      continue;
    if (!stage.starts_with("train") && !stage.starts_with("fit")) continue;
    if (stage != current && !result.steps.empty() && !stage.starts_with("fit")) before = result.steps.back();
    current = stage;
    result.steps.push_back(before + std::stod(step));
    result.losses.push_back(std::stod(loss));
  }
}

}  // namespace

void measure(MethodResult& result, Judged judged, const FigureTools& tools) {
  judged.image = result.image;
  judged.kernel = result.kernel;
  // The kernel that a method was given, or that everybody takes, is no estimate.
  if (!finds_kernel(result.spec)) judged.true_kernel = torch::Tensor();
  judged.protocol.shave = static_cast<int64_t>(std::ceil(std::max(judged.scale.y, judged.scale.x)));
  result.figures = figures_of(judged, tools);
  result.figures["seconds"] = result.seconds;
  result.figures["peak_memory_mb"] = result.peak_memory_mb;
}

MethodResult run_method(const MethodSpec& spec, const std::filesystem::path& photo, const MethodRuns& runs) {
  MethodResult result;
  result.spec = spec;
  const std::filesystem::path stem = runs.folder / file_name_of(spec.name);
  const std::filesystem::path image = stem.string() + ".png";
  const std::filesystem::path losses = stem.string() + "_loss.csv";
  const std::filesystem::path kernel = stem.string() + "_kernel.npy";
  try {
    const bool same = runs.scale.y == runs.scale.x;
    const std::string scale =
        same ? fmt::format("{:g}", runs.scale.y) : fmt::format("{:g}x{:g}", runs.scale.x, runs.scale.y);
    std::vector<std::string> arguments = {"upscale", photo.string(), "-o", image.string(), "-s",
                                          scale,     "--json",       "-q", "--force",      "--no-record"};
    const pipeline::Method* const method = pipeline::find_method(spec.method);
    if (method == nullptr || method->uses(pipeline::Setting::kDevice)) {
      arguments.insert(arguments.end(), {"--device", runs.device});
    }
    if (method == nullptr || method->uses(pipeline::Setting::kLossLog)) {
      arguments.insert(arguments.end(), {"--loss-log", losses.string()});
    }
    for (const std::string& argument : arguments_of(spec, runs.kernel_file)) arguments.push_back(argument);
    if (!spec.kernel.empty() || finds_kernel(spec)) {
      arguments.insert(arguments.end(), {"--save-kernel", kernel.string()});
    }
    arguments.insert(arguments.end(), runs.arguments.begin(), runs.arguments.end());
    const ProgramRun run = run_program(own_program(), arguments, runs.timeout_s, runs.cancelled);
    result.seconds = run.seconds;
    result.peak_memory_mb = static_cast<double>(run.peak_bytes) / 1e6;
    if (run.exit_code != 0) {
      // A usage error is something that the method lacks: weights, most of all.
      result.status = run.exit_code == 2 && run.signal == 0 ? "not run" : "failed";
      result.message = reason(run, runs.timeout_s);
      return result;
    }
    result.settings = nlohmann::json::parse(run.out);
    change_texts(result.settings, [](const std::string& text) { return bytes_of_text(text); });
    for (const auto& warning : result.settings["warnings"]) {
      result.message += (result.message.empty() ? "" : "; ") + warning.get<std::string>();
    }
    result.image = load_photo(image).color;
    if (std::filesystem::exists(kernel)) result.kernel = load_kernel(kernel).weights();
    read_losses(losses, result);
  } catch (const Error& error) {
    result.status = "failed";
    result.message = error.what();
  } catch (const nlohmann::json::exception&) {
    result.status = "failed";
    result.message = "its record could not be read";
  }
  return result;
}

}  // namespace zsr::cli
