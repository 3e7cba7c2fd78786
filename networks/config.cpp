#include "networks/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace zsr::networks {

Config& Config::set(const std::string& name, double value) {
  numbers_[name] = value;
  return *this;
}

double Config::number(const std::string& name) const {
  const auto found = numbers_.find(name);
  if (found == numbers_.end()) throw std::logic_error("no field '" + name + "' in this configuration");
  return found->second;
}

int64_t Config::whole(const std::string& name) const {
  return std::llround(number(name));
}

std::map<std::string, std::string> Config::to_metadata(const std::string& network) const {
  std::map<std::string, std::string> remarks{{"network", network},
                                             {"scales", fmt::format("{}", fmt::join(scales, ","))}};
  for (const auto& [name, value] : numbers_) remarks[name] = fmt::format("{:g}", value);
  return remarks;
}

int64_t FileShapes::size(const std::string& name, int64_t dim) const {
  const torch::Tensor* const found = file_.find(name);
  return found == nullptr || found->dim() <= dim ? 0 : found->size(dim);
}

int64_t FileShapes::count(const std::string& prefix, const std::string& suffix, int64_t first, int64_t step) const {
  int64_t n = 0;
  while (has(fmt::format("{}{}{}", prefix, first + n * step, suffix))) ++n;
  return n;
}

int64_t FileShapes::shuffle_factor(const std::string& conv, int64_t channels) const {
  const int64_t out = size(conv + ".weight", 0);
  for (int64_t factor = 1; factor <= 8; ++factor) {
    if (factor * factor * channels == out) return factor;
  }
  return 0;
}

double FileShapes::remark(const std::string& name, double otherwise) const {
  const auto found = file_.metadata.find(name);
  if (found == file_.metadata.end()) return otherwise;
  std::istringstream text(found->second);
  double value = otherwise;
  return text >> value ? value : otherwise;
}

}  // namespace zsr::networks
