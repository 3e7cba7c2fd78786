#include "cli/enlarge.h"

#include "core/image/resize.h"
#include "dip/dip.h"
#include "dip/dip_fkp.h"
#include "networks/enlarge.h"
#include "restore/restore.h"
#include "srmd/srmd.h"
#include "zssr/formation.h"
#include "zssr/zssr.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::cli {
namespace {

// [1, 1, h, w]: 8-bit values are levels of noise.
torch::Tensor read_noise_map(const std::string& path, const ReadLimits& limits) {
  return load_photo(path, limits).color.mean(1, true).to(torch::kFloat32) * 255.0;
}

// Trained networks take it that both images cover the same area. For a photo whose pixels stand elsewhere (--phase
// corner) their result is moved to where its pixels belong.
torch::Tensor moved_to_phase(const torch::Tensor& image, const UpscaleSettings& settings) {
  const auto& phase = settings.zssr.options.phase;
  if (!phase) return image;
  const Phase assumed = centered_phase(settings.scale);
  const Phase move{phase->y - assumed.y, phase->x - assumed.x};
  return imresize(image, {1.0, 1.0}, {.method = Interpolation::kLanczos3, .phase = move}).clamp_(0.0, 1.0);
}

// What a trained network gives need not be the photo again when it is made smaller; back-projection sees to that. Grain
// it would put back in.
void give_photo_back(Enlarged& enlarged, const torch::Tensor& color, const UpscaleSettings& settings,
                     const zssr::Options& found) {
  const int64_t times = settings.zssr.back_projection.empty() ? 0 : settings.zssr.options.back_projection;
  if (times == 0) return;
  if (255.0 * found.son_noise >= kGrain) {
    if (!enlarged.summary.message.empty()) enlarged.summary.message += "; ";
    enlarged.summary.message +=
        fmt::format("back-projection would put the noise of {:.1f}/255 back in; left out", 255.0 * found.son_noise);
    return;
  }
  const std::optional<BlurKernel> kernel =
      found.kernels.empty() ? std::nullopt : std::optional<BlurKernel>(found.kernels[0]);
  const zssr::Formation formation(settings.scale, kernel, found.phase);
  enlarged.color = formation.back_project_tiled(enlarged.color, color, times);
  enlarged.record["back_projection"] = times;
}

Enlarged enlarge_by_srmd(const torch::Tensor& color, const UpscaleSettings& settings, const zssr::Options& found,
                         ProgressPrinter& progress) {
  const srmd::Network& network = *settings.trained->srmd;
  srmd::Options options;
  // Kernels of a grid's files, or found in its cells; one kernel is that of every cell.
  options.kernels = settings.kernel_grid;
  if (options.kernels.kernels.empty()) options.kernels.kernels = found.kernels;
  if (options.kernels.kernels.size() < 2) options.kernels.rows = options.kernels.columns = 1;
  if (!settings.noise_map.empty()) options.noise_map = read_noise_map(settings.noise_map, settings.limits);
  // More noise than it was trained for it cannot take off; a level that the user named stands and is refused.
  options.noise = 255.0 * found.son_noise;
  if (settings.zssr.noise == "auto") options.noise = std::min(options.noise, srmd::Options::kMostNoise);
  options.self_ensemble = !settings.zssr.ensemble.empty() && found.self_ensemble;
  options.keep_low_frequencies = settings.keep_low_frequencies;
  if (found.tile > 0) options.tile = found.tile;
  RunContext context;
  context.seed = settings.runtime.seed;
  context.progress = [&](const Progress& now) { return progress(now); };
  srmd::Result result = srmd::run(color, network, *settings.trained->pca, options, context);
  progress.finish();
  if (!network.knows_noise() && options.noise > 0.0) {
    result.summary.message = fmt::format("'{}' is a network for photos without noise; the noise of {:.1f}/255 stays",
                                         settings.trained->weights, options.noise);
  }
  return {result.image, result.summary, {}, {}, {}};
}

Enlarged enlarge_by_network(const torch::Tensor& color, const UpscaleSettings& settings, const zssr::Options& found,
                            ProgressPrinter& progress) {
  networks::Options options;
  options.scale = settings.scale;
  if (!found.kernels.empty()) options.kernel = found.kernels[0];
  options.noise = 255.0 * found.son_noise;
  options.self_ensemble = !settings.zssr.ensemble.empty() && found.self_ensemble;
  options.keep_low_frequencies = settings.keep_low_frequencies;
  options.circular = settings.circular;
  if (found.tile > 0) options.tile = found.tile;
  RunContext context;
  context.seed = settings.runtime.seed;
  context.progress = [&](const Progress& now) { return progress(now); };
  networks::Result result = networks::run(color, *settings.trained->network, options, context);
  progress.finish();
  return {result.image, result.summary, {}, {}, {}};
}

// States what it will take once the first steps have shown it: nobody should wait for hours unwarned.
class CostTeller {
 public:
  CostTeller(const dip::Options& options, int64_t height, int64_t width, bool quiet)
      : bytes_(dip::needed_bytes(options, height, width)), quiet_(quiet) {}

  void tell(const Progress& now) {
    constexpr int64_t kSteps = 5;
    if (quiet_ || told_ || now.step < kSteps) return;
    told_ = true;
    const double seconds = now.elapsed_s / static_cast<double>(now.step);
    fmt::print(stderr,
               "{:.2f} s a step: {:.0f} min for all {} steps, {:.1f} GB of memory; --steps, --time and --stop "
               "auto shorten it, Ctrl-C keeps the best image so far\n",
               seconds, seconds * static_cast<double>(now.total_steps) / 60.0, now.total_steps,
               static_cast<double>(bytes_) / 1e9);
  }

 private:
  int64_t bytes_;
  bool quiet_;
  bool told_ = false;
};

constexpr int kFrameMs = 150;

// Frames into a folder as they come, or all into one moving picture at the end.
dip::FrameFn frame_writer(const DipFlags& flags, std::vector<torch::Tensor>& kept) {
  if (flags.frames.empty()) return {};
  if (flags.frames.ends_with(".webp")) {
    // No more than a film can hold: then every second one goes, and from there on every second one is kept.
    return [&kept, every = int64_t{1}, seen = int64_t{0}](const torch::Tensor& image, int64_t) mutable {
      constexpr size_t kMost = 100;
      if (seen++ % every != 0) return;
      if (!kept.empty() && kept[0].sizes() != image.sizes()) return;  // of another piece
      kept.push_back(image.clamp(0.0, 1.0));
      if (kept.size() < kMost) return;
      for (size_t i = 0; 2 * i < kept.size(); ++i) kept[i] = kept[2 * i];
      kept.resize((kept.size() + 1) / 2);
      every *= 2;
    };
  }
  std::filesystem::create_directories(flags.frames);
  return [folder = std::filesystem::path(flags.frames)](const torch::Tensor& image, int64_t step) {
    Photo photo;
    photo.color = image.clamp(0.0, 1.0);
    WriteOptions write;
    write.overwrite = Overwrite::kYes;
    save_photo(photo, folder / fmt::format("step_{:06}.png", step), write);
  };
}

Enlarged enlarge_by_dip(const torch::Tensor& color, const UpscaleSettings& settings, const zssr::Options& found,
                        ProgressPrinter& progress) {
  dip::Options options = dip_options(settings.dip, color, settings.scale, settings.limits);
  if (!found.kernels.empty() && options.task == dip::Task::kSuperResolution) {
    options.kernel = found.kernels[0];
    options.phase = found.phase;
  }
  RunContext context;
  context.device = settings.runtime.device;
  context.seed = settings.runtime.seed;
  context.time_budget_s = settings.time_budget_s;
  CostTeller cost(options, color.size(2) * options.scale, color.size(3) * options.scale, settings.common.quiet);
  context.progress = [&](const Progress& now) {
    cost.tell(now);
    return progress(now);
  };
  std::vector<torch::Tensor> film;
  dip::Result result = dip::run(color, options, context, frame_writer(settings.dip, film));
  progress.finish();
  if (!film.empty()) {
    film.push_back(result.image);
    if (film.back().sizes() != film[0].sizes()) film.pop_back();
    save_animation(film, settings.dip.frames, kFrameMs, settings.write.overwrite);
  }
  return {result.image,
          result.summary,
          {},
          {},
          {{"settings", to_json(options)},
           {"best_step", result.best_step},
           {"rule_step", result.rule_step},
           {"restored", result.restored}}};
}

Enlarged enlarge_by_fkp(const torch::Tensor& color, const UpscaleSettings& settings, ProgressPrinter& progress) {
  dip::FkpOptions options;
  options.scale = settings.prior->scale();
  if (settings.dip.steps > 0) options.steps = settings.dip.steps;
  options.published_phase = settings.zssr.kernel_convention == "fkp";
  RunContext context;
  context.device = settings.runtime.device;
  context.seed = settings.runtime.seed;
  context.time_budget_s = settings.time_budget_s;
  context.progress = [&](const Progress& now) { return progress(now); };
  dip::FkpResult result = dip::run_fkp(color, *settings.prior, options, context);
  progress.finish();
  nlohmann::json record{{"settings",
                         {{"steps", options.steps},
                          {"learning_rate", options.learning_rate},
                          {"kernel_rate", options.kernel_rate},
                          {"published_phase", options.published_phase}}},
                        {"steps", result.summary.steps},
                        {"termination", to_string(result.summary.termination)}};
  if (settings.afterwards) {
    networks::Options usrnet;
    usrnet.scale = settings.scale;
    usrnet.kernel = result.kernel;
    usrnet.circular = options.published_phase;
    networks::Result enlarged = networks::run(color, *settings.afterwards->network, usrnet, context);
    progress.finish();
    result.image = enlarged.image;
    result.summary.upscale_s = enlarged.summary.upscale_s;
  }
  return {result.image, result.summary, {}, result.kernel, std::move(record)};
}

}  // namespace

Enlarged enlarge(const torch::Tensor& color, int bit_depth, const UpscaleSettings& settings, BlindFindings& findings,
                 ProgressPrinter& progress) {
  if (settings.method == "bicubic") {
    ResizeOptions resize;
    resize.phase = settings.zssr.options.phase;
    // 8-bit photos go the way MATLAB goes, so that figures match published bicubic rows.
    return {bit_depth == 8 ? imresize_uint8(color, settings.scale, resize)
                           : imresize(color, settings.scale, resize).clamp_(0.0, 1.0),
            {},
            {},
            {},
            {}};
  }
  if (settings.method == "dip-fkp") return enlarge_by_fkp(color, settings, progress);
  if (settings.method == "dip") return enlarge_by_dip(color, settings, findings.options, progress);
  if (settings.trained) {
    Enlarged enlarged = settings.trained->srmd ? enlarge_by_srmd(color, settings, findings.options, progress)
                                               : enlarge_by_network(color, settings, findings.options, progress);
    enlarged.color = moved_to_phase(enlarged.color, settings);
    give_photo_back(enlarged, color, settings, findings.options);
    return enlarged;
  }
  RunContext context;
  context.device = settings.runtime.device;
  context.seed = settings.runtime.seed;
  context.time_budget_s = settings.time_budget_s;
  context.progress = [&](const Progress& now) { return progress(now); };
  double spent_s = 0.0;
  for (;;) {
    zssr::Result result = zssr::run(color, findings.options, context);
    progress.finish();
    result.summary.train_s += spent_s;
    nlohmann::json record;
    if (!result.start.empty()) record["start"] = result.start;
    if (!result.inconsistent) return {result.image, result.summary, result.consistency_db, {}, std::move(record)};
    spent_s = result.summary.train_s;
    take_narrower_kernel(findings, settings, result.consistency_db);
    if (settings.time_budget_s) context.time_budget_s = std::max(1.0, *settings.time_budget_s - spent_s);
  }
}

Enlarged restore_photo(const torch::Tensor& color, const PhotoCondition& condition, const UpscaleSettings& settings,
                       ProgressPrinter& progress) {
  restore::Options options = settings.restore.options;
  options.scale = settings.scale;
  options.self_ensemble = !settings.zssr.ensemble.empty() && settings.zssr.options.self_ensemble;
  if (settings.zssr.options.tile > 0) options.tile = settings.zssr.options.tile;
  RunContext context;
  context.seed = settings.runtime.seed;
  context.progress = [&](const Progress& now) { return progress(now); };
  const restore::Result result = restore::run(color, condition, restore::Models::shipped(), options, context);
  progress.finish();
  return {result.image, result.summary, {}, {}, {{"restoration", restore::to_json(options, result)}}};
}

}  // namespace zsr::cli
