#include "training/losses.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <algorithm>
#include <sstream>

namespace zsr::training {
namespace {

torch::Tensor term_of(const std::string& name, const torch::Tensor& made, const torch::Tensor& target) {
  if (name == "l1") return (made - target).abs().mean();
  if (name == "l2") return (made - target).square().mean();
  if (name == "charbonnier") {
    constexpr double kEpsilon = 1e-3;
    return ((made - target).square() + kEpsilon * kEpsilon).sqrt().mean();
  }
  const torch::Tensor down = made.slice(2, 1) - made.slice(2, 0, -1);
  const torch::Tensor right = made.slice(3, 1) - made.slice(3, 0, -1);
  return down.abs().mean() + right.abs().mean();
}

}  // namespace

const std::vector<std::string>& pixel_losses() {
  static const std::vector<std::string> names = {"l1", "l2", "charbonnier", "tv"};
  return names;
}

std::vector<LossTerm> parse_losses(const std::string& text) {
  std::vector<LossTerm> terms;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const size_t colon = item.find(':');
    LossTerm term{item.substr(0, colon), 1.0};
    const auto& known = pixel_losses();
    if (std::find(known.begin(), known.end(), term.name) == known.end()) {
      throw OptionError(fmt::format("loss '{}' is not known; there are {}", term.name, fmt::join(known, ", ")));
    }
    if (colon != std::string::npos) {
      std::istringstream number(item.substr(colon + 1));
      if (!(number >> term.weight) || !number.eof() || !(term.weight > 0.0)) {
        throw OptionError(fmt::format("loss '{}': the weight must be a number > 0", item));
      }
    }
    terms.push_back(term);
  }
  if (terms.empty()) throw OptionError("no loss named");
  return terms;
}

torch::Tensor pixel_loss(const std::vector<LossTerm>& terms, const torch::Tensor& made, const torch::Tensor& target) {
  torch::Tensor sum;
  for (const LossTerm& term : terms) {
    const torch::Tensor value = term_of(term.name, made, target) * term.weight;
    sum = sum.defined() ? sum + value : value;
  }
  return sum;
}

}  // namespace zsr::training
