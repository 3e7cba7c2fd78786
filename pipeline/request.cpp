#include "pipeline/request.h"

#include "pipeline/methods.h"
#include "pipeline/trained.h"

namespace zsr::pipeline {

bool Request::gives_hdr() const {
  return trained != nullptr && trained->gives_hdr();
}

std::string phase_name(const std::optional<Phase>& phase) {
  if (!phase) return "center";
  return phase->y == 0.0 && phase->x == 0.0 ? "corner" : "kernel";
}

std::string first_method(const Request& request) {
  if (request.trained) return request.trained->method;
  return request.method == "auto" ? default_method().name : request.method;
}

}  // namespace zsr::pipeline
