#include "pipeline/parameters/prior_file.h"

#include "core/error.h"
#include "degradations/flow_prior.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>

namespace zsr::pipeline {

FlowPrior load_prior(const std::string& file, Scale scale) {
  const std::string name = fmt::format("kernel-prior-x{}", format_scale(scale));
  const std::string source = file.empty() ? name : file;
  if (file.empty() && !is_shipped(name)) {
    throw OptionError(
        fmt::format("no kernel prior for x{} comes with zsr; train one with 'zsr train kernel-prior' and name it with "
                    "--prior",
                    format_scale(scale)));
  }
  FlowPrior prior = FlowPrior::from_weights(load_or_shipped(source));
  if (static_cast<double>(prior.scale()) != scale.y || scale.y != scale.x) {
    throw OptionError(
        fmt::format("'{}' is a kernel prior for x{}, not for x{}", source, prior.scale(), format_scale(scale)));
  }
  return prior;
}

}  // namespace zsr::pipeline
