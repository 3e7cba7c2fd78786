#include "core/error.h"

#include <system_error>

namespace zsr {

std::string system_error_text(int code) {
  return std::generic_category().message(code);
}

}  // namespace zsr
