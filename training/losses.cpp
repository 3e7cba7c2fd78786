#include "training/losses.h"

#include "core/error.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <sstream>

namespace zsr::training {
namespace {

torch::Tensor term_of(const std::string& name, const LossHelpers& helpers, const torch::Tensor& made,
                      const torch::Tensor& target, const torch::Tensor& input) {
  if (name == "l1") return (made - target).abs().mean();
  if (name == "l2") return (made - target).square().mean();
  if (name == "charbonnier") {
    constexpr double kEpsilon = 1e-3;
    return ((made - target).square() + kEpsilon * kEpsilon).sqrt().mean();
  }
  if (name == "cycle") {
    const double factor = static_cast<double>(input.size(2)) / static_cast<double>(made.size(2));
    return (imresize(made.to(torch::kCPU), {factor, factor}).to(made.device()) - input).abs().mean();
  }
  if (name == "content") {
    if (helpers.features == nullptr) throw OptionError("the loss 'content' needs a feature network");
    return helpers.features->distance(made.to(torch::kCPU), target.to(torch::kCPU)).to(made.device());
  }
  if (name == "adversarial") {
    if (helpers.adversary == nullptr) throw OptionError("the loss 'adversarial' needs an adversary");
    return helpers.adversary->loss_of(made, target);
  }
  const torch::Tensor down = made.slice(2, 1) - made.slice(2, 0, -1);
  const torch::Tensor right = made.slice(3, 1) - made.slice(3, 0, -1);
  return down.abs().mean() + right.abs().mean();
}

}  // namespace

const std::vector<std::string>& loss_names() {
  static const std::vector<std::string> names = {"l1", "l2", "charbonnier", "tv", "cycle", "content", "adversarial"};
  return names;
}

std::vector<LossTerm> parse_losses(const std::string& text) {
  std::vector<LossTerm> terms;
  std::string with_commas = text;
  std::replace(with_commas.begin(), with_commas.end(), '+', ',');
  std::istringstream list(with_commas);
  for (std::string item; std::getline(list, item, ',');) {
    // "0.01*tv" is "tv:0.01".
    if (const size_t star = item.find('*'); star != std::string::npos) {
      item = item.substr(star + 1) + ":" + item.substr(0, star);
    }
    const size_t colon = item.find(':');
    LossTerm term{item.substr(0, colon), 1.0};
    const auto& known = loss_names();
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

bool has_term(const std::vector<LossTerm>& terms, const std::string& name) {
  return std::any_of(terms.begin(), terms.end(), [&](const LossTerm& term) { return term.name == name; });
}

torch::Tensor total_loss(const std::vector<LossTerm>& terms, const LossHelpers& helpers, const torch::Tensor& made,
                         const torch::Tensor& target, const torch::Tensor& input) {
  torch::Tensor sum;
  for (const LossTerm& term : terms) {
    const torch::Tensor value = term_of(term.name, helpers, made, target, input) * term.weight;
    sum = sum.defined() ? sum + value : value;
  }
  return sum;
}

}  // namespace zsr::training
