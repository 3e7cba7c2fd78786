// What a camera's sensor writes of a sharp photo: a mosaic with shot and read noise.
#include "degradations/recipes/draft.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace zsr {
namespace {

class Camera : public Recipe {
 public:
  explicit Camera(Scale scale) : scale_(scale) {}

  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    if (scale_.y > 1.0) {
      // A lens and the pixels' area blur about as much as imresize does.
      const Size size = scaled_size(hr, {1.0 / scale_.y, 1.0 / scale_.x});
      draft.resize(size, ResizeMethod::kMatlabCubic);
    }
    MosaicStep mosaic;
    mosaic.phase = static_cast<MosaicPhase>(draft.whole(0, 3));
    // White balances between daylight and shade of common cameras.
    mosaic.red_gain = draft.uniform({1.9, 2.4});
    mosaic.blue_gain = draft.uniform({1.5, 1.9});
    // Shot noise from 0.0001 to 0.012 and the read noise that goes with it (Brooks et al., "Unprocessing images for
    // learned raw denoising", CVPR 2019, section 3.1, of the Darmstadt cameras).
    const double log_shot = draft.uniform({std::log(0.0001), std::log(0.012)});
    const double log_read = 2.18 * log_shot + 1.20 + 0.26 * draft.random().normal();
    mosaic.shot = std::exp(log_shot);
    mosaic.read = std::sqrt(std::exp(log_read));
    mosaic.seed = draft.seed();
    draft.add(mosaic);
    return draft.take();
  }

  nlohmann::ordered_json describe() const override {
    return {{"name", "camera"}, {"scale_y", scale_.y}, {"scale_x", scale_.x}};
  }

 private:
  Scale scale_;
};

}  // namespace

std::unique_ptr<Recipe> make_camera_recipe(const RecipeOptions& options) {
  return std::make_unique<Camera>(options.scale);
}

}  // namespace zsr
