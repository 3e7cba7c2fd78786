#pragma once

#include "degradations/step.h"

#include <span>
#include <string>
#include <vector>

namespace zsr {

/// Someone who walks over the fields of a step: writing them, reading them, or drawing them from ranges. One
/// description per step (visit_fields) serves all three, so that what can be written can be read.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void number(const char* name, double& value, double low, double high) = 0;
  virtual void integer(const char* name, int64_t& value, int64_t low, int64_t high) = 0;
  /// `value` is an index into `names`.
  virtual void choice(const char* name, int& value, std::span<const char* const> names) = 0;
  virtual void truth(const char* name, bool& value) = 0;
  virtual void seed(const char* name, uint64_t& value) = 0;
  virtual void text(const char* name, std::string& value) = 0;
  /// 3 x 3, row by row; of noise with standard deviation around `level`.
  virtual void covariance(const char* name, std::array<double, 9>& value, double level) = 0;
  virtual void kernel(const char* name, KernelSpec& value) = 0;
};

void visit_fields(Step& step, FieldVisitor& visitor);
void visit_fields(KernelSpec& spec, FieldVisitor& visitor);

/// "blur", "resize", "subsample", "gaussian-noise", "speckle", "poisson-noise", "camera-noise", "jpeg", "webp",
/// "sharpen", "round", "grain", "mosaic", "learned".
std::span<const char* const> step_names();
std::string step_name(const Step& step);
/// A step of that name with its default values. Throws OptionError for other names.
Step make_step(const std::string& name);

/// "gaussian", "generalized", "plateau", "sinc", "disk", "line", "shake", "bicubic", "div2krk", "file".
std::span<const char* const> kernel_family_names();

}  // namespace zsr
