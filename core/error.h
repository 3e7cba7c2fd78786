#pragma once

#include <stdexcept>
#include <string>

namespace zsr {

/// Base of everything the libraries throw on purpose. `what()` is one line for the user: it names the file or field,
/// the cause and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An option has a value it may not have ("max_steps = 0, must be > 0").
class OptionError : public Error {
 public:
  using Error::Error;
};

/// A file holds something that cannot be used: damaged, of an unknown format, too large, of the wrong shape.
class InputError : public Error {
 public:
  using Error::Error;
};

/// The system refused to read or write: missing file, no permission, disk full.
class IoError : public Error {
 public:
  using Error::Error;
};

/// The progress callback answered `ProgressAction::kAbort`.
class Cancelled : public Error {
 public:
  using Error::Error;
};

/// Text of the system error `code` (an errno value), e.g. "No space left on device".
std::string system_error_text(int code);

}  // namespace zsr
