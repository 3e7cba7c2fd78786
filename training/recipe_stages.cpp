#include "training/recipe_stages.h"

#include "core/error.h"

#include <fmt/format.h>

#include <cmath>
#include <sstream>

namespace zsr::training {
namespace {

std::string without_spaces_around(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

StageText stage_of(const std::string& text) {
  const size_t space = text.find_last_of(" \t");
  StageText stage;
  std::istringstream number(space == std::string::npos ? "" : text.substr(space + 1));
  char sign = 0;
  const bool understood = static_cast<bool>(number >> stage.percent >> sign) && sign == '%' && number.peek() == EOF;
  if (!understood || !(stage.percent > 0.0)) {
    throw OptionError(fmt::format("stage '{}': must be a recipe and its part of the steps, as in 'bicubic 30%'", text));
  }
  stage.recipe = without_spaces_around(text.substr(0, space));
  return stage;
}

}  // namespace

std::vector<StageText> parse_stages(const std::string& text) {
  std::vector<StageText> stages;
  std::istringstream list(text);
  double sum = 0.0;
  for (std::string item; std::getline(list, item, ';');) {
    stages.push_back(stage_of(without_spaces_around(item)));
    sum += stages.back().percent;
  }
  if (std::abs(sum - 100.0) > 1e-6)
    throw OptionError(fmt::format("the stages are {:g} % of the steps, must be 100", sum));
  return stages;
}

}  // namespace zsr::training
