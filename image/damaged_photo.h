#pragma once

#include "core/error.h"

namespace zsr {

/// A photo file is damaged or cut off; what can be decoded of it is had by ReadLimits::accept_damaged.
class DamagedPhoto : public InputError {
 public:
  using InputError::InputError;
};

}  // namespace zsr
