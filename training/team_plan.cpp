#include "training/team_plan.h"

#include "core/error.h"
#include "core/files.h"
#include "networks/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

namespace zsr::training {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLongestPlan = 1 << 20;
constexpr const char* kDistances[] = {"l1", "l2", "charbonnier"};

bool is_distance(const std::string& name) {
  return std::find(std::begin(kDistances), std::end(kDistances), name) != std::end(kDistances);
}

Member member_of(const std::string& name, const Json& json, int64_t scale) {
  Member member;
  member.name = name;
  member.scale = scale;
  for (const auto& [key, value] : json.items()) {
    if (key == "network") {
      member.network = value.get<std::string>();
    } else if (key == "init") {
      member.init = value.get<std::string>();
    } else if (key == "scale") {
      member.scale = value.get<int64_t>();
    } else if (key == "learning_rate") {
      member.learning_rate = value.get<double>();
    } else {
      member.fields[key] = value.get<double>();
    }
  }
  return member;
}

AdversaryOptions judge_of(const Json& json) {
  AdversaryOptions judge;
  judge.network = json.value("network", judge.network);
  judge.loss = json.value("loss", judge.loss);
  judge.width = json.value("width", judge.width);
  judge.learning_rate = json.value("learning_rate", judge.learning_rate);
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
  Stage stage;
  stage.steps = json.at("steps").get<int64_t>();
  stage.trained = json.at("train").get<std::vector<std::string>>();
  for (const Json& term : json.at("loss")) stage.loss.push_back(term_of(term.get<std::string>()));
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

TeamPlan TeamPlan::from_json(const Json& json, const std::string& origin) {
  TeamPlan plan;
  std::string where = "the plan";
  try {
    plan.scale = json.value("scale", plan.scale);
    for (const auto& [name, entry] : json.at("networks").items()) {
      where = fmt::format("network '{}'", name);
      plan.members.push_back(member_of(name, entry, plan.scale));
    }
    const Json judges = json.value("judges", Json::object());
    for (const auto& [name, entry] : judges.items()) {
      where = fmt::format("judge '{}'", name);
      plan.judges[name] = judge_of(entry);
    }
    for (const Json& entry : json.at("stages")) {
      where = fmt::format("stage {}", plan.stages.size() + 1);
      plan.stages.push_back(stage_of(entry));
    }
  } catch (const nlohmann::json::exception& error) {
    throw InputError(fmt::format("'{}': {}: {}", origin, where, error.what()));
  } catch (const OptionError& error) {
    throw InputError(fmt::format("'{}': {}: {}", origin, where, error.what()));
  }
  plan.check(origin);
  return plan;
}

TeamPlan TeamPlan::read(const std::filesystem::path& path) {
  const Json json = Json::parse(read_file(path, kLongestPlan), nullptr, false);
  if (!json.is_object()) throw InputError(fmt::format("'{}' is no JSON object", path.string()));
  return from_json(json, path.string());
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
                       kind->traits.channels == 3 && !kind->all_scales && !kind->traits.takes_enlarged;
    if (!plain || std::find(scales.begin(), scales.end(), member.scale) == scales.end()) {
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
      if (is_distance(term.loss) || judges.count(term.loss) != 0) continue;
      refuse(fmt::format("loss '{}' is none of {} and no judge", term.loss, fmt::join(kDistances, ", ")));
    }
  }
}

std::string TeamPlan::fingerprint() const {
  std::string text = fmt::format("x{}", scale);
  for (const Member& member : members) {
    text += fmt::format("; {}: {} x{}", member.name, member.network, member.scale);
    for (const auto& [name, value] : member.fields) text += fmt::format(" {} {:g}", name, value);
  }
  for (const auto& [name, judge] : judges) text += fmt::format("; {}: {} {}", name, judge.network, judge.width);
  for (const Stage& stage : stages) {
    text += fmt::format("; {} steps of {}:", stage.steps, fmt::join(stage.trained, " "));
    for (const TeamTerm& term : stage.loss) {
      text += fmt::format(" {:g} {} {} {}", term.weight, term.loss, term.made, term.target);
    }
  }
  return text;
}

}  // namespace zsr::training
