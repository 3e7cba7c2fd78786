#pragma once

#include "cli/common_flags.h"
#include "cli/dip_flags.h"
#include "cli/progress.h"
#include "cli/restore_flags.h"
#include "cli/size_flags.h"
#include "cli/trained.h"
#include "cli/zssr_flags.h"
#include "core/image/photo.h"
#include "srmd/srmd.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace zsr::cli {

/// Everything `zsr upscale` needs to know for one photo.
struct UpscaleSettings {
  std::string method = "zssr";  ///< "zssr", "restore", "dip", "dip-fkp", "bicubic" or one of `trained_methods`.
  /// Nobody named a method: a damaged photo is restored instead (pipeline/choose_formation.h).
  bool chooses = false;
  RestoreSettings restore;
  ZssrFlags zssr;
  DipFlags dip;
  std::shared_ptr<const FlowPrior> prior;   ///< dip-fkp.
  Scale scale{2.0, 2.0};                    ///< By which the method enlarges.
  std::optional<SizeRequest> size_request;  ///< A size was named instead of a factor.
  std::optional<Size> target;  ///< Of this photo, by `size_request`; the method's result is resampled to it.
  ReadLimits limits;
  WriteOptions write;                         ///< format is set per photo.
  std::string format;                         ///< Empty: by the output's extension.
  std::shared_ptr<const Trained> trained;     ///< Of the methods that are trained networks.
  std::shared_ptr<const Trained> afterwards;  ///< dip-fkp: USRNet, which takes the kernel found; or null.
  bool keep_low_frequencies = false;          ///< Trained networks: see networks::Options.
  bool circular = false;                      ///< Likewise.
  srmd::KernelGrid kernel_grid;               ///< srmd: of --kernel-grid; with one cell it says nothing.
  std::string noise_map;                      ///< srmd: image file, or empty.
  std::string save_kernel;                    ///< File, or empty.
  std::string loss_log;                       ///< File, or empty.
  std::optional<double> time_budget_s;
  bool keep_record = true;
  bool keep_time = false;  ///< The result gets the photo's time.
  CommonFlags common;
  Runtime runtime;
};

/// Reads, enlarges and writes one photo; returns its record (the JSON that --json prints and that is stored beside the
/// result). `status` in it is 0 when all went well, 1 when the result is only the fallback.
nlohmann::json upscale_photo(const std::filesystem::path& input, const std::filesystem::path& output,
                             const UpscaleSettings& settings, ProgressPrinter& progress);

/// Where the record of `output` is stored.
std::filesystem::path record_path(const std::filesystem::path& output);

}  // namespace zsr::cli
