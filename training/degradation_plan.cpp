#include "training/degradation_plan.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>

namespace zsr::training {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLightRate = 2e-4;

std::string term(double weight, const std::string& rest) {
  return fmt::format("{:g} {}", weight, rest);
}

// A judge of the light forms: without batch normalisation, which would hide how strong a noise is, and with faint
// differences made large.
Json light_judge() {
  return {{"network", "patch"}, {"loss", "vanilla"}, {"width", 64},
          {"gain", 20},         {"momentum", 0.5},   {"learning_rate", 6e-4}};
}

// DSGAN: what the generator leaves in place are the low frequencies, what the judge sees are the high ones. The light
// form keeps means of 25x25 pixels, and shows what 9x9 leave: the noise of scans and of JPEG reaches below 5x5, and
// colours that drift cost a network that learns from them more than noise.
Json fssr(const DegradationOptions& options, double adversarial) {
  Json network{{"network", "dsgan"}, {"learning_rate", 2e-4}, {"momentum", 0.5}};
  Json judge{{"network", "dsgan"}, {"loss", "vanilla"}, {"width", 64}, {"learning_rate", 2e-4}, {"momentum", 0.5}};
  if (!options.published) {
    network.update(
        Json{{"width", 32}, {"depth", 4}, {"noise", 2}, {"grid", 1}, {"residual", 1}, {"learning_rate", 5e-4}});
    judge = light_judge();
  }
  Json loss = options.published
                  ? Json{"1 l1 low(worse(lr)) low(lr)", term(adversarial, "eye high(worse(lr)) high(like)")}
                  : Json{"3 l1 low25(worse(lr)) low25(lr)", term(adversarial, "eye high9(worse(lr)) high9(like)")};
  if (!options.features.empty()) loss.push_back("0.01 content worse(lr) lr");
  return {{"networks", {{kDegradingNetwork, network}}},
          {"judges", {{"eye", judge}}},
          {"stages", {{{"steps", options.steps}, {"train", {kDegradingNetwork}}, {"loss", loss}, {"decay", true}}}}};
}

// High-to-Low: the small image itself, close to the mean of the sharp one's pixels.
Json bulat(const DegradationOptions& options, double adversarial) {
  const auto halvings = static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(options.scale))) - 1;
  Json network{{"network", "high-to-low"}, {"noise", 1}, {"learning_rate", 1e-4}, {"momentum", 0.0}};
  Json judge{{"network", "patch"}, {"loss", "vanilla"}, {"width", 64}, {"learning_rate", 1e-4}, {"momentum", 0.0}};
  if (options.published) {
    network["halvings"] = 4;
    network["doublings"] = 4 - halvings;
  } else {
    network.update(Json{{"width", 32},
                        {"depth", 2},
                        {"grid", 1},
                        {"halvings", halvings},
                        {"doublings", 0},
                        {"learning_rate", kLightRate}});
    judge["width"] = 24;
    judge["learning_rate"] = kLightRate;
  }
  const Json loss{"4 l2 worse(hr) small(hr)", term(adversarial, "eye worse(hr) like")};
  return {{"networks", {{kDegradingNetwork, network}}},
          {"judges", {{"eye", judge}}},
          {"stages", {{{"steps", options.steps}, {"train", {kDegradingNetwork}}, {"loss", loss}}}}};
}

// CinCGAN's inner cycle, both ways, at the small size.
Json cincgan(const DegradationOptions& options, double adversarial) {
  Json network{{"network", "cincgan"}, {"learning_rate", 2e-4}, {"momentum", 0.5}};
  Json judge{{"network", "cincgan"}, {"loss", "ls"}, {"width", 64}, {"learning_rate", 2e-4}, {"momentum", 0.5}};
  Json worse = network;
  if (!options.published) {
    for (Json* const one : {&network, &worse}) one->update(Json{{"width", 32}, {"depth", 3}});
    worse.update(Json{{"noise", 2}, {"grid", 1}});
    judge["width"] = 16;
  }
  const Json loss{term(adversarial, "clean better(like) lr"),
                  term(adversarial, "dirty worse(lr) like"),
                  "10 l2 worse(better(like)) like",
                  "10 l2 better(worse(lr)) lr",
                  "5 l1 better(lr) lr",
                  "5 l1 worse(like) like",
                  "0.5 tv better(like)"};
  return {{"networks", {{kDegradingNetwork, worse}, {"better", network}}},
          {"judges", {{"clean", judge}, {"dirty", judge}}},
          {"stages", {{{"steps", options.steps}, {"train", {kDegradingNetwork, "better"}}, {"loss", loss}}}}};
}

double default_weight(const std::string& method, bool published) {
  if (!published && method == "fssr") return 0.3;
  return method == "fssr" ? 0.005 : method == "bulat" ? 0.05 : 1.0;
}

}  // namespace

const std::vector<std::string>& degradation_methods() {
  static const std::vector<std::string> names = {"fssr", "bulat", "cincgan"};
  return names;
}

void DegradationOptions::validate() const {
  const auto& names = degradation_methods();
  if (std::find(names.begin(), names.end(), method) == names.end()) {
    throw OptionError(fmt::format("method = '{}', must be one of {}", method, fmt::join(names, ", ")));
  }
  if (scale < 1 || scale > 16) throw OptionError(fmt::format("scale = {}, must be 1 to 16", scale));
  if (method == "bulat" && (scale == 1 || !std::has_single_bit(static_cast<uint64_t>(scale)))) {
    throw OptionError(fmt::format("scale = {}: bulat halves the image; it takes 2, 4, 8 or 16", scale));
  }
  if (steps < 1) throw OptionError(fmt::format("steps = {}, must be > 0", steps));
  if (!features.empty() && method != "fssr") {
    throw OptionError(fmt::format("{} has no perceptual term; leave out the features", method));
  }
}

TeamPlan degradation_plan(const DegradationOptions& options) {
  options.validate();
  const double weight =
      options.adversarial > 0.0 ? options.adversarial : default_weight(options.method, options.published);
  Json plan = options.method == "fssr"    ? fssr(options, weight)
              : options.method == "bulat" ? bulat(options, weight)
                                          : cincgan(options, weight);
  plan["scale"] = options.scale;
  if (!options.published) plan["average"] = 0.99;
  if (!options.features.empty()) plan["features"] = options.features;
  return TeamPlan::from_json(plan, "the plan of " + options.method);
}

std::vector<std::string> degradation_samples(const std::string& method) {
  if (method == "bulat") return {"small(hr)", "worse(hr)", "like"};
  return {"lr", "worse(lr)", "like"};
}

}  // namespace zsr::training
