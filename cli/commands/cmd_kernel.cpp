#include "cli/command.h"
#include "cli/flags/options.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "degradations/array_file.h"
#include "degradations/kernel_analysis.h"
#include "degradations/kernel_families.h"
#include "degradations/kernel_io.h"
#include "degradations/kernel_pca.h"
#include "degradations/step_fields.h"
#include "image/photo.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <numbers>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double kDegrees = 180.0 / std::numbers::pi;

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

// `given_sum`: what the file's weights summed to.
Json describe(const BlurKernel& kernel, double given_sum) {
  const auto [y, x] = kernel.center_of_mass();
  const Phase phase = kernel.phase();
  const GaussianFit fit = fit_gaussian(kernel);
  return {{"height", kernel.height()},
          {"width", kernel.width()},
          {"sum", given_sum},
          {"min", kernel.weights().min().item<double>()},
          {"max", kernel.weights().max().item<double>()},
          {"center_of_mass", {{"y", y}, {"x", x}}},
          {"phase", {{"y", phase.y}, {"x", phase.x}}},
          {"gaussian",
           {{"sigma_1", number(fit.sigma_1)},
            {"sigma_2", number(fit.sigma_2)},
            {"angle_degrees", number(fit.angle * kDegrees)},
            {"residual", number(fit.residual)}}},
          {"symmetric", kernel.is_symmetric()}};
}

// Which scale factor the kernel is aligned for (phase (s - 1) / 2), if any.
std::string alignment(const Phase& phase) {
  for (const double scale : {1.0, 2.0, 3.0, 4.0, 8.0}) {
    const double wanted = (scale - 1.0) / 2.0;
    if (std::abs(phase.y - wanted) < 0.02 && std::abs(phase.x - wanted) < 0.02) {
      return scale == 1.0 ? "centred (corner sampling image[::s])"
                          : fmt::format("aligned for x{:g} (as imresize)", scale);
    }
  }
  return "between the grids; zsr moves it where it is used";
}

void print_description(const std::string& name, const Json& d, const Phase& phase) {
  const Json& fit = d["gaussian"];
  fmt::print("{}\n", name);
  fmt::print("  size            {} x {} (rows x columns)\n", d["height"].get<int64_t>(), d["width"].get<int64_t>());
  fmt::print("  sum             {:.6g}\n", d["sum"].get<double>());
  fmt::print("  weights         {:.4g} to {:.4g} after normalisation\n", d["min"].get<double>(),
             d["max"].get<double>());
  fmt::print("  centre of mass  row {:.3f}, column {:.3f} (0-based)\n", d["center_of_mass"]["y"].get<double>(),
             d["center_of_mass"]["x"].get<double>());
  fmt::print("  phase           {:+.3f}, {:+.3f}: {}\n", phase.y, phase.x, alignment(phase));
  if (fit["sigma_1"].is_null() || fit["sigma_2"].is_null()) {
    fmt::print("  as a Gaussian   has no second moment (negative weights)\n");
  } else {
    fmt::print("  as a Gaussian   sigma {:.3f} and {:.3f} pixels, the first at {:.1f} degrees; residual {:.3f}\n",
               fit["sigma_1"].get<double>(), fit["sigma_2"].get<double>(), fit["angle_degrees"].get<double>(),
               fit["residual"].is_null() ? NAN : fit["residual"].get<double>());
  }
  fmt::print("  symmetric       {}\n", d["symmetric"].get<bool>() ? "yes" : "no");
}

// About 320 pixels a side, one square per weight; negative weights red.
void save_magnified(const BlurKernel& kernel, const fs::path& path, Overwrite overwrite) {
  const torch::Tensor scaled = kernel.weights() / kernel.weights().max();
  const torch::Tensor bright = scaled.clamp(0.0, 1.0).to(torch::kFloat32);
  const torch::Tensor red = (-scaled).clamp(0.0, 1.0).sqrt().to(torch::kFloat32);
  const auto factor = std::max<int64_t>(1, 320 / std::max(kernel.height(), kernel.width()));
  Photo photo;
  photo.color = torch::stack({torch::max(bright, red), bright, bright})
                    .unsqueeze(0)
                    .repeat_interleave(factor, 2)
                    .repeat_interleave(factor, 3);
  save_photo(photo, path, {.format = format_from_name(path), .bit_depth = 8, .overwrite = overwrite});
}

struct Loaded {
  BlurKernel kernel;
  double sum;  // before normalisation
};

Loaded load(const std::string& file, const std::string& convention) {
  const BlurKernel kernel = load_kernel(file, parse_kernel_convention(convention, "from"));
  double sum = 1.0;
  if (fs::exists(file)) sum = load_arrays(file, "kernel")[0].sum().item<double>();
  return {kernel, sum};
}

int run_make(const std::vector<std::string>& arguments) {
  std::vector<std::string> families;
  std::string output;
  KernelSpec spec;
  double sigma = 0.0;
  double sigma_2 = 0.0;
  double angle = 0.0;
  int64_t seed = 0;
  std::string convention = "zssr";
  bool force = false;
  OptionSet options(
      "zsr kernel make FAMILY -o kernel.mat [options]",
      "Builds a blur kernel: gaussian, generalized, plateau, sinc, disk, line, shake, bicubic or div2krk.",
      "  zsr kernel make gaussian --sigma 2 --size 21 -o g2.mat\n"
      "  zsr kernel make gaussian --sigma 3 --sigma-2 1 --angle 30 -o oblique.mat\n"
      "  zsr kernel make bicubic --scale 2 -o bicubic_x2.mat\n  zsr kernel make shake --length 15 --seed 7 -o "
      "shake.npy\n");
  options.group("Kernel");
  options.positional("family", "FAMILY", "Family of the kernel", &families);
  options.add("output,o", "FILE", ".mat, .npy, .txt or .png", &output);
  options.add("size", "N", "Rows and columns", &spec.size);
  options.add("sigma", "PIXELS", "gaussian, generalized, plateau, div2krk: standard deviation along --angle", &sigma);
  options.add("sigma-2", "PIXELS", "The same across; 0 = as --sigma", &sigma_2);
  options.add("angle", "DEGREES", "Against the x axis, y downwards; also of line", &angle);
  options.add("beta", "B", "generalized, plateau: shape", &spec.beta);
  options.add("cutoff", "RADIANS", "sinc: angular cut-off per pixel, up to pi", &spec.cutoff);
  options.add("radius", "PIXELS", "disk", &spec.radius);
  options.add("length", "PIXELS", "line, shake", &spec.length);
  options.add("noise", "PART", "div2krk: multiplicative noise", &spec.noise);
  options.add("scale", "N", "bicubic: factor", &spec.scale);
  options.add("offset", "PIXELS", "Centre against the middle of the array; 0.5 aligns an odd kernel for x2",
              &spec.offset);
  options.add("seed", "N", "shake, div2krk", &seed);
  options.add("to", "NAME", "Convention of the file: zssr, kair (flipped) or fkp", &convention);
  options.flag("force", "Replace an existing file", &force);
  if (!options.parse(arguments)) return kExitOk;
  if (families.size() != 1 || output.empty()) throw UsageError("kernel make needs one FAMILY and -o FILE");
  const auto names = kernel_family_names();
  const auto found = std::find_if(names.begin(), names.end(), [&](const char* n) { return families[0] == n; });
  if (found == names.end() || families[0] == "file") {
    throw UsageError(
        fmt::format("kernel family '{}' must be gaussian, generalized, plateau, sinc, disk, line, shake, "
                    "bicubic or div2krk",
                    families[0]));
  }
  spec.family = static_cast<KernelFamily>(found - names.begin());
  if (options.given("sigma")) spec.sigma_1 = sigma;
  spec.sigma_2 = options.given("sigma-2") && sigma_2 != 0.0 ? sigma_2 : spec.sigma_1;
  spec.angle = angle / kDegrees;
  if (seed < 0) throw UsageError(fmt::format("--seed {} must be >= 0", seed));
  spec.seed = static_cast<uint64_t>(seed);
  const BlurKernel kernel = make_kernel(spec);
  save_kernel(kernel, output, parse_kernel_convention(convention, "to"), force ? Overwrite::kYes : Overwrite::kNo);
  print_description(output, describe(kernel, 1.0), kernel.phase());
  return kExitOk;
}

int run_show(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  std::string convention = "zssr";
  std::string png;
  std::string basis;
  bool json = false;
  bool force = false;
  OptionSet options("zsr kernel show FILE... [options]",
                    "Tells what a blur kernel is: size, sum, centre, the Gaussian nearest to it.",
                    "  zsr kernel show kernel.mat\n  zsr kernel show kernels_12.mat#3 --png k3.png\n");
  options.group("Options");
  options.positional("input,i", "FILE", "Kernel files (FILE#N: the N-th of many)", &files);
  options.add("from", "NAME", "Convention of the file: zssr, kair (flipped) or fkp", &convention);
  options.add("png", "FILE", "Also a magnified picture (negative weights red)", &png);
  options.add("basis", "FILE", "Also how much of it a kernel basis holds (SRMD's P, 15 x 225)", &basis);
  options.flag("json", "Print one JSON object on stdout", &json);
  options.flag("force", "Replace an existing picture", &force);
  if (!options.parse(arguments)) return kExitOk;
  if (files.empty()) throw UsageError("kernel show needs a kernel file");
  if (!png.empty() && files.size() != 1) throw UsageError("--png shows one kernel");
  Json list = Json::array();
  for (const std::string& file : files) {
    const Loaded loaded = load(file, convention);
    Json description = describe(loaded.kernel, loaded.sum);
    if (!basis.empty()) description["basis_energy"] = KernelPca::load(basis).energy(loaded.kernel);
    if (!json) {
      print_description(file, description, loaded.kernel.phase());
      if (!basis.empty())
        fmt::print("  in the basis    {:.4f} of its energy\n", description["basis_energy"].get<double>());
    }
    Json entry{{"file", file}};
    entry.update(description);
    list.push_back(entry);
    if (!png.empty()) save_magnified(loaded.kernel, png, force ? Overwrite::kYes : Overwrite::kNo);
  }
  if (json) fmt::print("{}\n", json_text((list.size() == 1 ? list[0] : list), 2));
  return kExitOk;
}

BlurKernel bicubic_by(int64_t factor, const char* flag) {
  if (factor < 2 || factor > 8) throw UsageError(fmt::format("--{} {} must be 2 to 8", flag, factor));
  return make_kernel({.family = KernelFamily::kBicubic, .scale = static_cast<double>(factor)});
}

int run_convert(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  std::string output;
  std::string from = "zssr";
  std::string to = "zssr";
  std::string phase;
  std::string scale = "2";
  int64_t size = 0;
  int64_t before_bicubic = 0;
  int64_t after_bicubic = 0;
  bool composed = false;
  bool normalize = false;
  bool force = false;
  OptionSet options("zsr kernel convert FILE -o FILE [options]",
                    "Writes a kernel in another format, convention, place or size.",
                    "  zsr kernel convert kernel.mat -o kernel.npy\n"
                    "  zsr kernel convert usrnet.mat -o zssr.mat --from kair\n"
                    "  zsr kernel convert k_x2.mat -o k_x4.mat --x4-from-x2\n"
                    "  zsr kernel convert k.mat -o aligned.mat --phase center -s 2\n"
                    "  zsr kernel convert blur.mat -o k.mat --before-bicubic 3\n"
                    "  zsr kernel convert lr_blur.mat -o k.mat --after-bicubic 4\n");
  options.group("Options");
  options.positional("input,i", "FILE", "Kernel file (FILE#N: the N-th of many)", &files);
  options.add("output,o", "FILE", ".mat, .npy, .txt or .png", &output);
  options.add("from", "NAME", "Convention of the input: zssr, kair (flipped) or fkp", &from);
  options.add("to", "NAME", "Convention of the output", &to);
  options.add("phase", "NAME", "Move it: center (aligned for --scale) or corner (centred)", &phase);
  options.add("scale,s", "FACTOR", "Factor that --phase center means", &scale);
  options.add("size", "N", "Cut or fill to N x N around the anchor", &size);
  options.add("before-bicubic", "FACTOR", "The kernel blurs the large image, before bicubic downscaling: as one kernel",
              &before_bicubic);
  options.add("after-bicubic", "FACTOR", "The kernel blurs the small image, after bicubic downscaling: as one kernel",
              &after_bicubic);
  options.flag("x4-from-x2", "Compose the kernel of two steps of 2", &composed);
  options.flag("normalize-kernel", "Accept a kernel whose sum is not 1 and normalise it", &normalize);
  options.flag("force", "Replace an existing file", &force);
  if (!options.parse(arguments)) return kExitOk;
  if (files.size() != 1 || output.empty()) throw UsageError("kernel convert needs one FILE and -o FILE");
  BlurKernel kernel = load_kernel(files[0], parse_kernel_convention(from, "from"),
                                  normalize ? KernelSum::kNormalize : KernelSum::kMustBeOne);
  if (composed) kernel = compose(kernel, 2);
  if (before_bicubic != 0) kernel = compose(kernel, bicubic_by(before_bicubic, "before-bicubic"), 1);
  if (after_bicubic != 0) kernel = compose(bicubic_by(after_bicubic, "after-bicubic"), kernel, after_bicubic);
  if (!phase.empty()) {
    if (phase != "center" && phase != "corner") {
      throw UsageError(fmt::format("--phase '{}' must be center or corner", phase));
    }
    kernel = kernel.moved_to(phase == "center" ? centered_phase(parse_scale(scale, true)) : Phase{});
  }
  if (size != 0) {
    if (size < 1 || size > 511) throw UsageError(fmt::format("--size {} must be 1 to 511", size));
    kernel = with_support(kernel, size, size);
  }
  save_kernel(kernel, output, parse_kernel_convention(to, "to"), force ? Overwrite::kYes : Overwrite::kNo);
  print_description(output, describe(kernel, 1.0), kernel.phase());
  return kExitOk;
}

int compare_two(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  std::string convention = "zssr";
  bool json = false;
  OptionSet options("zsr kernel compare FIRST SECOND [options]",
                    "Tells how far two kernels differ once the second is moved to where it fits best.",
                    "  zsr kernel compare true.mat estimated.mat\n");
  options.group("Options");
  options.positional("input,i", "FILE", "Two kernel files", &files);
  options.add("from", "NAME", "Convention of both files: zssr, kair (flipped) or fkp", &convention);
  options.flag("json", "Print one JSON object on stdout", &json);
  if (!options.parse(arguments)) return kExitOk;
  if (files.size() != 2) throw UsageError("kernel compare needs two kernel files");
  const BlurKernel first = load(files[0], convention).kernel;
  const BlurKernel second = load(files[1], convention).kernel;
  const KernelDistance d = compare_kernels(first, second);
  if (json) {
    const Json result{{"first", files[0]},
                      {"second", files[1]},
                      {"shift_y", d.shift_y},
                      {"shift_x", d.shift_x},
                      {"psnr", number(d.psnr)},
                      {"psnr_peak_1", number(d.plain_psnr)},
                      {"psnr_not_moved", number(d.fkp_psnr)},
                      {"correlation", d.correlation},
                      {"difference", d.aligned_l1}};
    fmt::print("{}\n", json_text(result, 2));
    return kExitOk;
  }
  fmt::print("best fit when the second moves by {:+.2f} rows, {:+.2f} columns\n", d.shift_y, d.shift_x);
  fmt::print(
      "  PSNR         {:.2f} dB against the first's peak ({:.2f} dB with peak 1; not moved, as FKP counts: {:.2f})\n",
      d.psnr, d.plain_psnr, d.fkp_psnr);
  fmt::print("  correlation  {:.5f}\n", d.correlation);
  fmt::print("  difference   {:.4f} of the weight lies elsewhere\n", d.aligned_l1);
  return kExitOk;
}

}  // namespace

int run_kernel(const std::vector<std::string>& arguments) {
  const std::string verb = arguments.empty() ? "" : arguments[0];
  const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (verb == "make") return run_make(rest);
  if (verb == "show") return run_show(rest);
  if (verb == "convert") return run_convert(rest);
  if (verb == "compare") return compare_two(rest);
  if (verb == "--help" || verb == "-h") {
    fmt::print(
        "Usage: zsr kernel make|show|convert|compare ...\n\n"
        "Builds blur kernels, tells what they are, changes their format, compares two.\n\n"
        "Examples:\n  zsr kernel make --help\n  zsr kernel show kernel.mat\n"
        "  zsr kernel convert kernel.mat -o kernel.npy\n  zsr kernel compare true.mat estimated.mat\n");
    return kExitOk;
  }
  throw UsageError(fmt::format("'zsr kernel {}' is not known; there are make, show, convert and compare", verb));
}

}  // namespace zsr::cli
