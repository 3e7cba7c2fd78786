// Several recipes in one: each image is made by one of them, chosen by weight.
#include "core/error.h"
#include "degradations/recipes/draft.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sstream>

namespace zsr {
namespace {

class Mixture : public Recipe {
 public:
  void add(std::unique_ptr<Recipe> recipe, double weight) {
    total_ += weight;
    parts_.push_back({std::move(recipe), total_});
  }

  nlohmann::ordered_json describe() const override {
    nlohmann::ordered_json json{{"name", "mixture"}};
    double before = 0.0;
    for (const Part& part : parts_) {
      json["recipes"].push_back({{"weight", part.until - before}, {"recipe", part.recipe->describe()}});
      before = part.until;
    }
    return json;
  }

  std::vector<Step> draw(Size hr, Random& random) const override {
    const double at = random.uniform() * total_;
    for (const Part& part : parts_) {
      if (at < part.until) return part.recipe->draw(hr, random);
    }
    return parts_.back().recipe->draw(hr, random);
  }

 private:
  struct Part {
    std::unique_ptr<Recipe> recipe;
    double until;  // sum of the weights so far
  };
  std::vector<Part> parts_;
  double total_ = 0.0;
};

}  // namespace

std::unique_ptr<Recipe> make_mixture(const std::string& text, const RecipeOptions& options) {
  auto mixture = std::make_unique<Mixture>();
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const size_t colon = item.rfind(':');
    double weight = 1.0;
    if (colon != std::string::npos) {
      std::istringstream number(item.substr(colon + 1));
      if (!(number >> weight) || !number.eof() || !(weight > 0.0)) {
        throw OptionError(fmt::format("recipe '{}': the weight must be a number > 0", item));
      }
    }
    const std::string name = item.substr(0, colon);
    mixture->add(make_recipe(name, options), weight);
  }
  return mixture;
}

}  // namespace zsr
