#pragma once

#include "cli/flags/options.h"
#include "image/metrics.h"
#include "image/resize.h"
#include "quality/lpips.h"
#include "quality/niqe.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace zsr::cli {

/// One figure of a result.
struct FigureColumn {
  std::string key;     ///< In JSON and CSV.
  std::string metric;  ///< What `--metrics` calls it; empty: always there.
  std::string title;
  std::string about;
  int digits = 2;
  std::string best;  ///< "high", "low" or empty.
};

/// All of them, in the order of the table.
const std::vector<FigureColumn>& figure_columns();

/// Files that some figures need.
struct FigureFlags {
  std::string niqe;   ///< --niqe FILE
  std::string lpips;  ///< --lpips BACKBONE,HEADS
};
void add_figure_flags(OptionSet& options, FigureFlags& flags);

/// What is measured, and with what.
struct FigureTools {
  std::set<std::string> metrics;  ///< Of `FigureColumn::metric`; those that need what is absent are left out.
  std::optional<NiqeModel> niqe;
  std::shared_ptr<const Lpips> lpips;
  std::string key;  ///< Tells tools apart whose figures may differ.
};

/// Every metric that the flags' files allow. Throws UsageError, IoError and InputError.
FigureTools load_figure_tools(const FigureFlags& flags);

/// A result and what is known about it; what is undefined is not known.
struct Judged {
  torch::Tensor image;        ///< [1, C, H, W] in [0, 1].
  torch::Tensor photo;        ///< What it was made of, [1, C, h, w].
  torch::Tensor reference;    ///< The true image, [1, C, H, W].
  torch::Tensor kernel;       ///< [h, w], by which the result becomes the photo; undefined: bicubic.
  torch::Tensor true_kernel;  ///< [h, w], where `kernel` is an estimate to be judged.
  Scale scale{2.0, 2.0};
  MetricProtocol protocol;
};

/// Note [Infinite figures]
/// JSON has no infinity. A figure of equal images that is infinite is null; the object then has "inf": true, and
/// "infinite" lists the keys of all that are. What could not be measured (SSIM of an image smaller than its window) is
/// absent or null without being listed.

/// The figures of a result by their keys, infinite ones as Note [Infinite figures] says. Images of which one is gray
/// and one RGB are compared as RGB. Throws InputError when sizes differ.
nlohmann::json figures_of(const Judged& judged, const FigureTools& tools);

/// The figure called `key`: infinity where it is infinite, nothing where it is not known.
std::optional<double> figure_value(const nlohmann::json& figures, const std::string& key);
/// For people: "31.27", "inf", or "-" where nothing is known. `digits`: after the point.
std::string figure_text(std::optional<double> value, int digits);
/// Puts a figure under `key`, an infinite one as Note [Infinite figures] says; what is no number is left out.
void put_figure(nlohmann::json& figures, const std::string& key, double value);

/// Means of the figures called `keys`, each over the images where it is finite; "counted" in it says how many those
/// were. Infinite where all that are known are infinite; null where none is known.
nlohmann::json mean_figures(const std::vector<nlohmann::json>& images, const std::vector<std::string>& keys);

}  // namespace zsr::cli
