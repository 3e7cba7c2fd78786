#include "cli/flags/refusals.h"

#include "cli/terminal/usage_error.h"
#include "pipeline/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace zsr::cli {
namespace {

using pipeline::Setting;

struct FlagSetting {
  const char* flag;
  Setting setting;
};

constexpr FlagSetting kFlags[] = {
    {"kernel", Setting::kKernel},
    {"kernel-convention", Setting::kKernelConvention},
    {"phase", Setting::kPhase},
    {"noise", Setting::kNoise},
    {"ensemble", Setting::kEnsemble},
    {"back-projection", Setting::kBackProjection},
    {"tile", Setting::kTile},
    {"time", Setting::kTimeBudget},
    {"steps", Setting::kSteps},
    {"learning-rate", Setting::kLearningRate},
    {"preset", Setting::kZssrNetwork},
    {"init", Setting::kZssrNetwork},
    {"optimizer", Setting::kZssrNetwork},
    {"training-crop", Setting::kZssrNetwork},
    {"batch", Setting::kZssrNetwork},
    {"channels", Setting::kZssrNetwork},
    {"depth", Setting::kZssrNetwork},
    {"init-variance", Setting::kZssrNetwork},
    {"last-init-variance", Setting::kZssrNetwork},
    {"warm-up", Setting::kZssrNetwork},
    {"beta2", Setting::kZssrNetwork},
    {"gradual", Setting::kZssrNetwork},
    {"weights", Setting::kWeights},
    {"keep-colors", Setting::kKeepColors},
    {"circular", Setting::kCircular},
    {"pca", Setting::kSrmdMaps},
    {"kernel-grid", Setting::kSrmdMaps},
    {"noise-map", Setting::kSrmdMaps},
    {"prior", Setting::kKernelPrior},
    {"strength", Setting::kRestoration},
    {"detail", Setting::kRestoration},
    {"denoise", Setting::kRestoration},
    {"dejpeg", Setting::kRestoration},
    {"grain", Setting::kRestoration},
    {"adapt", Setting::kRestoration},
    {"scratches", Setting::kRestoration},
    {"save-mask", Setting::kRestoration},
    {"tone", Setting::kRestoration},
    {"save-kernel", Setting::kSaveKernel},
    {"loss-log", Setting::kLossLog},
};

// Whether --device or --gpu asks for more than the CPU.
bool asks_for_gpu(const OptionSet& given) {
  const std::string device = given.text("device");
  const std::string gpu = given.text("gpu");
  return device.starts_with("cuda") || (!gpu.empty() && !gpu.starts_with("-"));
}

[[noreturn]] void refuse(const char* flag, const pipeline::Method& method, Setting setting,
                         const std::string& chosen_by) {
  const auto able = pipeline::methods_with(setting);
  constexpr size_t kNamed = 4;
  const std::vector<std::string> named(able.begin(), able.begin() + static_cast<long>(std::min(kNamed, able.size())));
  throw UsageError(fmt::format("{} cannot use --{}{}; leave it out (it is for {}{})", method.name, flag,
                               chosen_by.empty() ? "" : fmt::format(" ({} was chosen by {})", method.name, chosen_by),
                               fmt::join(named, ", "), able.size() > kNamed ? ", ..." : ""));
}

}  // namespace

void refuse_unused(const OptionSet& given, const pipeline::Method& method, const std::string& chosen_by) {
  for (const auto& [flag, setting] : kFlags) {
    if (given.given(flag) && !method.uses(setting)) refuse(flag, method, setting, chosen_by);
  }
  if (asks_for_gpu(given) && !method.uses(Setting::kDevice)) {
    refuse(given.given("device") ? "device" : "gpu", method, Setting::kDevice, chosen_by);
  }
}

void refuse_gpu(const OptionSet& given, const std::string& what) {
  if (!asks_for_gpu(given)) return;
  throw UsageError(fmt::format("{} runs on the CPU; leave --{} out", what, given.given("device") ? "device" : "gpu"));
}

bool names_zero_shot(const OptionSet& given) {
  const pipeline::Method& zssr = pipeline::default_method();
  const pipeline::Method& restore = pipeline::restoration_method();
  return std::any_of(std::begin(kFlags), std::end(kFlags), [&](const FlagSetting& row) {
    return row.setting != Setting::kTimeBudget && given.given(row.flag) && zssr.uses(row.setting) &&
           !restore.uses(row.setting);
  });
}

bool names_more_than(const OptionSet& given, const pipeline::Method& method) {
  return asks_for_gpu(given) || std::any_of(std::begin(kFlags), std::end(kFlags), [&](const FlagSetting& row) {
           return given.given(row.flag) && !method.uses(row.setting);
         });
}

}  // namespace zsr::cli
