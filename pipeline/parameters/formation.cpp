#include "core/error.h"
#include "core/values.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"
#include "pipeline/parameters/parameter.h"
#include "pipeline/report.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <utility>

// How the photo came to be: blur kernel, where its pixels stand, noise; and the cells of a kernel grid.
namespace zsr::pipeline {
namespace {

constexpr const char* kPhotoGroup = "The photo";

KernelConvention convention_of(const ParameterValues& values) {
  const std::string flag = "kernel-convention";
  return values.has(flag) ? parse_kernel_convention(values.text(flag), flag) : KernelConvention::kZssr;
}

bool names_kernel_file(const ParameterValues& values) {
  const std::string& text = values.text("kernel");
  return !text.empty() && text != "auto" && text != "bicubic";
}

void take_kernel(const Typed& typed, Request& request) {
  if (typed.values.has("kernel-grid")) return;  // names several
  using Source = KernelRequest::Source;
  const std::string& text = typed.values.text("kernel");
  if (text == "bicubic" || text == "auto") {
    request.kernel = {text == "auto" ? Source::kEstimated : Source::kBicubic, {}, text};
  } else {
    request.kernel = {Source::kGiven, load_kernel(text, convention_of(typed.values)), text};
  }
}

// It says how a kernel file is stored; DIP-FKP's says where the published code has its pixels.
void take_convention(const Typed& typed, Request& request) {
  const KernelConvention convention = convention_of(typed.values);
  if (typed.method.uses(Setting::kKernelPrior)) {
    if (convention == KernelConvention::kKair) {
      throw OptionError(fmt::format("--kernel-convention kair says how a kernel file is stored, and {} reads none",
                                    typed.method.name));
    }
    request.fkp.published_phase = convention == KernelConvention::kFkp;
  } else if (!names_kernel_file(typed.values)) {
    throw OptionError("--kernel-convention says how the file of --kernel is stored; name one, or leave it out");
  }
}

void take_phase(const Typed& typed, Request& request) {
  switch (typed.values.choice("phase", {"center", "corner", "kernel"})) {
    case 0:
      break;
    case 1:
      request.phase = Phase{};
      break;
    default:
      if (!request.kernel.kernel) throw OptionError("--phase kernel needs --kernel FILE");
      request.phase = request.kernel.kernel->phase();
  }
}

void take_noise(const Typed& typed, Request& request) {
  using Source = NoiseRequest::Source;
  constexpr double kMost = 255.0;
  request.noise = typed.values.text("noise") == "auto"
                      ? NoiseRequest{.source = Source::kEstimated}
                      : NoiseRequest{.source = Source::kGiven, .sigma = typed.values.number("noise", 0.0, kMost)};
}

nlohmann::json given_kernel(const Run& run) {
  switch (run.asked.kernel.source) {
    case KernelRequest::Source::kDefault:
      return nullptr;
    case KernelRequest::Source::kBicubic:
      return "bicubic";
    case KernelRequest::Source::kEstimated:
      return "auto";
    case KernelRequest::Source::kGiven:
      return run.asked.kernel.name;
  }
  return nullptr;
}

nlohmann::json given_noise(const Run& run) {
  switch (run.asked.noise.source) {
    case NoiseRequest::Source::kDefault:
      return nullptr;
    case NoiseRequest::Source::kEstimated:
      return "auto";
    case NoiseRequest::Source::kGiven:
      return run.asked.noise.sigma;
  }
  return nullptr;
}

nlohmann::json used_kernel_name(const Run& run) {
  const nlohmann::json& record = run.formation.record;
  if (record.is_object() && record.contains("kernel")) return record["kernel"]["used"];
  return run.formation.plan.kernel_name;
}

void take_grid(const Typed& typed, Request& request) {
  constexpr double kMost = 64.0;
  const std::string& text = typed.values.text("kernel-grid");
  const Scale cells = parse_scale(text, true, "kernel-grid");
  if (std::max(cells.x, cells.y) > kMost || cells.x != std::floor(cells.x) || cells.y != std::floor(cells.y)) {
    throw OptionError(fmt::format("--kernel-grid '{}' must be COLUMNSxROWS, each 1 to 64", text));
  }
  srmd::KernelGrid& grid = request.kernel_grid;
  grid.rows = static_cast<int64_t>(cells.y);
  grid.columns = static_cast<int64_t>(cells.x);
  request.kernel = {KernelRequest::Source::kEstimated, {}, typed.values.text("kernel")};
  if (!names_kernel_file(typed.values)) return;
  for (const std::string& file : split_list(typed.values.text("kernel"))) {
    grid.kernels.push_back(load_kernel(file, convention_of(typed.values)));
  }
  if (static_cast<int64_t>(grid.kernels.size()) != grid.rows * grid.columns) {
    throw OptionError(fmt::format("--kernel-grid {} needs {} kernels, --kernel names {}", text,
                                  grid.rows * grid.columns, grid.kernels.size()));
  }
}

void take_noise_map(const Typed& typed, Request& request) {
  if (typed.values.has("noise")) throw OptionError("--noise-map and --noise exclude each other");
  constexpr double kLevels = 255.0;
  const Photo map = load_photo(typed.values.text("noise-map"), typed.limits);
  request.noise_map = map.color.mean(1, true).to(torch::kFloat32) * kLevels;
}

// Blur and noise that vary over the photo, and how it was blurred at its edges.
std::vector<Parameter> map_parameters() {
  return {
      {.names = "kernel-grid",
       .value = "COLUMNSxROWS",
       .help =
           "srmd: blur that varies; --kernel is auto (each cell by itself) or a file for each cell, row by row with "
           "commas",
       .group = kPhotoGroup,
       .setting = Setting::kSrmdMaps,
       .take = take_grid,
       .field = "kernel_grid"},
      {.names = "noise-map",
       .value = "IMAGE",
       .help = "srmd: noise that varies, as large as the photo; 8-bit values are levels, 0-75",
       .group = kPhotoGroup,
       .setting = Setting::kSrmdMaps,
       .take = take_noise_map,
       .field = "noise_map"},
      {.names = "circular",
       .value = "",
       .help = "usrnet: the photo was blurred with periodic boundaries, as benchmarks are made",
       .group = kPhotoGroup,
       .setting = Setting::kCircular,
       .take = [](const Typed&, Request& request) { request.circular = true; },
       .field = "circular",
       .given = [](const Run& run) { return nlohmann::json(run.asked.circular); }},
  };
}

}  // namespace

std::vector<Parameter> formation_parameters() {
  std::vector<Parameter> rows = {
      {.names = "kernel",
       .value = "FILE",
       .help = "Blur kernel of the photo: auto (estimated from it; the default preset's), bicubic, or a file (.mat, "
               ".npy, text or image)",
       .group = kPhotoGroup,
       .setting = Setting::kKernel,
       .take = take_kernel,
       .field = "kernel",
       .given = given_kernel,
       .chosen = [](const Run& run) { return nlohmann::json(run.formation.plan.kernel_name); },
       .used = used_kernel_name},
      {.names = "kernel-convention",
       .value = "NAME",
       .help = "How the kernel file is meant: zssr (correlation), kair or fkp",
       .shown_default = "zssr",
       .group = kPhotoGroup,
       .setting = Setting::kKernelConvention,
       .take = take_convention,
       .field = "kernel_convention"},
      {.names = "phase",
       .value = "NAME",
       .help = "Where LR pixels stand: center (as imresize) or corner (as image[::s]); the kernel is moved there. "
               "kernel: as the kernel file has it, which is not moved (benchmarks with true kernels that are off "
               "centre)",
       .shown_default = "center",
       .group = kPhotoGroup,
       .setting = Setting::kPhase,
       .take = take_phase,
       .field = "phase",
       .given = [](const Run& run) { return run.asked.phase ? nlohmann::json(phase_name(run.asked.phase)) : nullptr; },
       .chosen = [](const Run& run) { return nlohmann::json(phase_name(run.asked.phase)); }},
      {.names = "noise",
       .value = "SIGMA",
       .help = "Noise of the photo, 0-255 units, or auto. Default: auto where the kernel is, else the preset's",
       .group = kPhotoGroup,
       .setting = Setting::kNoise,
       .take = take_noise,
       .field = "noise",
       .given = given_noise,
       .chosen =
           [](const Run& run) {
             const FormationPlan& plan = run.formation.plan;
             return plan.estimate_noise ? nlohmann::json("auto") : nlohmann::json(plan.noise);
           },
       .used = [](const Run& run) { return nlohmann::json(run.formation.noise); }},
  };
  for (Parameter& parameter : map_parameters()) rows.push_back(std::move(parameter));
  return rows;
}

}  // namespace zsr::pipeline
