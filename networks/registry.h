#pragma once

#include "networks/config.h"
#include "networks/network.h"
#include "nn/graph.h"
#include "nn/weights/weights_file.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr::networks {

/// What `zsr train` takes for a network where its user names nothing else; empty: as for any other.
struct TrainingDefaults {
  std::optional<double> noise;      ///< Highest noise of the patches, 0 to 75 in 1/255.
  std::optional<double> sharp;      ///< Fraction of patches that are not blurred.
  std::optional<double> muon_rate;  ///< Highest rate of Muon.
  std::string recipe;               ///< Of degradations.
  std::optional<int64_t> patch{};   ///< LR pixels a side of a patch.
};

/// How the results on the way to a network's own (nn::Graph::Intermediate) take part in its training. Each is compared
/// with the target at its size; the loss is
enum class Supervision {
  kNone,     ///< that of the network's result alone: there is no other.
  kEqual,    ///< the mean of all results' losses.
  kFalling,  ///< w times the mean of the others' losses and 1 - w times that of the result; w falls from 1 to 0.
  kPixels,   ///< the mean over the pixels of all results together.
};

/// An architecture: how it is recognised in a weights file, and the one definition from which it is loaded, saved,
/// counted, run and trained.
struct Kind {
  std::string name;   ///< As -m and `zsr train` name it: "edsr".
  std::string title;  ///< Name and source.
  /// The configuration of such a network in `weights`, by names, shapes and remarks; empty when it holds none. What
  /// they do not say is 0, and found by `settled`.
  std::optional<Config> (*read)(const WeightsFile& weights) = nullptr;
  /// The network. Throws OptionError for a configuration that cannot be.
  nn::Graph (*graph)(const Config& config) = nullptr;
  /// What the graph does not tell; scales and reach follow from it.
  Traits traits{};
  /// What a user can choose when training.
  std::vector<Field> fields{};
  std::vector<int64_t> trainable_scales{};  ///< One of which is chosen, unless `all_scales`.
  bool all_scales = false;                  ///< It is trained for all of them at once.
  bool pyramid = false;  ///< Likewise, but for those up to the chosen one: each doubles what the one before made.
  TrainingDefaults training{};
  Supervision supervision = Supervision::kNone;  ///< As published.
  /// Why `zsr train` does not train it, as the end of a sentence; empty: it does. `trainable_scales` are
  /// then the published ones.
  std::string untrainable{};
  /// Why it does not enlarge photos and what it is for, as the end of a sentence; empty: it enlarges them.
  std::string not_for_photos{};
  /// Tensors whose names begin so belong to published files but say nothing new.
  std::vector<std::string> ignored{};
  /// Brings another layout of the same weights (MatConvNet's cells) under the graph's names.
  WeightsFile (*renamed)(WeightsFile) = nullptr;
  /// Settles what neither names nor shapes say, by running the network (networks/probes.h); null where they say all.
  Config (*settled)(Config config, const WeightsFile& weights) = nullptr;
  /// For a network that is published as several files: the name of its part that `weights` are, or "". Null for others.
  std::string (*part_of)(const WeightsFile& weights) = nullptr;
  /// Likewise: the files, in any order, as the one that `read` knows. Throws InputError that names a file which is no
  /// part, and a part that is missing or there twice.
  WeightsFile (*joined)(const std::vector<WeightsFile>& files) = nullptr;
  /// For a network that is more than its graph; else null.
  std::unique_ptr<Network> (*special)(const WeightsFile& weights) = nullptr;

  bool trains() const { return untrainable.empty(); }
  bool recognises(const WeightsFile& weights) const { return read(weights).has_value(); }
  /// The whole configuration of the network in `weights`. Throws InputError when it holds none.
  Config config_of(const WeightsFile& weights) const;
  /// Throws InputError with the first differences where names or shapes do not fit.
  std::unique_ptr<Network> build(const WeightsFile& weights) const;
  /// The published configuration for `scale` (a pyramid: up to it; 0: up to the largest), with what `chosen` names
  /// instead. Throws OptionError that names field and constraint.
  Config configured(int64_t scale, const std::map<std::string, double>& chosen) const;
};

/// All kinds, in the order in which they are tried.
const std::vector<Kind>& kinds();
/// The kind of that name; null when there is none.
const Kind* find_kind(const std::string& name);
/// The kind whose network the weights are; null when none knows them.
const Kind* recognise(const WeightsFile& weights);

/// A part of a network that is published as several files.
struct Part {
  const Kind* kind = nullptr;
  std::string name;
};
/// Empty: the weights are no such part.
std::optional<Part> find_part(const WeightsFile& weights);
/// The parts of one network as its whole. Throws InputError as Kind::joined, and where the first file is no part.
WeightsFile join_parts(const std::vector<WeightsFile>& files);

/// The weights without what wrappers put before every name ("module.", "_orig_mod.").
WeightsFile unwrapped(WeightsFile weights);

}  // namespace zsr::networks
