#include "inference/self_ensemble.h"

#include "image/median.h"

#include <utility>

namespace zsr::inference {
namespace {

// Whether nothing else holds the values, so that they may be changed: a copy of a large image counts.
bool is_ours(const torch::Tensor& image) {
  return image.use_count() == 1 && image.storage().use_count() == 1 && image.is_contiguous();
}

}  // namespace

std::vector<int64_t> ensemble_turns(bool self_ensemble, bool equal_factors) {
  if (!self_ensemble) return {0};
  if (!equal_factors) return {0, 2, 4, 6};
  return {0, 1, 2, 3, 4, 5, 6, 7};
}

Phase turned_phase(Phase phase, Size low, Size high, Scale scale, int64_t turn) {
  const auto from_other_end = [](double p, int64_t lr, int64_t hr, double factor) {
    return static_cast<double>(hr - 1) - factor * static_cast<double>(lr - 1) - p;
  };
  for (int64_t quarter = 0; quarter < (turn & 3); ++quarter) {
    phase = {from_other_end(phase.x, low.width, high.width, scale.x), phase.y};
    std::swap(low.height, low.width);
    std::swap(high.height, high.width);
    std::swap(scale.y, scale.x);
  }
  if (turn >= 4) phase.x = from_other_end(phase.x, low.width, high.width, scale.x);
  return phase;
}

Combined combine_passes(const std::vector<int64_t>& turns, EnsembleRule rule,
                        const std::function<torch::Tensor(int64_t)>& pass, const std::function<bool()>& next) {
  std::vector<torch::Tensor> kept;  // for the median
  torch::Tensor sum;                // for the mean
  int64_t made = 0;
  for (const int64_t turn : turns) {
    torch::Tensor image = pass(turn);
    ++made;
    if (rule == EnsembleRule::kMedian) {
      kept.push_back(image);
    } else {
      sum = sum.defined() ? sum.add_(image) : is_ours(image) ? image : image.clone();
    }
    if (!next()) break;
  }
  if (rule == EnsembleRule::kMedian) return {median_of(kept), made};
  if (made > 1) sum.div_(static_cast<double>(made));
  return {sum, made};
}

}  // namespace zsr::inference
