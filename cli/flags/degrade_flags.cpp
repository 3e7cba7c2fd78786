#include "cli/flags/degrade_flags.h"

#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "core/sha256.h"
#include "core/values.h"
#include "degradations/estimation/estimate.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"
#include "image/resize.h"
#include "kernelgan/estimate.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

// "2:25" or "7".
std::optional<Range> parse_range(const std::string& text, const char* flag) {
  if (text.empty()) return std::nullopt;
  const size_t colon = text.find(':');
  if (colon == std::string::npos) {
    const double value = parse_number(text, flag);
    return Range{value, value};
  }
  return Range{parse_number(text.substr(0, colon), flag), parse_number(text.substr(colon + 1), flag)};
}

Border parse_border(const std::string& text) {
  constexpr std::pair<const char*, Border> kBorders[] = {{"symmetric", Border::kSymmetric},
                                                         {"reflect", Border::kReflect},
                                                         {"replicate", Border::kReplicate},
                                                         {"wrap", Border::kWrap},
                                                         {"zero", Border::kZero}};
  for (const auto& [name, border] : kBorders) {
    if (text == name) return border;
  }
  throw UsageError(fmt::format("--border '{}' must be symmetric, reflect, replicate, wrap or zero", text));
}

// Checks the file now, so that a bad kernel is one error before the work and not one per photo.
KernelSpec spec_of_file(const std::string& text, const RecipeFlags& flags) {
  const KernelConvention convention = parse_kernel_convention(flags.kernel_convention, "kernel-convention");
  const KernelSum rule = flags.normalize_kernel ? KernelSum::kNormalize : KernelSum::kMustBeOne;
  load_kernel(text, convention, rule);
  KernelSpec spec{.family = KernelFamily::kFile};
  std::string file = text;
  const size_t hash = text.rfind('#');
  if (hash != std::string::npos && !fs::exists(text)) {
    file = text.substr(0, hash);
    spec.index = std::stoll(text.substr(hash + 1)) - 1;
  }
  spec.file = fs::absolute(file).lexically_normal().string();
  spec.sha256 = sha256_of_file(spec.file);
  spec.flipped = convention == KernelConvention::kKair;
  return spec;
}

// The blur of a real photo as a kernel of numbers; the bicubic one when it cannot be estimated.
KernelSpec estimated_blur(const std::string& photo_path, Scale scale, std::vector<std::string>& notes) {
  if (scale.y != scale.x) throw UsageError("--kernel auto needs the same factor for both axes");
  const kernelgan::Estimate found = kernelgan::estimate_kernel(load_photo(photo_path).color, {.scale = scale.y});
  if (found.verdict == kernelgan::Verdict::kReject) {
    if (scale.y != std::round(scale.y)) {
      throw InputError(fmt::format("'{}': its blur cannot be estimated ({})", photo_path, found.reasons.at(0)));
    }
    notes.push_back(fmt::format("'{}': its blur cannot be estimated ({}); taking the bicubic kernel", photo_path,
                                found.reasons.at(0)));
    return {.family = KernelFamily::kBicubic, .scale = scale.y};
  }
  if (found.bicubic) {
    notes.push_back(fmt::format("'{}': its blur is that of bicubic downscaling", photo_path));
    return {.family = KernelFamily::kBicubic, .scale = scale.y};
  }
  notes.push_back(fmt::format("'{}': blur sigma {:.2f} and {:.2f} HR pixels, verdict {}", photo_path, found.sigma_1,
                              found.sigma_2, kernelgan::to_string(found.verdict)));
  KernelSpec spec;
  spec.sigma_1 = found.sigma_1;
  spec.sigma_2 = found.sigma_2;
  spec.angle = found.angle;
  spec.offset = 0.5 * (scale.y - 1.0);
  spec.size = 2 * static_cast<int64_t>(std::ceil(3.0 * spec.sigma_1 + spec.offset)) + 1;
  return spec;
}

// Noise and compression of a real photo, for pairs that resemble it.
void imitate(const std::string& photo_path, RecipeOptions& options, std::vector<std::string>& notes) {
  const Photo photo = load_photo(photo_path);
  std::optional<JpegEstimate> jpeg = jpeg_quality_of_file(photo_path);
  if (!jpeg) jpeg = jpeg_quality_of_pixels(photo.color);
  if (jpeg && !options.jpeg) {
    const auto quality = static_cast<double>(jpeg->quality);
    options.jpeg = Range{quality, quality};
    notes.push_back(fmt::format(
        "'{}': JPEG quality {} ({})", photo_path, jpeg->quality,
        jpeg->from_tables ? "from its tables" : fmt::format("from its pixels, confidence {:.2f}", jpeg->confidence)));
  } else if (!jpeg) {
    notes.push_back(fmt::format("'{}': no trace of JPEG compression", photo_path));
  }
  if (!options.noise) {
    const double level = estimate_noise(photo.color);
    options.noise = Range{level, level};
    notes.push_back(fmt::format("'{}': noise {:.2f} / 255", photo_path, level));
  }
}

}  // namespace

void add_recipe_flags(OptionSet& options, RecipeFlags& flags) {
  options.group("How the LR images are made");
  std::string names;
  for (const RecipeName& recipe : recipe_names()) names += fmt::format("{}, ", recipe.name);
  options.add("recipe", "NAME", names + "or a .json file of your own", &flags.recipe);
  options.add("scale,s", "FACTOR", "How many times smaller", &flags.scale);
  options.add("kernel", "FILE", "Blur kernel (FILE#N: the N-th of many), bicubic, or auto: that of the --like photo",
              &flags.kernel);
  options.add("kernel-pool", "PATH", "kmsr: folder or file of kernels to choose from", &flags.kernel_pool);
  options.add("kernel-convention", "NAME", "How kernel files are meant: zssr, kair (flipped) or fkp",
              &flags.kernel_convention);
  options.flag("normalize-kernel", "Accept kernels whose sum is not 1 and normalise them", &flags.normalize_kernel);
  options.add("blur-sigma", "LOW:HIGH", "classical: Gaussian blur, HR pixels", &flags.blur_sigma);
  options.add("noise", "LOW:HIGH", "bicubic, classical, srmd: Gaussian noise, 0-255 units", &flags.noise);
  options.add("jpeg", "LOW:HIGH", "bicubic, classical: JPEG quality", &flags.jpeg);
  options.add("down", "NAME", "classical: direct (every s-th pixel) or bicubic", &flags.down);
  options.add("phase", "NAME", "bicubic, classical: center (as imresize) or corner (as image[::s])", &flags.phase);
  options.add("border", "NAME", "bicubic, classical: symmetric, replicate (MATLAB before 2014; imfilter), reflect, ...",
              &flags.border);
  options.add("like", "PHOTO", "Noise and JPEG quality as this photo has them (--kernel auto: and its blur)",
              &flags.like);
}

std::vector<KernelSpec> kernel_pool(const std::string& path, const std::string& convention_name, bool normalize) {
  const KernelConvention convention = parse_kernel_convention(convention_name, "kernel-convention");
  const KernelSum rule = normalize ? KernelSum::kNormalize : KernelSum::kMustBeOne;
  std::vector<fs::path> files;
  if (fs::is_directory(path)) {
    load_kernels(path, convention, rule);
    for (const auto& entry : fs::directory_iterator(path)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".mat" || extension == ".npy" || extension == ".txt") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.emplace_back(path);
  }
  std::vector<KernelSpec> specs;
  for (const fs::path& file : files) {
    const size_t count = load_kernels(file, convention, rule).size();
    for (size_t i = 0; i < count; ++i) {
      KernelSpec spec{.family = KernelFamily::kFile};
      spec.file = fs::absolute(file).lexically_normal().string();
      spec.sha256 = sha256_of_file(spec.file);
      spec.index = static_cast<int64_t>(i);
      spec.flipped = convention == KernelConvention::kKair;
      specs.push_back(spec);
    }
  }
  return specs;
}

ResolvedRecipe resolve_recipe(const RecipeFlags& flags) {
  ResolvedRecipe resolved;
  resolved.scale = parse_scale(flags.scale, true);
  RecipeOptions options;
  options.scale = resolved.scale;
  options.blur_sigma = parse_range(flags.blur_sigma, "blur-sigma");
  options.noise = parse_range(flags.noise, "noise");
  options.jpeg = parse_range(flags.jpeg, "jpeg");
  if (!flags.down.empty()) {
    if (flags.down != "direct" && flags.down != "bicubic") {
      throw UsageError(fmt::format("--down '{}' must be direct or bicubic", flags.down));
    }
    options.direct = flags.down == "direct";
  }
  if (flags.phase != "center" && flags.phase != "corner") {
    throw UsageError(fmt::format("--phase '{}' must be center or corner", flags.phase));
  }
  options.corner = flags.phase == "corner";
  if (flags.bit_depth != 8 && flags.bit_depth != 16) {
    throw UsageError(fmt::format("--bit-depth {} must be 8 or 16", flags.bit_depth));
  }
  options.rounded = flags.bit_depth == 8;
  options.border = parse_border(flags.border);
  if (flags.kernel == "auto") {
    if (flags.like.empty()) throw UsageError("--kernel auto takes the blur of a photo; name it with --like");
    options.kernel = estimated_blur(flags.like, resolved.scale, resolved.notes);
  } else if (flags.kernel != "bicubic") {
    options.kernel = spec_of_file(flags.kernel, flags);
  }
  if (!flags.kernel_pool.empty())
    options.pool = kernel_pool(flags.kernel_pool, flags.kernel_convention, flags.normalize_kernel);

  std::string name = flags.recipe;
  if (name.empty()) name = options.kernel || options.blur_sigma || options.direct ? "classical" : "bicubic";
  if (!flags.like.empty()) {
    if (name != "bicubic" && name != "classical") {
      throw UsageError(fmt::format("--like goes with the recipes bicubic and classical, not with '{}'", name));
    }
    imitate(flags.like, options, resolved.notes);
  }
  if (!options.rounded && options.jpeg) throw UsageError("--jpeg makes 8 bits of everything; leave --bit-depth out");
  if (is_recipe_file(name)) {
    const bool plain = !options.kernel && options.pool.empty() && !options.blur_sigma && !options.noise &&
                       !options.jpeg && !options.direct && !options.corner && options.border == Border::kSymmetric;
    if (!plain) throw UsageError("a recipe file says all by itself; leave out --kernel, --noise and the like");
  }
  resolved.recipe = make_recipe(name, options);
  return resolved;
}

}  // namespace zsr::cli
