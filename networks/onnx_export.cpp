#include "networks/onnx_export.h"

#include "core/error.h"
#include "networks/graph_network.h"
#include "networks/registry.h"
#include "nn/geometry.h"
#include "nn/onnx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace zsr::networks {
namespace {

std::string colours_of(const Traits& traits) {
  return traits.channels == 3 ? "RGB in [0, 1]" : "luma Y of BT.601 in [0, 1] (16/255 black, 235/255 white)";
}

std::string input_of(const Traits& traits) {
  if (traits.gives_hdr) return "Y'CbCr of BT.709 (SDR), codes of 8 bits / 255";
  const std::string photo = traits.takes_enlarged ? " of the photo, already enlarged by cubic interpolation" : "";
  return colours_of(traits) + photo + (traits.condition == Condition::kNone ? "" : "; then the maps");
}

std::string output_of(const Traits& traits) {
  if (traits.gives_hdr) return "Y'CbCr of BT.2020 behind the PQ curve (HDR), codes of 10 bits / 1023, not clamped";
  if (traits.gives_residual) return "RGB to add to the photo enlarged by bicubic interpolation";
  return colours_of(traits) + ", not clamped";
}

// Each map is constant where the photo is damaged alike everywhere.
std::string maps_of(const Condition condition, int64_t channels) {
  switch (condition) {
    case Condition::kSrmd:
      return fmt::format(
          "channels 3 to 17: code of the kernel that blurred before bicubic downscaling, 15 coefficients in the basis "
          "'pca' of the weights file{}",
          channels > 3 + kSrmdComponents ? "; 18: standard deviation of the noise, 255ths / 255" : "");
    case Condition::kDamage:
      return "channel 3: 1 where the noise is known, else 0; 4: its standard deviation in 255ths / 50; 5: 1 where the "
             "JPEG quality is known, else 0; 6: (100 - quality) / 100; unknown: 0";
    case Condition::kKernelAndNoise:
      return "channels 3 to 14: size of the kernel's transfer function at 0.15, 0.3 and 0.45 cycles per photo pixel "
             "along 0, "
             "45, 90 and 135 degrees; 15: standard deviation of the noise, 255ths / 25.5; 16 and 17: vertical and "
             "horizontal offset of the photo's pixels from the centre of theirs in the output, / ((scale - 1) / 2)";
    case Condition::kMosaic:
      return "channel 3: the mosaic's samples (RGGB); 4: standard deviation of their noise, times 10; 0 to 2: the "
             "colours of "
             "'zsr develop --demosaic closed'";
    case Condition::kGenerator:
      return channels == 3
                 ? ""
                 : "from channel 3 on, as config.noise and config.grid say: independent normal numbers of "
                   "standard deviation 1; then where a pixel stands in the 8x8 blocks of JPEG, cosine and sine "
                   "of 2 pi (x + 1/2) / 8, then of y";
    case Condition::kNone:
    case Condition::kKernel:
      break;
  }
  return "";
}

std::map<std::string, std::string> metadata_of(const Kind& kind, const LoadedGraph& loaded, int64_t scale) {
  const int64_t channels = loaded.graph.node(0).channels;
  const Traits traits = traits_of(kind, loaded);
  std::map<std::string, std::string> metadata{{"network", kind.name},
                                              {"title", kind.title},
                                              {"scale", std::to_string(scale)},
                                              {"input", input_of(traits)},
                                              {"output", output_of(traits)}};
  const std::string maps = maps_of(kind.traits.condition, channels);
  if (!maps.empty()) metadata["maps"] = maps;
  const int64_t multiple = nn::side_multiple(loaded.graph);
  if (multiple > 1) metadata["sides"] = fmt::format("height and width are multiples of {}", multiple);
  if (kind.traits.least_side > 1) metadata["least_side"] = std::to_string(kind.traits.least_side);
  for (const auto& [name, value] : loaded.config.numbers()) metadata["config." + name] = fmt::format("{:g}", value);
  return metadata;
}

// The output that is written.
int64_t chosen_scale(const Kind& kind, const nn::Graph& graph, const std::string& origin, int64_t asked) {
  const std::vector<int64_t> scales = graph.scales();
  if (kind.traits.takes_enlarged && asked != 0) {
    throw OptionError(fmt::format("{} takes the photo already enlarged, by any scale: leave --scale out", kind.title));
  }
  if (asked == 0) {
    if (scales.size() == 1) return scales[0];
    throw OptionError(fmt::format("'{}' enlarges by {} and an ONNX file does one of them: choose it with --scale",
                                  origin, fmt::join(scales, ", ")));
  }
  if (std::find(scales.begin(), scales.end(), asked) == scales.end()) {
    throw OptionError(fmt::format("'{}' enlarges by {}, not by {}", origin, fmt::join(scales, ", "), asked));
  }
  return asked;
}

}  // namespace

OnnxExport export_onnx(const WeightsFile& file, int64_t scale, bool half) {
  const WeightsFile weights = unwrapped(file);
  const Kind* const kind = recognise(weights);
  if (kind == nullptr) {
    throw InputError(fmt::format("'{}' holds the weights of no network that zsr can export", weights.origin));
  }
  if (kind->traits.takes_kernel) {
    throw InputError(
        fmt::format("cannot export {}: ONNX has no counterpart of its operation 'data step in the frequency "
                    "domain'",
                    kind->title));
  }
  const LoadedGraph loaded = load_graph(*kind, weights);
  const int64_t chosen = chosen_scale(*kind, loaded.graph, weights.origin, scale);
  nn::OnnxOptions options{kind->name, chosen, half, metadata_of(*kind, loaded, chosen)};
  return {nn::to_onnx(loaded.graph, loaded.parameters, options), kind->name, chosen};
}

}  // namespace zsr::networks
