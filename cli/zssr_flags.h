#pragma once

#include "cli/options.h"
#include "zssr/options.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>

namespace zsr::cli {

/// ZSSR's settings as flags: a preset, and single values over it.
struct ZssrFlags {
  std::string preset = "default";
  std::string init = "auto";  ///< auto: what comes with zsr, for the default preset; none; or weights by name or file.
  std::string kernel;         ///< Empty: auto with the default preset where an estimate is possible, else bicubic.
  std::string kernel_convention = "zssr";
  std::string phase = "center";
  std::string noise;  ///< Empty: auto where the kernel is by default, else the preset's.
  std::string gradual;
  std::string optimizer;
  std::string ensemble;
  std::string back_projection;  ///< Empty: the preset's; none for trained networks.
  zssr::Options options;
  /// The same flags without the starting point, where zsr chose it by itself: what an estimated kernel and a noisy
  /// photo are used with. A network trained on the photo tells an estimate that is too wide by not bringing the photo
  /// back; a starting point believes it.
  std::optional<zssr::Options> from_nothing;
};

/// The options that the preset, and the starting point of --init, give for `scale`; single flags go over them.
/// `own_network`: the user wants a network of another size, which has no starting point. Throws UsageError, InputError
/// and IoError.
zssr::Options starting_options(const ZssrFlags& flags, Scale scale, bool own_network);

// The flags in three groups, all bound to one struct; `flags.options` must already hold the preset's values.

/// How the photo came to be: kernel, phase, noise.
void add_formation_flags(OptionSet& options, ZssrFlags& flags);
/// How a network is applied, whichever it is: self-ensemble, tiles.
void add_passes_flags(OptionSet& options, ZssrFlags& flags);
/// How ZSSR's network is made and trained.
void add_training_flags(OptionSet& options, ZssrFlags& flags);

/// Applies the textual flags (kernel, phase, noise, ...) to `flags.options`. Throws UsageError, InputError, IoError.
void resolve_zssr_flags(ZssrFlags& flags);

/// Every effective setting, for records.
nlohmann::json to_json(const zssr::Options& options);

}  // namespace zsr::cli
