#include "core/error.h"
#include "core/values.h"
#include "nn/weights/load_weights.h"
#include "nn/weights/shipped.h"
#include "pipeline/parameters/parameter.h"
#include "zssr/start.h"

#include <fmt/format.h>

#include <limits>
#include <memory>

// How ZSSR's network is made and trained.
namespace zsr::pipeline {
namespace {

constexpr const char* kZssrGroup = "ZSSR";

void take_init(const Typed& typed, Request& request) {
  ZssrRequest& zssr = request.zssr;
  zssr.init = typed.values.text("init");
  zssr.pretrained = zssr.init == "auto";
  if (zssr.pretrained || zssr.init == "none") return;
  zssr.start = is_shipped(zssr.init)
                   ? zssr::Start::shipped(zssr.init)
                   : std::make_shared<const zssr::Start>(zssr::Start::from_weights(load_weights(zssr.init)));
}

void take_gradual(const Typed& typed, Request& request) {
  const std::string& text = typed.values.text("gradual");
  request.zssr.gradual.emplace();
  for (const std::string& item : split_list(text == "none" ? "" : text)) {
    request.zssr.gradual->push_back(parse_scale(item, false, "gradual"));
  }
}

void take_optimizer(const Typed& typed, Request& request) {
  request.zssr.step_rule =
      typed.values.choice("optimizer", {"adam", "muon"}) == 0 ? zssr::StepRule::kAdam : zssr::StepRule::kMuon;
}

nlohmann::json given_optimizer(const Run& run) {
  const auto& rule = run.asked.zssr.step_rule;
  if (!rule) return nullptr;
  return *rule == zssr::StepRule::kMuon ? "muon" : "adam";
}

// A number of ZSSR's training that is stored in a field of ZssrRequest.
template <auto Field>
void take_zssr_whole(const char* name, const Typed& typed, Request& request) {
  request.zssr.*Field = typed.values.whole(name, std::numeric_limits<int64_t>::min());
}

template <auto Field>
void take_zssr_number(const char* name, const Typed& typed, Request& request) {
  request.zssr.*Field = typed.values.number(name, -std::numeric_limits<double>::infinity());
}

template <auto Field>
nlohmann::json given_field(const Run& run) {
  return or_null(run.asked.zssr.*Field);
}

Parameter zssr_row(const char* names, const char* value, const char* help, const char* field,
                   void (*take)(const Typed&, Request&), nlohmann::json (*given)(const Run&)) {
  return {.names = names,
          .value = value,
          .help = help,
          .group = kZssrGroup,
          .setting = Setting::kZssrNetwork,
          .take = take,
          .field = field,
          .given = given};
}

}  // namespace

std::vector<Parameter> zssr_parameters() {
  using Z = ZssrRequest;
  std::vector<Parameter> rows = {
      zssr_row(
          "preset", "NAME", "default (fast), paper (the authors' configuration), paper-gradual, kernel, real", "preset",
          [](const Typed& typed, Request& request) { request.zssr.preset = typed.values.text("preset"); },
          [](const Run& run) {
            return run.asked.zssr.preset == "default" ? nullptr : nlohmann::json(run.asked.zssr.preset);
          }),
      zssr_row(
          "init", "WEIGHTS",
          "Trained starting point: auto (the default preset's for x2, x3, x4), none (pure zero-shot), or a file, also "
          "an EDSR's",
          "init", take_init,
          [](const Run& run) { return run.asked.zssr.init == "auto" ? nullptr : nlohmann::json(run.asked.zssr.init); }),
      zssr_row("optimizer", "NAME", "adam or muon. Default: the preset's, as of all below", "optimizer", take_optimizer,
               given_optimizer),
      zssr_row(
          "training-crop", "PIXELS", "Side of a training crop", "training_crop",
          [](const Typed& typed, Request& request) { take_zssr_whole<&Z::crop>("training-crop", typed, request); },
          given_field<&Z::crop>),
      zssr_row(
          "batch", "N", "Crops per step (default preset)", "batch",
          [](const Typed& typed, Request& request) { take_zssr_whole<&Z::batch>("batch", typed, request); },
          given_field<&Z::batch>),
      zssr_row(
          "channels", "N", "Channels of the network", "channels",
          [](const Typed& typed, Request& request) { take_zssr_whole<&Z::channels>("channels", typed, request); },
          given_field<&Z::channels>),
      zssr_row(
          "depth", "N", "Layers of the network", "depth",
          [](const Typed& typed, Request& request) { take_zssr_whole<&Z::depth>("depth", typed, request); },
          given_field<&Z::depth>),
      zssr_row(
          "init-variance", "V", "Weights start as N(0, V / fan-in)", "init_variance",
          [](const Typed& typed, Request& request) {
            take_zssr_number<&Z::init_variance>("init-variance", typed, request);
          },
          given_field<&Z::init_variance>),
      zssr_row(
          "last-init-variance", "V", "The same for the last layer", "last_init_variance",
          [](const Typed& typed, Request& request) {
            take_zssr_number<&Z::last_init_variance>("last-init-variance", typed, request);
          },
          given_field<&Z::last_init_variance>),
      zssr_row(
          "warm-up", "N", "Steps over which the learning rate rises (default preset)", "warm_up",
          [](const Typed& typed, Request& request) { take_zssr_whole<&Z::warm_up_steps>("warm-up", typed, request); },
          given_field<&Z::warm_up_steps>),
      zssr_row(
          "beta2", "B", "Adam's second-moment memory", "beta2",
          [](const Typed& typed, Request& request) { take_zssr_number<&Z::adam_beta2>("beta2", typed, request); },
          given_field<&Z::adam_beta2>),
      zssr_row("gradual", "LIST", "Scales on the way, e.g. 1.5,2; 'none' for one jump", "gradual", take_gradual,
               nullptr),
  };
  rows[0].shown_default = "default";
  rows[1].shown_default = "auto";
  return rows;
}

}  // namespace zsr::pipeline
