#include "degradations/step_json.h"

#include "core/error.h"
#include "core/strict_json.h"
#include "degradations/step_fields.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

class Writer : public FieldVisitor {
 public:
  explicit Writer(Json& json) : json_(json) {}
  void number(const char* name, double& value, double, double) override { json_[name] = value; }
  void integer(const char* name, int64_t& value, int64_t, int64_t) override { json_[name] = value; }
  void choice(const char* name, int& value, std::span<const char* const> names) override {
    json_[name] = names[static_cast<size_t>(value)];
  }
  void truth(const char* name, bool& value) override { json_[name] = value; }
  void seed(const char* name, uint64_t& value) override { json_[name] = value; }
  void text(const char* name, std::string& value) override { json_[name] = value; }
  void covariance(const char* name, std::array<double, 9>& value, double) override { json_[name] = value; }
  void kernel(const char* name, KernelSpec& value) override { json_[name] = to_json(value); }

 private:
  Json& json_;
};

class Reader : public FieldVisitor {
 public:
  explicit Reader(const Json& json) : json_(json) {
    if (!json.is_object()) throw InputError(fmt::format("'{}' is not a JSON object", json.dump()));
  }
  void number(const char* name, double& value, double low, double high) override {
    value = json_number(at(name), name, low, high);
  }
  void integer(const char* name, int64_t& value, int64_t low, int64_t high) override {
    value = json_whole(at(name), name, low, high);
  }
  void choice(const char* name, int& value, std::span<const char* const> names) override {
    value = static_cast<int>(json_choice(at(name), name, names));
  }
  void truth(const char* name, bool& value) override { value = json_truth(at(name), name); }
  void seed(const char* name, uint64_t& value) override {
    const Json& field = at(name);
    if (!field.is_number_unsigned()) throw EntryError(name, field, "a whole number >= 0");
    value = field.get<uint64_t>();
  }
  void text(const char* name, std::string& value) override { value = json_text_value(at(name), name); }
  void covariance(const char* name, std::array<double, 9>& value, double) override {
    const Json& field = json_list(at(name), name, value.size());
    for (size_t i = 0; i < value.size(); ++i) value[i] = json_number(field[i], name);
  }
  void kernel(const char* name, KernelSpec& value) override { value = kernel_from_json(at(name)); }

  // `also`: an entry that is no field, or empty.
  void refuse_others(const std::string& also) {
    if (!also.empty()) seen_.push_back(also);
    check_entries(json_, seen_);
  }

 private:
  const Json& at(const char* name) {
    seen_.emplace_back(name);
    return json_entry(json_, name);
  }

  const Json& json_;
  std::vector<std::string> seen_;
};

}  // namespace

Json to_json(const KernelSpec& spec) {
  Json json = Json::object();
  Writer writer(json);
  KernelSpec copy = spec;
  visit_fields(copy, writer);
  return json;
}

Json to_json(const Step& step) {
  Json json = Json::object();
  json["op"] = step_name(step);
  Writer writer(json);
  Step copy = step;
  visit_fields(copy, writer);
  return json;
}

Json to_json(const std::vector<Step>& steps) {
  Json json = Json::array();
  for (const Step& step : steps) json.push_back(to_json(step));
  return json;
}

KernelSpec kernel_from_json(const Json& json) {
  KernelSpec spec;
  Reader reader(json);
  visit_fields(spec, reader);
  reader.refuse_others("");
  return spec;
}

namespace {

Step step_named(const std::string& name) {
  try {
    return make_step(name);
  } catch (const OptionError& error) {
    throw InputError(error.what());  // the name stands in a file
  }
}

}  // namespace

Step step_from_json(const Json& json) {
  if (!json.is_object() || !json.contains("op") || !json["op"].is_string()) {
    throw InputError(fmt::format("a step must be an object with \"op\", not {}", json.dump()));
  }
  Step step = step_named(json["op"].get<std::string>());
  Reader reader(json);
  visit_fields(step, reader);
  reader.refuse_others("op");
  return step;
}

std::vector<Step> steps_from_json(const Json& json) {
  if (!json.is_array()) throw InputError("steps must be a list");
  std::vector<Step> steps;
  for (const Json& step : json) steps.push_back(step_from_json(step));
  return steps;
}

}  // namespace zsr
