#include "core/color_space.h"

#include "core/error.h"

#include <fmt/format.h>

namespace zsr {

ColorSpace color_space_from_name(const std::string& name) {
  if (name == "srgb") return ColorSpace::kSrgb;
  if (name == "display-p3") return ColorSpace::kDisplayP3;
  if (name == "linear") return ColorSpace::kLinearSrgb;
  throw OptionError(fmt::format("colour space '{}' must be srgb, display-p3 or linear", name));
}

}  // namespace zsr
