#pragma once

#include <string>

namespace zsr::cli {

/// An exception as it is reported.
struct Failure {
  int code = 1;          ///< Exit code.
  std::string message;   ///< One line.
  bool passing = false;  ///< Nothing that is wrong with the photo: a wrong flag, a full disk, an output in the way.
};

/// Of the exception that is being handled; call it inside a catch block.
Failure current_failure();

}  // namespace zsr::cli
