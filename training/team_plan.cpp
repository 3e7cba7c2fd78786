#include "training/team_plan.h"

#include "core/error.h"
#include "core/files.h"
#include "core/strict_json.h"
#include "networks/registry.h"
#include "training/judge_graph.h"
#include "training/team_images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace zsr::training {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestPlan = 1 << 20;
constexpr const char* kDistances[] = {"l1", "l2", "charbonnier", "tv", "content"};

bool is_distance(const std::string& name) {
  return std::find(std::begin(kDistances), std::end(kDistances), name) != std::end(kDistances);
}

double rate(const Json& json) {
  const double value = json_number(json, "learning_rate");
  if (!(value > 0.0 && std::isfinite(value)))
    throw OptionError(fmt::format("learning_rate = {:g}, must be > 0", value));
  return value;
}

double fraction(const Json& json, const std::string& key) {
  const double value = json_number(json, key);
  if (!(value >= 0.0 && value < 1.0))
    throw OptionError(fmt::format("{} = {:g}, must be at least 0 and below 1", key, value));
  return value;
}

Member member_of(const std::string& name, const Json& json, int64_t scale) {
  Member member;
  member.name = name;
  member.scale = scale;
  bool scale_named = false;
  if (!json.is_object()) throw EntryError(name, "must be an object, {...}");
  for (const auto& [key, value] : json.items()) {
    if (key == "network") {
      member.network = json_text_value(value, key);
    } else if (key == "init") {
      member.init = json_text_value(value, key);
    } else if (key == "scale") {
      member.scale = json_whole(value, key);
      scale_named = true;
    } else if (key == "learning_rate") {
      member.learning_rate = rate(value);
    } else if (key == "momentum") {
      member.momentum = fraction(value, key);
    } else {
      member.fields[key] = json_number(value, key);
    }
  }
  const networks::Kind* const kind = networks::find_kind(member.network);
  if (kind != nullptr && !scale_named && kind->trainable_scales.size() == 1) member.scale = kind->trainable_scales[0];
  return member;
}

AdversaryOptions judge_of(const Json& json) {
  check_entries(json, {"network", "loss", "width", "learning_rate", "momentum", "gain"});
  AdversaryOptions judge;
  if (json.contains("network")) judge.network = json_text_value(json["network"], "network");
  if (json.contains("loss")) judge.loss = json_text_value(json["loss"], "loss");
  if (json.contains("width")) judge.width = json_whole(json["width"], "width");
  if (json.contains("learning_rate")) judge.learning_rate = rate(json["learning_rate"]);
  if (json.contains("momentum")) judge.momentum = fraction(json["momentum"], "momentum");
  if (json.contains("gain")) judge.gain = json_number(json["gain"], "gain");
  judge.validate();
  return judge;
}

TeamTerm term_of(const std::string& text) {
  std::istringstream words(text);
  TeamTerm term;
  std::string more;
  if (!(words >> term.weight >> term.loss >> term.made) || !(term.weight > 0.0)) {
    throw OptionError(fmt::format("loss '{}' is not \"WEIGHT NAME IMAGE IMAGE\"", text));
  }
  if (!(words >> term.target)) term.target = "hr";
  if (words >> more) throw OptionError(fmt::format("loss '{}': '{}' is too much", text, more));
  return term;
}

Stage stage_of(const Json& json) {
  check_entries(json, {"steps", "train", "loss", "decay"});
  Stage stage;
  stage.steps = json_whole(json_entry(json, "steps"), "steps");
  for (const Json& name : json_entry(json, "train")) stage.trained.push_back(json_text_value(name, "train"));
  for (const Json& term : json_entry(json, "loss")) stage.loss.push_back(term_of(json_text_value(term, "loss")));
  if (json.contains("decay")) stage.decay = json_truth(json["decay"], "decay");
  if (stage.steps < 1 || stage.trained.empty() || stage.loss.empty()) {
    throw OptionError("a stage needs steps, networks to train and a loss");
  }
  return stage;
}

}  // namespace

int64_t TeamPlan::steps() const {
  int64_t sum = 0;
  for (const Stage& stage : stages) sum += stage.steps;
  return sum;
}

bool TeamPlan::needs_like() const {
  bool made_of_like = false;
  for (const Stage& stage : stages) {
    for (const TeamTerm& term : stage.loss) {
      const auto any = [](const std::string&) { return true; };
      is_image(term.made, any, made_of_like);
      is_image(term.target, any, made_of_like);
    }
  }
  return made_of_like;
}

void TeamPlan::check_parallel() const {
  for (const auto& [name, options] : judges) {
    if (options.loss != "relativistic" && !is_judge_graph(options.network)) continue;
    throw OptionError(fmt::format("judge '{}' compares the images of a batch ({}): leave mpirun out", name,
                                  options.loss == "relativistic" ? options.loss : options.network));
  }
  for (const Member& member : members) {
    const networks::Kind& kind = *networks::find_kind(member.network);
    const nn::Graph graph = kind.graph(kind.configured(member.scale, member.fields));
    if (graph.trained_count() == graph.parameter_count()) continue;
    throw OptionError(fmt::format("network '{}' normalises over the batch: leave mpirun out", member.name));
  }
}

TeamPlan TeamPlan::from_json(const Json& json, const std::string& origin) {
  TeamPlan plan;
  std::string where = "the plan";
  try {
    check_entries(json, {"scale", "networks", "judges", "stages", "average", "features"});
    if (json.contains("scale")) plan.scale = json_whole(json["scale"], "scale");
    for (const auto& [name, entry] : json_entry(json, "networks").items()) {
      where = fmt::format("network '{}'", name);
      plan.members.push_back(member_of(name, entry, plan.scale));
    }
    where = "the plan";
    if (json.contains("average")) plan.average = fraction(json["average"], "average");
    if (json.contains("features")) plan.features = json_text_value(json["features"], "features");
    const Json judges = json.value("judges", Json::object());
    for (const auto& [name, entry] : judges.items()) {
      where = fmt::format("judge '{}'", name);
      plan.judges[name] = judge_of(entry);
    }
    where = "the plan";
    for (const Json& entry : json_entry(json, "stages")) {
      where = fmt::format("stage {}", plan.stages.size() + 1);
      plan.stages.push_back(stage_of(entry));
    }
  } catch (const Error& error) {
    throw InputError(fmt::format("'{}': {}: {}", origin, where, error.what()));
  }
  plan.check(origin);
  return plan;
}

TeamPlan TeamPlan::read(const std::filesystem::path& path) {
  const std::string text = read_file(path, kLongestPlan);
  if (text.empty()) throw InputError(fmt::format("'{}' is empty; docs/extending.md shows plans", path.string()));
  try {
    return from_json(Json::parse(text), path.string());
  } catch (const Json::parse_error& error) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    throw InputError(fmt::format("'{}', line {}: not JSON", path.string(), 1 + std::count(text.begin(), end, '\n')));
  }
}

void TeamPlan::check(const std::string& origin) const {
  const auto refuse = [&](const std::string& what) { throw InputError(fmt::format("'{}': {}", origin, what)); };
  std::vector<std::string> names;
  for (const Member& member : members) {
    names.push_back(member.name);
    const networks::Kind* const kind = networks::find_kind(member.network);
    if (kind == nullptr) refuse(fmt::format("network '{}': there is no '{}'", member.name, member.network));
    const auto& scales = kind->trainable_scales;
    const bool plain = kind->trains() && kind->traits.condition == networks::Condition::kNone &&
                       kind->traits.channels == 3 && !kind->all_scales && !kind->traits.takes_enlarged &&
                       !kind->traits.pixel_by_pixel;
    const bool generator = kind->traits.condition == networks::Condition::kGenerator;
    if ((!plain && !generator) || std::find(scales.begin(), scales.end(), member.scale) == scales.end()) {
      refuse(fmt::format("network '{}': {} cannot be trained with others at x{}", member.name, member.network,
                         member.scale));
    }
    try {
      kind->configured(member.scale, member.fields);
    } catch (const OptionError& error) {
      refuse(fmt::format("network '{}': {}", member.name, error.what()));
    }
  }
  if (stages.empty()) refuse("there is no stage");
  for (const Stage& stage : stages) {
    for (const std::string& name : stage.trained) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        refuse(fmt::format("'{}' is no network of the plan; they are {}", name, fmt::join(names, ", ")));
      }
    }
    for (const TeamTerm& term : stage.loss) {
      for (const std::string& image : {term.made, term.target}) {
        bool made_of_like = false;
        const auto known = [&](const std::string& name) {
          return std::find(names.begin(), names.end(), name) != names.end();
        };
        if (is_image(image, known, made_of_like)) continue;
        refuse(fmt::format("'{}' is no image: hr, lr, like, small(...), low(...), high(...) or a network's result",
                           image));
      }
      if (term.loss == "content" && features.empty()) refuse("a loss 'content' needs \"features\", a file");
      if (is_distance(term.loss) || judges.count(term.loss) != 0) continue;
      refuse(fmt::format("loss '{}' is none of {} and no judge", term.loss, fmt::join(kDistances, ", ")));
    }
  }
}

Json TeamPlan::fingerprint() const {
  Json json{{"scale", scale}};
  if (average > 0.0) json["average"] = average;
  if (!features.empty()) json["features"] = features;
  for (const Member& member : members) {
    std::string text = fmt::format("{} x{} rate {:g}", member.network, member.scale, member.learning_rate);
    for (const auto& [name, value] : member.fields) text += fmt::format(" {} {:g}", name, value);
    if (member.momentum != 0.9) text += fmt::format(" momentum {:g}", member.momentum);
    json["network " + member.name] = text;
  }
  for (const auto& [name, judge] : judges) {
    json["judge " + name] = fmt::format("{} {} {} rate {:g} momentum {:g} gain {:g}", judge.network, judge.loss,
                                        judge.width, judge.learning_rate, judge.momentum, judge.gain);
  }
  for (size_t i = 0; i < stages.size(); ++i) {
    std::string text = fmt::format("{} steps of {}:", stages[i].steps, fmt::join(stages[i].trained, " "));
    for (const TeamTerm& term : stages[i].loss) {
      text += fmt::format(" {:g} {} {} {}", term.weight, term.loss, term.made, term.target);
    }
    if (stages[i].decay) text += " decay";
    json[fmt::format("stage {}", i + 1)] = text;
  }
  return json;
}

}  // namespace zsr::training
