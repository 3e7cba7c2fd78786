#include "cli/upscale/upscale_job.h"

#include "cli/upscale/raw_input.h"
#include "cli/upscale/result_names.h"
#include "cli/upscale/upscale_pages.h"
#include "cli/upscale/upscale_steps.h"
#include "degradations/kernel_families.h"
#include "degradations/kernel_io.h"
#include "image/hdr.h"
#include "image/pages.h"
#include "pipeline/mask_file.h"
#include "pipeline/raw_photo.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zsr::cli {
namespace {

void write_side_files(const pipeline::Outcome& outcome, const UpscaleSettings& settings) {
  if (!settings.save_kernel.empty()) {
    const BlurKernel kernel = outcome.kernel
                                  ? *outcome.kernel
                                  : make_kernel({.family = KernelFamily::kBicubic, .scale = settings.request.scale.y});
    save_kernel(kernel, settings.save_kernel, KernelConvention::kZssr, settings.write.overwrite);
  }
  if (!settings.save_mask.empty()) pipeline::write_mask(outcome.mask, settings.save_mask, settings.write.overwrite);
}

}  // namespace

std::filesystem::path record_path(const std::filesystem::path& output) {
  return output.string() + ".zsr.json";
}

nlohmann::json upscale_photo(const std::filesystem::path& input, const std::filesystem::path& output,
                             const UpscaleSettings& asked, ProgressPrinter& progress) {
  const bool raw = pipeline::is_camera_raw(input);
  if (!raw && asked.pages.may_be_several()) {
    const UpscaleSettings& settings = asked;
    const auto pages = settings.pages.of(read_photo_header(input).sequence.pages, input.string());
    if (pages.size() > 1) return upscale_pages(input, output, pages, settings, progress);
  }
  const Stopwatch total;
  RunTimes times;
  RawInput read;
  if (raw) {
    check_output_files(input, output, asked);  // before the seconds that developing takes
    read = read_raw_input(input, asked);
  }
  const nlohmann::json developed = read.developed.record;
  const bool is_enlarged = raw && read.is_enlarged();
  const UpscaleSettings& settings = raw ? read.settings : asked;
  Photo photo = raw ? std::move(read.developed.photo) : read_input(input, settings);
  if (is_enlarged && !settings.common.quiet) {
    fmt::print(stderr,
               "Bayer mosaic: demosaiced and enlarged in one step by {}; -m zssr or -m edsr enlarge the developed "
               "photo\n",
               developed["network"].get<std::string>());
  }
  const ResultPlan plan = plan_result(input, output, photo, settings, nullptr);
  const std::string damage = photo.damage;
  times.load = total.seconds();

  pipeline::Outcome outcome = is_enlarged
                                  ? pipeline::outcome_of({std::move(photo), developed})
                                  : run_pipeline(input, std::move(photo), settings, settings.time_budget_s, progress);
  const Stopwatch saving;
  state_print_resolution(outcome.photo, settings);
  save_photo(outcome.photo, output, plan.write);
  if (settings.keep_time && !is_device(output)) copy_file_time(input, output);
  write_side_files(outcome, settings);
  times.save = saving.seconds();
  times.train = outcome.summary.train_s;
  times.upscale = outcome.summary.upscale_s;
  times.total = total.seconds();

  nlohmann::json record = outcome.record;
  record["status"] = outcome.summary.termination == Termination::kDiverged ? 1 : 0;
  record["channels"] = outcome.photo.color.size(1);
  record["alpha"] = outcome.photo.alpha.defined();
  record["warnings"] = outcome.warnings;
  if (outcome.photo.range == DynamicRange::kHdr) {
    const HdrCoding coding = coding_in(plan.write.format, outcome.photo.hdr);
    record["hdr"]["file"] = {{"primaries", primaries_name(coding.primaries)},
                             {"transfer", to_string(coding.transfer)},
                             {"bits", plan.bit_depth}};
  }
  if (raw) record["developed"] = developed;
  if (!damage.empty()) record["accepted_damage"] = damage;
  finish_record(record, input, output, plan, times, settings);
  return record;
}

}  // namespace zsr::cli
