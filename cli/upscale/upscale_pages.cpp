#include "cli/upscale/upscale_pages.h"

#include "cli/terminal/interrupt.h"
#include "cli/upscale/result_names.h"
#include "cli/upscale/upscale_steps.h"
#include "core/error.h"
#include "core/files.h"
#include "image/pages.h"
#include "pipeline/upscale.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace zsr::cli {
namespace {

// The chosen pages' own sequence.
Sequence sequence_of(const Sequence& whole, const std::vector<int64_t>& pages) {
  Sequence part{static_cast<int64_t>(pages.size()), {}, whole.loops};
  if (!whole.animated()) return part;
  for (const int64_t page : pages) part.delays_ms.push_back(whole.delays_ms.at(static_cast<size_t>(page)));
  return part;
}

// A size that was named holds for every page, whatever its own size is.
void fit_to_page(UpscaleSettings& settings, const Photo& page, const std::string& name) {
  if (!settings.size_request) return;
  const Size size = settings.size_request->of({page.color.size(2), page.color.size(3)}, name);
  settings.request.target = size;
  settings.request.keep = settings.size_request->kept(size);
}

// A message about one page says which one.
template <typename Work>
auto naming_page(int64_t page, const Work& work) {
  try {
    return work();
  } catch (const InputError& error) {
    throw InputError(fmt::format("page {}: {}", page + 1, error.what()));
  }
}

Photo read_page(PageReader& reader, int64_t number, const std::filesystem::path& input) {
  Photo page = naming_page(number, [&] { return reader.read(number); });
  if (page.range == DynamicRange::kHdr) {
    throw InputError(fmt::format("'{}' is HDR ({}), of which one picture is enlarged; name one page with --pages",
                                 input.string(), describe(page.hdr)));
  }
  return page;
}

void say_which_page(const Sequence& sequence, size_t i, size_t pages, ProgressPrinter& progress) {
  progress.finish();
  fmt::print(stderr, "{} {} of {}\n", sequence.animated() ? "frame" : "page", i + 1, pages);
}

// What is left of the budget, divided evenly.
std::optional<double> budget_of_page(const UpscaleSettings& settings, double passed, size_t pages_left) {
  if (!settings.time_budget_s) return std::nullopt;
  return std::max(0.1, (*settings.time_budget_s - passed) / static_cast<double>(pages_left));
}

}  // namespace

nlohmann::json upscale_pages(const std::filesystem::path& input, const std::filesystem::path& output,
                             const std::vector<int64_t>& pages, const UpscaleSettings& asked,
                             ProgressPrinter& progress) {
  const Stopwatch total;
  RunTimes times;
  UpscaleSettings settings = asked;
  ReadLimits limits = settings.limits;
  limits.hdr = true;
  PageReader reader(input, limits);
  const Sequence sequence = sequence_of(reader.sequence(), pages);
  std::optional<PageWriter> writer;
  ResultPlan plan;
  nlohmann::json record;
  nlohmann::json entries = nlohmann::json::array();
  std::set<std::string> warnings;
  bool diverged = false;
  bool alpha = false;
  for (size_t i = 0; i < pages.size(); ++i) {
    const Stopwatch loading;
    Photo page = read_page(reader, pages[i], input);
    fit_to_page(settings, page, fmt::format("{} (page {})", input.string(), pages[i] + 1));
    if (i == 0) {
      plan = plan_result(input, output, page, settings, &sequence);
      writer.emplace(plan.write, sequence);
    } else {
      check_output_size(page, input, settings, plan.write.format);
    }
    times.load += loading.seconds();
    if (!settings.common.quiet) say_which_page(sequence, i, pages.size(), progress);
    const std::optional<double> budget = budget_of_page(settings, total.seconds(), pages.size() - i);
    pipeline::Outcome outcome = run_pipeline(input, std::move(page), settings, budget, progress);
    state_print_resolution(outcome.photo, settings);
    if (interrupted() && i + 1 < pages.size()) throw Cancelled("stopped on request; nothing was written");
    writer->add(outcome.photo);
    times.train += outcome.summary.train_s;
    times.upscale += outcome.summary.upscale_s;
    diverged = diverged || outcome.summary.termination == Termination::kDiverged;
    alpha = alpha || outcome.photo.alpha.defined();
    warnings.insert(outcome.warnings.begin(), outcome.warnings.end());
    nlohmann::json entry = outcome.record;
    entry["page"] = pages[i] + 1;
    entries.push_back(std::move(entry));
    if (i > 0) continue;
    record = outcome.record;
    record["channels"] = outcome.photo.color.size(1);
    if (sequence.animated()) settings.request = pipeline::with_choices_of(settings.request, outcome);
  }
  const Stopwatch saving;
  writer->save(output);
  if (settings.keep_time && !is_device(output)) copy_file_time(input, output);
  times.save = saving.seconds();
  times.total = total.seconds();
  record["status"] = diverged ? 1 : 0;
  record["alpha"] = alpha;
  record["warnings"] = warnings;
  record["pages"] = std::move(entries);
  finish_record(record, input, output, plan, times, settings);
  return record;
}

}  // namespace zsr::cli
