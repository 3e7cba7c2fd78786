#pragma once

#include "training/network.h"
#include "training/patches.h"

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace zsr::training {

/// Note [Images of a plan]
/// hr, lr (its small version), like (a patch of the other collection, of lr's size), a network's result NAME(image),
/// small(image) (imresized by the plan's scale), still(image) (without gradients), low(image) and high(image): the mean
/// of 5x5 pixels, and 1/2 plus half of what that leaves; low9 and high9: of 9x9, and so on. Combined as in
/// "0.005 eye high(worse(lr)) high(like)".

/// Whether `text` is such an expression over networks for which `known` is true. `made_of_like`: receives whether it
/// needs the other collection.
bool is_image(const std::string& text, const std::function<bool(const std::string&)>& known, bool& made_of_like);

/// The images that the terms of one step name, each made once.
class TeamImages {
 public:
  /// What a network makes of an image; the last argument is the whole expression.
  using Maker = std::function<torch::Tensor(const std::string& network, const torch::Tensor& image,
                                            const std::string& expression)>;
  /// `known`: hr, lr and, where there is another collection, like.
  TeamImages(int64_t scale, std::map<std::string, torch::Tensor> known, Maker made_by);

  /// Throws OptionError for what is no image.
  torch::Tensor at(const std::string& expression);

 private:
  int64_t scale_;
  std::map<std::string, torch::Tensor> known_;
  Maker made_by_;
};

}  // namespace zsr::training
