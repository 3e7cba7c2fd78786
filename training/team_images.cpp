#include "training/team_images.h"

#include "core/error.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <optional>

namespace zsr::training {
namespace {

// "f(x)" is f and x; others are empty.
struct Call {
  std::string function;
  std::string image;
};

std::optional<Call> call_of(const std::string& text) {
  const size_t open = text.find('(');
  if (open == std::string::npos || open == 0 || text.back() != ')') return std::nullopt;
  return Call{text.substr(0, open), text.substr(open + 1, text.size() - open - 2)};
}

// The side of a filter, "low" or "low9" with `name` "low"; 0 for other functions.
int64_t filter_side(const std::string& function, const std::string& name) {
  if (!function.starts_with(name)) return 0;
  const std::string number = function.substr(name.size());
  if (number.empty()) return 5;
  if (number.size() > 2 || number.find_first_not_of("0123456789") != std::string::npos) return 0;
  const int64_t side = std::stoll(number);
  return side >= 3 && side % 2 == 1 ? side : 0;
}

// Mean of side x side pixels; at the border of those that are there.
torch::Tensor low(const torch::Tensor& x, int64_t side) {
  return torch::avg_pool2d(x, {side, side}, {1, 1}, {side / 2, side / 2}, false, /*count_include_pad=*/false);
}

torch::Tensor small(const torch::Tensor& x, int64_t scale) {
  const double factor = 1.0 / static_cast<double>(scale);
  return imresize(x.to(torch::kCPU), {factor, factor}).to(x.device());
}

bool is_function(const std::string& name) {
  return name == "small" || name == "still" || filter_side(name, "low") != 0 || filter_side(name, "high") != 0;
}

}  // namespace

bool is_image(const std::string& text, const std::function<bool(const std::string&)>& known, bool& made_of_like) {
  if (text == "like") made_of_like = true;
  if (text == "hr" || text == "lr" || text == "like") return true;
  const std::optional<Call> call = call_of(text);
  return call && (is_function(call->function) || known(call->function)) && is_image(call->image, known, made_of_like);
}

TeamImages::TeamImages(int64_t scale, std::map<std::string, torch::Tensor> known, Maker made_by)
    : scale_(scale), known_(std::move(known)), made_by_(std::move(made_by)) {}

torch::Tensor TeamImages::at(const std::string& expression) {
  const auto found = known_.find(expression);
  if (found != known_.end()) return found->second;
  const std::optional<Call> call = call_of(expression);
  if (!call) {
    throw OptionError(
        fmt::format("'{}' is no image: hr, lr, like, small(...), low(...), high(...) or a network's result, NAME(...)",
                    expression));
  }
  const torch::Tensor x = at(call->image);
  torch::Tensor made;
  if (const int64_t side = filter_side(call->function, "low"); side != 0) {
    made = low(x, side);
  } else if (const int64_t side = filter_side(call->function, "high"); side != 0) {
    made = 0.5 + 0.5 * (x - low(x, side));
  } else if (call->function == "small") {
    made = small(x, scale_);
  } else if (call->function == "still") {
    made = x.detach();
  } else {
    made = made_by_(call->function, x, expression);
  }
  return known_[expression] = made;
}

}  // namespace zsr::training
