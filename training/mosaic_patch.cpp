#include "training/mosaic_patch.h"

#include "core/normal_field.h"
#include "image/resize.h"
#include "networks/demosaic.h"

#include <torch/types.h>

namespace zsr::training {

torch::Tensor small_version(const torch::Tensor& hr, int64_t scale) {
  if (scale == 1) return hr;
  const double factor = 1.0 / static_cast<double>(scale);
  return imresize(hr.unsqueeze(0), {factor, factor})[0].clamp(0.0, 1.0);
}

torch::Tensor mosaic_example(const torch::Tensor& hr, double noise, Random& random) {
  // Raw noise grows with the signal, but behind a tone curve it falls.
  const double tilt = random.uniform() < 0.5 ? 0.0 : random.uniform(-0.8, 0.8);
  const uint64_t seed = random.bits();
  raw::Mosaic mosaic;
  mosaic.pattern = raw::MosaicPattern::bayer("RGGB");
  mosaic.values = raw::mosaic_of(networks::rgb_of(hr), mosaic.pattern);
  if (noise > 0.0) {
    const double sigma = noise / 255.0;
    const auto curve =
        raw::NoiseCurve::from([&](double value) { return sigma * sigma * (1.0 + tilt * (2.0 * value - 1.0)); });
    mosaic.noise = {curve, curve, curve};
    std::vector<float> field(mosaic.values.values.size());
    fill_normal(seed, field.data(), static_cast<int64_t>(field.size()));
    for (size_t i = 0; i < field.size(); ++i) {
      mosaic.values.values[i] += field[i] * curve.sigma(mosaic.values.values[i]);
    }
  }
  return networks::mosaic_input(mosaic, raw::demosaic(mosaic))[0];
}

}  // namespace zsr::training
