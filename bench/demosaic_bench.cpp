// Demosaicing side by side: mosaics (RGGB) of photos, sampled from their encoded values as the literature does, without
// noise and with white noise; CPSNR (of all three colours together, to whole 8-bit levels, 10 pixels cut from each
// side).
//   zsr_demosaic_bench FOLDER... [--weights FILE] [--limit N] [--xtrans] [--scale 2]
// Columns: linear interpolation, LibRaw's AHD, the closed-form method and the network (of FILE, else the one that comes
// with zsr); with --xtrans, mosaics of that pattern by the first and the third. With --scale 2 the mosaics are those of
// the photos made smaller by imresize, and the columns closed form and imresize, network x1 and imresize, network x1
// and the blind default of 'zsr upscale', network x2 (of FILE). Last line: standard deviation of the noise that
// raw::fit_noise finds at middle gray, as a part of the true one, median of the photos.
#include "core/error.h"
#include "core/normal_field.h"
#include "core/random.h"
#include "datasets/image_folder.h"
#include "image/photo.h"
#include "image/resize.h"
#include "inference/demosaic.h"
#include "networks/demosaic.h"
#include "networks/registry.h"
#include "nn/weights/shipped.h"
#include "pipeline/upscale.h"
#include "raw/noise_fit.h"
#include "raw/raw_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <unistd.h>

namespace {

using namespace zsr;
namespace fs = std::filesystem;

using Method = std::function<raw::Rgb(const raw::Mosaic&)>;

struct Settings {
  std::vector<std::string> folders;
  std::string weights;
  size_t limit = 0;
  bool xtrans = false;
  int64_t scale = 1;
};

Settings settings_of(int count, char** words) {
  Settings settings;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--weights" && i + 1 < count) {
      settings.weights = words[++i];
    } else if (word == "--limit" && i + 1 < count) {
      settings.limit = std::stoul(words[++i]);
    } else if (word == "--scale" && i + 1 < count) {
      settings.scale = std::stoll(words[++i]);
    } else if (word == "--xtrans") {
      settings.xtrans = true;
    } else {
      settings.folders.push_back(word);
    }
  }
  if (settings.folders.empty()) throw OptionError("name folders of photos");
  return settings;
}

// RGB with sides that are multiples of 2 `scale`.
torch::Tensor load(const fs::path& path, int64_t scale) {
  const torch::Tensor color = load_photo(path).color.expand({1, 3, -1, -1});
  const int64_t unit = 2 * scale;
  return color.slice(2, 0, color.size(2) / unit * unit).slice(3, 0, color.size(3) / unit * unit).contiguous();
}

double cpsnr(const torch::Tensor& made, const torch::Tensor& truth) {
  constexpr int64_t kBorder = 10;
  const auto inside = [&](const torch::Tensor& image) {
    return image.slice(2, kBorder, -kBorder).slice(3, kBorder, -kBorder);
  };
  return -10.0 * std::log10((inside(quantize(made)) - inside(truth)).square().mean().item<double>());
}

// LibRaw reads files; noise below black is kept by a black level.
raw::Rgb by_ahd(const raw::Mosaic& mosaic) {
  const fs::path path = fs::temp_directory_path() / fmt::format("zsr_demosaic_bench_{}.dng", getpid());
  raw::write_dng(path, mosaic.values, {.pattern = mosaic.pattern, .black = 8192, .white = 57344}, Overwrite::kYes);
  raw::Rgb made = raw::demosaic_ahd(path);
  fs::remove(path);
  return made;
}

raw::Rgb by_network(const raw::Mosaic& mosaic, const std::string& name) {
  const WeightsFile weights = load_or_shipped(name);
  return inference::demosaic(mosaic, *networks::recognise(weights)->build(weights));
}

raw::Rgb twice(const raw::Rgb& colors) {
  return networks::rgb_of(imresize(networks::tensor_of(colors), {2.0, 2.0}));
}

// As 'zsr upscale' enlarges a developed photo, in which no noise is left.
raw::Rgb by_default(const raw::Rgb& colors) {
  Photo photo;
  photo.color = networks::tensor_of(colors).clamp(0.0, 1.0);
  photo.bit_depth = 16;
  pipeline::Request request;
  request.noise.source = pipeline::NoiseRequest::Source::kGiven;
  return networks::rgb_of(pipeline::upscale(photo, request).photo.color);
}

std::vector<std::pair<std::string, Method>> methods(const Settings& settings) {
  if (settings.scale == 2) {
    const std::string joint = settings.weights.empty() ? "demosaic-x2" : settings.weights;
    const auto one = [](const raw::Mosaic& mosaic) { return by_network(mosaic, "demosaic-x1"); };
    return {{"closed", [](const raw::Mosaic& mosaic) { return twice(raw::demosaic(mosaic)); }},
            {"x1", [one](const raw::Mosaic& mosaic) { return twice(one(mosaic)); }},
            {"x1+zsr", [one](const raw::Mosaic& mosaic) { return by_default(one(mosaic)); }},
            {"joint", [joint](const raw::Mosaic& mosaic) { return by_network(mosaic, joint); }}};
  }
  if (settings.xtrans) return {{"bilinear", raw::demosaic_bilinear}, {"closed", raw::demosaic}};
  std::vector<std::pair<std::string, Method>> all = {
      {"bilinear", raw::demosaic_bilinear}, {"ahd", by_ahd}, {"closed", raw::demosaic}};
  const std::string name = settings.weights.empty() ? "demosaic-x1" : settings.weights;
  if (settings.weights.empty() && !is_shipped(name)) return all;
  const WeightsFile weights = load_or_shipped(name);
  const std::shared_ptr<const networks::Network> network = networks::recognise(weights)->build(weights);
  all.emplace_back("network", [network](const raw::Mosaic& mosaic) { return inference::demosaic(mosaic, *network); });
  return all;
}

raw::Mosaic mosaic_of(const torch::Tensor& photo, const raw::MosaicPattern& pattern, double noise, uint64_t seed) {
  raw::Mosaic mosaic;
  mosaic.pattern = pattern;
  mosaic.values = raw::mosaic_of(networks::rgb_of(photo), pattern);
  if (noise == 0.0) return mosaic;
  mosaic.noise.fill(raw::NoiseCurve(noise / 255.0));
  std::vector<float> field(mosaic.values.values.size());
  fill_normal(seed, field.data(), static_cast<int64_t>(field.size()));
  for (size_t i = 0; i < field.size(); ++i) mosaic.values.values[i] += field[i] * static_cast<float>(noise / 255.0);
  return mosaic;
}

int run(const Settings& settings) {
  std::vector<fs::path> photos;
  for (const std::string& folder : settings.folders) {
    for (const fs::path& path : list_images(folder)) photos.push_back(path);
  }
  if (settings.limit > 0 && photos.size() > settings.limit) photos.resize(settings.limit);
  const auto all = methods(settings);
  const raw::MosaicPattern pattern = settings.xtrans ? raw::MosaicPattern::xtrans() : raw::MosaicPattern::bayer("RGGB");
  fmt::print("{} photos\n{:<8}", photos.size(), "noise");
  for (const auto& [name, method] : all) fmt::print(" {:>9}", name);
  fmt::print("\n");
  std::vector<double> found;
  for (const double noise : {0.0, 10.0}) {
    std::map<std::string, double> sum;
    for (const fs::path& path : photos) {
      const torch::Tensor truth = load(path, settings.scale);
      const double factor = 1.0 / static_cast<double>(settings.scale);
      const torch::Tensor seen = settings.scale == 1 ? truth : imresize(truth, {factor, factor}).clamp(0.0, 1.0);
      const raw::Mosaic mosaic = mosaic_of(seen, pattern, noise, derive_seed(1, path.filename().string()));
      if (noise > 0.0) found.push_back(raw::fit_noise(mosaic.values, pattern).sigma(0.5) * 255.0 / noise);
      for (const auto& [name, method] : all) sum[name] += cpsnr(networks::tensor_of(method(mosaic)), truth);
    }
    fmt::print("{:<8g}", noise);
    for (const auto& [name, method] : all) fmt::print(" {:>9.2f}", sum[name] / static_cast<double>(photos.size()));
    fmt::print("\n");
  }
  std::sort(found.begin(), found.end());
  if (!found.empty()) fmt::print("noise found / true {:.2f}\n", found[found.size() / 2]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(settings_of(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "zsr_demosaic_bench: {}\n", error.what());
    return 1;
  }
}
