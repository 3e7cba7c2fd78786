#pragma once

#include <set>
#include <string>

namespace zsr {

/// Names ("module name") that a pickle of weights may call; all others are refused, since they could run any code.
const std::set<std::string>& allowed_globals();

}  // namespace zsr
