#pragma once

#include <cstdint>

namespace zsr::nn {

/// A visitor of std::visit, made of one function for each type.
template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

/// Pixels that `length` lacks to the next multiple.
inline int64_t missing_to(int64_t length, int64_t multiple) {
  return (multiple - length % multiple) % multiple;
}

}  // namespace zsr::nn
