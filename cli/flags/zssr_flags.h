#pragma once

#include "cli/flags/options.h"
#include "pipeline/request.h"

#include <optional>
#include <string>

namespace zsr::cli {

/// How the photo came to be, how a network is applied and how ZSSR trains, as typed; empty = not given.
struct ZssrFlags {
  std::string kernel;
  std::string kernel_convention = "zssr";
  std::string phase = "center";
  std::string noise;
  std::string ensemble;
  std::string back_projection;
  int64_t tile = 0;
  std::string gradual;
  std::string optimizer;
  pipeline::ZssrRequest zssr;  ///< Its other fields; `preset` and `init` as typed.
};

// The flags in three groups, all bound to one struct.

/// How the photo came to be: kernel, phase, noise.
void add_formation_flags(OptionSet& options, ZssrFlags& flags);
/// How a network is applied, whichever it is: self-ensemble, tiles.
void add_passes_flags(OptionSet& options, ZssrFlags& flags);
/// How ZSSR's network is made and trained.
void add_training_flags(OptionSet& options, ZssrFlags& flags);

/// Takes the flags over into `request`, but for --kernel where `kernel_grid` says that it names several. Reads the
/// files of --kernel and --init. Throws UsageError, InputError, IoError.
void take_zssr_flags(const ZssrFlags& flags, bool kernel_grid, pipeline::Request& request);

}  // namespace zsr::cli
