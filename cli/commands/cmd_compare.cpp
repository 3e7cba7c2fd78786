#include "cli/batch/batch_flags.h"
#include "cli/command.h"
#include "cli/compare/dataset_run.h"
#include "cli/compare/report_page.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/options.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/usage_error.h"
#include "cli/version.h"
#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "degradations/kernel_io.h"
#include "image/metrics.h"
#include "image/photo.h"
#include "image/resize.h"
#include "nn/kernels/conv_backend.h"
#include "pipeline/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct CompareFlags {
  std::vector<std::string> inputs;
  std::string dataset;
  int64_t seeds = 1;
  std::string output;
  std::string scale = "2";
  std::string methods;
  std::string reference;
  std::string kernel;
  std::string timeout;
  std::string keep;
  FigureFlags figures;
  BatchFlags batch;
  int64_t crops = 4;
  bool crop_reference = false;
  bool force = false;
};

// A folder that goes when it is left.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "zsr-compare-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw IoError(fmt::format("cannot make a folder in '{}'", fs::temp_directory_path().string()));
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::unique_ptr<OptionSet> make_options(CompareFlags& flags, CommonFlags& common) {
  auto options = std::make_unique<OptionSet>(
      "zsr compare PHOTO... [-s 2] [-m LIST] [-o report.html] | zsr compare --dataset FOLDER -o REPORT_FOLDER "
      "[options]",
      "Runs several methods on one photo, or on a benchmark, and writes a report to look at: pictures side by side,\n"
      "figures, kernels, time.",
      "  zsr compare photo.jpg -s 2\n  zsr compare scans/ -s 2 -o reports/\n"
      "  zsr compare small.png -s 2 -m bicubic,edsr,zssr,zssr+kernelgan --reference sharp.png\n"
      "  zsr compare small.png -s 2 -m zssr,zssr+kernelgan,zssr+true --kernel kernel.mat --reference sharp.png\n"
      "  zsr bench make photos/ -o blind/ -s 2 && zsr compare --dataset blind/ -s 2 -o report/\n");
  options->group("Options");
  options->positional("input,i", "PHOTO", "The photo to enlarge", &flags.inputs);
  options->add(
      "dataset", "FOLDER",
      "A benchmark instead: HR images, with LR images and kernels where it has them (HR, LR, kernels; DIV2KRK, "
      "SelfExSR, ...)",
      &flags.dataset);
  options->add("seeds", "N", "--dataset: runs of every method; the spread of their means is reported", &flags.seeds);
  options->add(
      "output,o", "PATH",
      "The report (.html); .json and .csv lie beside it. Default: PHOTO_compare.html. For several photos, and for "
      "--dataset: a folder; the same call goes on where it was stopped",
      &flags.output);
  options->add("scale,s", "FACTOR", "Above 1", &flags.scale);
  options->add("methods,m", "LIST",
               "METHOD[+kernelgan|+true|+SETTING=VALUE]...[=WEIGHTS],...: +kernelgan estimates the kernel, +true takes "
               "--kernel, +steps=500 and the like are flags of the method. Default: what runs without downloads",
               &flags.methods);
  options->add("reference,r", "FILE", "The true large image; without it the figures say less", &flags.reference);
  options->flag("crop-reference", "Cut the reference at right and bottom to the results' size", &flags.crop_reference);
  options->add("kernel", "FILE", "The true blur kernel, for METHOD+true and to judge estimates by", &flags.kernel);
  options->add("time", "DURATION", "Longest run of one method, e.g. 5m", &flags.timeout);
  options->add("crops", "N", "Details that are shown", &flags.crops);
  options->add("keep", "FOLDER", "Also keep every method's image there", &flags.keep);
  add_figure_flags(*options, flags.figures);
  options->flag("force", "Replace existing files", &flags.force);
  add_batch_flags(*options, flags.batch, false);
  add_common_flags(*options, common);
  return options;
}

// Colours of an image; `notes` gets a line where it has alpha, which nothing here compares.
torch::Tensor load_compared(const fs::path& path, std::vector<std::string>& notes) {
  const Photo photo = load_photo(path);
  if (photo.alpha.defined()) notes.push_back(fmt::format("the transparency of '{}' is ignored", path.string()));
  return photo.color;
}

torch::Tensor read_reference(const CompareFlags& flags, const torch::Tensor& photo, Scale scale,
                             std::vector<std::string>& notes) {
  if (flags.reference.empty()) return {};
  torch::Tensor reference = load_compared(flags.reference, notes);
  const Size size = scaled_size({photo.size(2), photo.size(3)}, scale);
  if (reference.size(2) == size.height && reference.size(3) == size.width) return reference;
  const bool larger = reference.size(2) >= size.height && reference.size(3) >= size.width;
  if (!larger || !flags.crop_reference) {
    throw InputError(fmt::format("the reference '{}' is {}x{}, the results will be {}x{}{}", flags.reference,
                                 reference.size(3), reference.size(2), size.width, size.height,
                                 larger ? "; --crop-reference cuts it at right and bottom" : ""));
  }
  notes.push_back(fmt::format("the reference '{}' is cut at right and bottom from {}x{} to {}x{}", flags.reference,
                              reference.size(3), reference.size(2), size.width, size.height));
  return reference.slice(2, 0, size.height).slice(3, 0, size.width).contiguous();
}

void print_row(const MethodResult& result) {
  std::string figures;
  for (const char* const name : {"psnr_y", "consistency_db"}) {
    const auto value = figure_value(result.figures, name);
    if (!value) continue;
    figures +=
        fmt::format("  {} {} dB", std::string(name) == "psnr_y" ? "PSNR" : "LR consistency", figure_text(value, 2));
  }
  if (result.status == "done") {
    fmt::print(stderr, "{:<20} {:7.1f} s{}\n", result.spec.name, result.seconds, figures);
  } else {
    fmt::print(stderr, "{:<20} {}: {}\n", result.spec.name, result.status, result.message);
  }
}

MethodRuns common_runs(const CompareFlags& flags, const CommonFlags& common, const Runtime& runtime, Scale scale) {
  MethodRuns runs;
  runs.scale = scale;
  runs.kernel_file = flags.kernel;
  runs.arguments = {"-j", std::to_string(runtime.threads)};
  runs.device = common.device;
  if (!flags.timeout.empty()) runs.timeout_s = parse_duration(flags.timeout, "time");
  runs.cancelled = [] { return interrupted(); };
  return runs;
}

std::string footer_of(const Runtime& runtime) {
  return fmt::format("zsr {}; {}; {} thread(s), seed {}", build_identity(), describe_runtime(describe_conv_backend()),
                     runtime.threads, runtime.seed);
}

void print_means(const nlohmann::json& report) {
  for (const auto& method : report["methods"]) {
    const auto psnr_y = figure_value(method["mean"], "psnr_y");
    fmt::print(stderr, "{:<20} {}\n", method["method"].get<std::string>(),
               psnr_y ? fmt::format("{} dB over {} images", figure_text(psnr_y, 2), method["images"].get<int64_t>())
                      : "no results");
  }
}

int compare_dataset(const CompareFlags& flags, const CommonFlags& common, const std::vector<MethodSpec>& specs,
                    Scale scale) {
  if (!flags.inputs.empty()) throw UsageError("compare takes a PHOTO or --dataset FOLDER, not both");
  if (!(flags.reference.empty() && flags.kernel.empty() && flags.keep.empty())) {
    throw UsageError("--reference, --kernel and --keep belong to one photo; a benchmark has its own");
  }
  if (flags.output.empty()) throw UsageError("--dataset needs -o FOLDER for the report");
  if (scale.y != scale.x || scale.y != std::floor(scale.y)) {
    throw UsageError(fmt::format("a benchmark is for a whole factor, not for {}", format_scale(scale)));
  }
  if (flags.seeds < 1 || flags.seeds > 100) throw UsageError(fmt::format("--seeds {} must be 1 to 100", flags.seeds));
  const Runtime runtime = start_runtime(common);
  DatasetOptions options;
  options.benchmark = flags.dataset;
  options.output = flags.output;
  options.scale = static_cast<int64_t>(scale.y);
  options.specs = specs;
  options.seeds = flags.seeds;
  options.first_seed = static_cast<int64_t>(runtime.seed);
  options.runs = common_runs(flags, common, runtime, scale);
  options.crops = static_cast<size_t>(flags.crops);
  options.quiet = common.quiet;
  options.tools = load_figure_tools(flags.figures);
  const nlohmann::json report = run_dataset(options, footer_of(runtime));
  if (common.json) {
    fmt::print("{}\n", json_text(report, 2));
  } else {
    if (!common.quiet) print_means(report);
    fmt::print("{}\n", (options.output / "index.html").string());
  }
  if (interrupted()) return interrupt_exit_code();
  bool all = report["left_out"].empty();
  for (const auto& method : report["methods"]) all = all && method["not_done"] == 0;
  return all ? kExitOk : kExitFailed;
}

// The files of a report. Throws where they cannot be written.
struct ReportFiles {
  fs::path page;
  Overwrite overwrite;

  ReportFiles(const fs::path& output, const fs::path& input, bool force)
      : page(output), overwrite(force ? Overwrite::kYes : Overwrite::kNo) {
    if (page.extension() != ".html") throw UsageError(fmt::format("-o '{}' must end in .html", page.string()));
    for (const fs::path& path : {page, beside(".json"), beside(".csv")}) check_output(path, input, overwrite);
  }
  fs::path beside(const char* extension) const { return fs::path(page).replace_extension(extension); }
  void write(const Comparison& comparison) const {
    write_file_atomically(page, report_page(comparison), overwrite);
    write_file_atomically(beside(".json"), json_text(report_json(comparison), 2) + "\n", overwrite);
    write_file_atomically(beside(".csv"), report_csv(comparison), overwrite);
  }
};

// Runs the methods one after the other, until the user interrupts. False where one of them did not work.
bool run_methods(const std::vector<MethodSpec>& specs, const fs::path& input, const MethodRuns& runs,
                 const Judged& judged, const FigureTools& tools, bool quiet, std::vector<MethodResult>& results) {
  bool all = true;
  for (const MethodSpec& spec : specs) {
    if (interrupted()) break;
    MethodResult result = run_method(spec, input, runs);
    if (result.image.defined()) measure(result, judged, tools);
    if (!quiet) print_row(result);
    all = all && result.status == "done";
    results.push_back(std::move(result));
  }
  return all;
}

// What the report says above and below the pictures.
void describe_comparison(Comparison& comparison, const fs::path& input, Scale scale,
                         const std::vector<std::string>& notes) {
  const bool has_reference = comparison.reference.defined();
  comparison.photo = input.filename().string();
  comparison.subtitle =
      fmt::format("{}x{} pixels, enlarged {} times{}", comparison.input.size(3), comparison.input.size(2),
                  format_scale(scale), has_reference ? ", compared with the true image" : "");
  MetricProtocol protocol;
  protocol.shave = static_cast<int64_t>(std::ceil(std::max(scale.y, scale.x)));
  comparison.protocol =
      has_reference ? describe(protocol)
                    : "No true image: what can be measured is LR consistency and the detail that a result adds.";
  for (const std::string& note : notes) comparison.protocol += "; " + note;
}

int compare_one(const CompareFlags& flags, const CommonFlags& common, const std::vector<MethodSpec>& specs, Scale scale,
                const BatchItem& item) {
  const fs::path& input = item.input;
  const ReportFiles files(item.output, input, flags.force);
  const FigureTools tools = load_figure_tools(flags.figures);
  std::vector<std::string> notes;
  Comparison comparison;
  comparison.input = load_compared(input, notes);
  const Runtime runtime = start_runtime(common);
  comparison.reference = read_reference(flags, comparison.input, scale, notes);
  for (const std::string& note : notes) fmt::print(stderr, "zsr: warning: {}\n", note);
  Judged judged{.photo = comparison.input, .reference = comparison.reference, .scale = scale};
  if (!flags.kernel.empty()) judged.true_kernel = load_kernel(flags.kernel).weights();
  const ScratchFolder scratch;
  MethodRuns runs = common_runs(flags, common, runtime, scale);
  runs.arguments.insert(runs.arguments.end(), {"--seed", std::to_string(runtime.seed)});
  runs.folder = scratch.path();
  if (!flags.keep.empty()) {
    fs::create_directories(flags.keep);
    runs.folder = flags.keep;
  }
  const bool all = run_methods(specs, input, runs, judged, tools, common.quiet, comparison.results);
  constexpr int64_t kCropSide = 56;
  comparison.crops = crops_of_difference(comparison.results, kCropSide, static_cast<size_t>(flags.crops));
  describe_comparison(comparison, input, scale, notes);
  comparison.footer = footer_of(runtime);
  files.write(comparison);
  if (common.json) {
    nlohmann::json json = report_json(comparison);
    if (!all) {
      json["error"] = fmt::format("'{}': not every method worked; '{}' says why", input.string(), files.page.string());
    }
    if (!all && in_worker()) json["passing"] = true;  // for the batch only
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", files.page.string());
  }
  if (interrupted()) return interrupt_exit_code();
  return all ? kExitOk : kExitFailed;
}

}  // namespace

int run_bench(const std::vector<std::string>& arguments) {
  constexpr const char* kHelp =
      "Usage: zsr bench make HR... -o FOLDER -s 2 [--seed N] [options of zsr degrade]\n\n"
      "Makes a blind benchmark of sharp photos: random blur as DIV2KRK has it (FOLDER/HR, FOLDER/LR, FOLDER/kernels).\n"
      "Examples:\n"
      "  zsr bench make photos/ -o blind/ -s 2\n"
      "  zsr compare --dataset blind/ -s 2 -m bicubic,zssr,zssr+kernelgan,zssr+true -o report/\n";
  if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h")) {
    fmt::print("{}", kHelp);
    return kExitOk;
  }
  if (arguments.empty() || arguments[0] != "make") {
    throw UsageError("bench has one verb: 'zsr bench make HR -o FOLDER -s 2'");
  }
  std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  for (const std::string& word : rest) {
    if (word == "--recipe") throw UsageError("bench make has its recipe, div2krk; 'zsr degrade' takes others");
  }
  rest.insert(rest.end(), {"--recipe", "div2krk"});
  return run_degrade(rest);
}

int run_compare(const std::vector<std::string>& arguments) {
  CompareFlags flags;
  CommonFlags common;
  const auto given = make_options(flags, common);
  if (!given->parse(arguments)) return kExitOk;
  if (flags.dataset.empty() && flags.inputs.empty()) throw UsageError("compare takes a PHOTO, or --dataset FOLDER");
  const Scale scale = parse_scale(flags.scale);
  if (flags.crops < 0 || flags.crops > 20) throw UsageError(fmt::format("--crops {} must be 0 to 20", flags.crops));
  const auto specs = parse_methods(
      flags.methods.empty() ? fmt::format("{}", fmt::join(pipeline::methods_to_compare(scale), ",")) : flags.methods);
  if (!flags.dataset.empty()) return compare_dataset(flags, common, specs, scale);
  // What cannot be run is said before the minutes.
  for (const MethodSpec& spec : specs) arguments_of(spec, flags.kernel);
  const BatchPlan plan = plan_batch(
      flags.inputs, flags.output, flags.batch,
      {[](const fs::path& photo) { return fs::path(photo).replace_extension(".html"); },
       [](const fs::path& photo) { return photo.parent_path() / (photo.stem().string() + "_compare.html"); }});
  if (plan.items.empty()) throw UsageError("no photos found");
  if (plan.many) {
    if (!flags.reference.empty() || !flags.keep.empty()) {
      throw UsageError("--reference and --keep belong to one photo; --dataset compares with true images");
    }
    const BatchOptions options =
        batch_options(flags.batch, common, *given, {"compare"}, plan, flags.output, flags.force);
    const BatchTally tally = run_batch(plan.items, options);
    return finish_batch(tally, options, static_cast<int64_t>(plan.items.size()), plan.not_images);
  }
  return compare_one(flags, common, specs, scale, plan.items[0]);
}

}  // namespace zsr::cli
