#include "pipeline/parameters/parameter.h"

// How a network is applied, whichever it is.
namespace zsr::pipeline {
namespace {

constexpr const char* kNetworkGroup = "Network";
constexpr int64_t kMostProjections = 1000;

}  // namespace

std::vector<Parameter> pass_parameters() {
  return {
      {.names = "ensemble,x",
       .value = "on|off",
       .help =
           "8 turned and mirrored passes. Default: the preset's; off for trained networks and where a trained start "
           "serves under an estimated kernel",
       .group = kNetworkGroup,
       .setting = Setting::kEnsemble,
       .take = [](const Typed& typed, Request& request) { request.ensemble = typed.values.is_on("ensemble"); },
       .field = "ensemble",
       .given = [](const Run& run) { return or_null(run.asked.ensemble); }},
      {.names = "back-projection",
       .value = "N",
       .help =
           "Times the result is corrected so that, made smaller again, it is the photo. Default: the preset's; 0 for "
           "trained networks",
       .group = kNetworkGroup,
       .setting = Setting::kBackProjection,
       .take =
           [](const Typed& typed, Request& request) {
             request.back_projection = typed.values.whole("back-projection", 0, kMostProjections);
           },
       .field = "back_projection",
       .given = [](const Run& run) { return or_null(run.asked.back_projection); }},
      {.names = "tile,t",
       .value = "PIXELS",
       .help = "Side of a tile in the input, >= 16; 0: as large as suits the memory that is free",
       .shown_default = "0",
       .group = kNetworkGroup,
       .setting = Setting::kTile,
       .take = [](const Typed& typed, Request& request) { request.tile = typed.values.whole("tile", 0); },
       .field = "tile",
       .given = [](const Run& run) { return run.asked.tile > 0 ? nlohmann::json(run.asked.tile) : nullptr; }},
      {.names = "keep-colors",
       .value = "",
       .help = "Brings brightness and colour of large areas back to the photo's",
       .group = kNetworkGroup,
       .setting = Setting::kKeepColors,
       .take = [](const Typed&, Request& request) { request.keep_low_frequencies = true; },
       .field = "keep_colors",
       .given = [](const Run& run) { return nlohmann::json(run.asked.keep_low_frequencies); }},
  };
}

}  // namespace zsr::pipeline
