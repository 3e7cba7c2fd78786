#pragma once

#include "training/adversary.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace zsr::training {

/// One network of several that are trained together.
struct Member {
  std::string name;
  /// As `zsr train --list` names it: without condition, for colours, of a single scale; or a generator (Note
  /// [Generators]), which sees fresh noise in every step.
  std::string network;
  int64_t scale = 2;
  std::map<std::string, double> fields{};  ///< Of its configuration.
  std::string init{};                      ///< Weights file to begin with; empty: none.
  double learning_rate = 2e-4;             ///< > 0. Adam.
  double momentum = 0.9;                   ///< In [0, 1). Adam's beta 1.
};

/// A part of a stage's loss, "0.5 l1 up(lr) hr": `weight` times a distance of two images, or how sure a judge is that
/// the first is made ("0.01 eye up(lr)"; the second is then what it takes for real, hr where none is named). Images:
/// Note [Images of a plan].
struct TeamTerm {
  double weight = 1.0;
  std::string loss;  ///< "l1", "l2", "charbonnier", "tv" (of the first alone), "content" or a judge.
  std::string made;
  std::string target;
};

/// Steps in which some of the members are trained; the judges of the terms are trained beside them.
struct Stage {
  int64_t steps = 1000;              ///< > 0.
  std::vector<std::string> trained;  ///< Members.
  bool decay = false;                ///< Whether all rates fall to 0 over the second half of the stage.
  std::vector<TeamTerm> loss;
};

/// How several networks are trained together: adversarial, cyclic and staged training are plans.
struct TeamPlan {
  int64_t scale = 2;  ///< Of hr to lr.
  std::vector<Member> members;
  std::map<std::string, AdversaryOptions> judges;
  std::vector<Stage> stages;
  /// In [0, 1): the weights that are kept are means over steps, weighted by powers of this; 0: the last ones.
  double average = 0.0;
  std::string features{};  ///< File of the feature network of "content" terms (load_content_features).

  int64_t steps() const;
  /// Whether a term names "like", images of another collection.
  bool needs_like() const;
  /// Throws OptionError where several processes, each with its patches of a batch, would not equal one: batch
  /// normalisation, relativistic judges.
  void check_parallel() const;
  /// From JSON: {"scale": 2, "networks": {"up": {"network": "edsr", "width": 16}}, "judges": {"eye": {"network":
  /// "patch"}}, "stages": [{"steps": 100, "train": ["up"], "loss": ["1 l1 up(lr) hr", "0.01 eye up(lr)"]}]}. Throws
  /// InputError, naming the entry.
  static TeamPlan from_json(const nlohmann::ordered_json& json, const std::string& origin);
  /// Reads such a file.
  static TeamPlan read(const std::filesystem::path& path);
  /// For checkpoints: everything that a run must agree about.
  nlohmann::ordered_json fingerprint() const;

 private:
  void check(const std::string& origin) const;
};

}  // namespace zsr::training
