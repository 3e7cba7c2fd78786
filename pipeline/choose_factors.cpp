#include "pipeline/choose_factors.h"

#include "core/error.h"
#include "nn/weights/shipped.h"
#include "pipeline/methods.h"
#include "pipeline/parameters/parameter.h"
#include "pipeline/trained.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace zsr::pipeline {
namespace {

constexpr Scale kDouble{2.0, 2.0};

bool is_shipped_for(const std::string& method, const std::string& scale) {
  return is_shipped(fmt::format("{}-light-x{}", method, scale));
}

// Where no weights of the method come with zsr for `asked`: a factor for which they do, to be resampled.
Scale shipped_scale(const Method& method, Scale asked, double needed) {
  if (is_shipped_for(method.name, format_scale(asked))) return asked;
  std::vector<int64_t> shipped;
  for (const int64_t factor : method.factors) {
    if (is_shipped_for(method.name, std::to_string(factor))) shipped.push_back(factor);
  }
  if (shipped.empty()) return asked;
  const auto factor = static_cast<double>(passes_for(needed, shipped, false).factor);
  return {factor, factor};
}

// For a network that has only some factors: one of them, perhaps several times, and resampling where that is not exact.
void fit_network(const SizeWish& wish, double needed, Scale asked, Factors& factors) {
  const std::vector<int64_t> scales = factors.trained->scales();
  if (!wish.scale && !wish.target && scales.size() == 1) {
    factors.scale = {static_cast<double>(scales[0]), static_cast<double>(scales[0])};
    return;
  }
  const bool known = std::any_of(scales.begin(), scales.end(), [&](int64_t scale) {
    return asked.y == static_cast<double>(scale) && asked.x == static_cast<double>(scale);
  });
  if (known && !wish.target) return;
  if (wish.exact) {
    throw OptionError(fmt::format("'{}' enlarges by {}, not by {}; leave --exact-scale out to resample its result",
                                  factors.trained->weights, fmt::join(scales, ", "),
                                  wish.target ? wish.text : format_scale(asked)));
  }
  const Passes passes = passes_for(needed, scales, !factors.trained->takes_kernel());
  factors.passes = passes.count;
  factors.scale = {static_cast<double>(passes.factor), static_cast<double>(passes.factor)};
  if (!wish.target) factors.target_scale = asked;
}

}  // namespace

Factors choose_factors(const std::string& name, const std::string& weights, const std::string& pca,
                       const SizeWish& wish) {
  const bool open = name == "auto";
  const Method* const method = open ? &default_method() : find_method(name);
  if (method == nullptr) {
    throw OptionError(fmt::format("--method '{}' must be auto, {}", name, fmt::join(method_names(), ", ")));
  }
  Factors factors;
  factors.scale = wish.scale.value_or(kDouble);
  double needed = std::max(factors.scale.y, factors.scale.x);
  if (wish.target) {
    needed = growth(*wish.photo, *wish.target);
    const auto factor = static_cast<double>(passes_for(needed, method->factors, false).factor);
    factors.scale = {factor, factor};
  }
  const Scale asked = factors.scale;
  if (open ? !weights.empty() : method->network) {
    const bool replace = method->network && weights.empty() && !wish.exact;
    const Scale trained = replace ? shipped_scale(*method, asked, needed) : asked;
    factors.trained = std::make_shared<const Trained>(load_trained(name, weights, pca, trained));
  }
  const bool some = factors.trained && !factors.trained->scales().empty();
  if (wish.exact && !some) {
    throw OptionError("--exact-scale is for networks that have some factors only (edsr, srmd, ...); leave it out");
  }
  if (some) fit_network(wish, needed, asked, factors);
  return factors;
}

double growth(Size photo, Size target) {
  return std::max(static_cast<double>(target.height) / static_cast<double>(photo.height),
                  static_cast<double>(target.width) / static_cast<double>(photo.width));
}

Passes passes_for(double needed, const std::vector<int64_t>& factors, bool repeats) {
  constexpr double kRounding = 1e-9;
  for (const int64_t factor : factors) {
    if (static_cast<double>(factor) >= needed - kRounding) return {factor, 1};
  }
  Passes passes{factors.back(), 1};
  auto reached = static_cast<double>(passes.factor);
  while (repeats && passes.factor > 1 && reached < needed - kRounding) {
    reached *= static_cast<double>(passes.factor);
    ++passes.count;
  }
  return passes;
}

std::optional<std::string> restoration_chosen_by(const ParameterValues& values, bool same_size) {
  if (const std::string flag = first_named(values, Setting::kRestoration); !flag.empty()) return flag;
  return same_size && !names_zero_shot(values) ? std::optional<std::string>("-s 1") : std::nullopt;
}

}  // namespace zsr::pipeline
