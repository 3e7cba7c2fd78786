// What 'zsr train degradation' learned, as a recipe: imresize to the small size, then the generator; or the generator
// alone where it makes the image smaller itself.
#include "core/error.h"
#include "degradations/learned/learned_degradation.h"
#include "degradations/recipes/draft.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zsr {
namespace {

class LearnedRecipe : public Recipe {
 public:
  LearnedRecipe(const std::filesystem::path& path, int64_t scale) : path_(path.string()), scale_(scale) {
    const auto learned = learned_degradation(path_, "");
    sha256_ = learned->sha256();
    factor_ = learned->shape().factor();
    if ((learned->scale() != 0 && learned->scale() != scale) || (factor_ != 1 && factor_ != scale)) {
      throw OptionError(fmt::format("'{}' was trained for x{}, not for x{}", path_,
                                    factor_ != 1 ? factor_ : learned->scale(), scale));
    }
  }

  nlohmann::ordered_json describe() const override {
    return {{"name", "learned"}, {"file", path_}, {"sha256", sha256_}, {"scale", scale_}};
  }

  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    if (factor_ == 1) draft.resize({hr.height / scale_, hr.width / scale_}, ResizeMethod::kMatlabCubic8Bit);
    draft.add(LearnedStep{path_, sha256_, draft.seed()});
    draft.add(RoundStep{});
    return draft.take();
  }

 private:
  std::string path_;
  std::string sha256_;
  int64_t scale_;
  int64_t factor_ = 1;
};

}  // namespace

std::unique_ptr<Recipe> load_learned_recipe(const std::filesystem::path& path, Scale scale) {
  if (scale.y != scale.x || scale.y < 1.0 || scale.y != static_cast<double>(static_cast<int64_t>(scale.y))) {
    throw OptionError(fmt::format(
        "scale = {:g}x{:g}: a learned degradation takes a whole number, the same for both axes", scale.x, scale.y));
  }
  return std::make_unique<LearnedRecipe>(path, static_cast<int64_t>(scale.y));
}

}  // namespace zsr
