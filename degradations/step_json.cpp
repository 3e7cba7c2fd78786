#include "degradations/step_json.h"

#include "core/error.h"
#include "degradations/step_fields.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <set>

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
    const Json& field = at(name);
    if (!field.is_number()) fail(name, "a number");
    value = field.get<double>();
    if (!(value >= low && value <= high)) fail(name, fmt::format("from {:g} to {:g}", low, high));
  }
  void integer(const char* name, int64_t& value, int64_t low, int64_t high) override {
    const Json& field = at(name);
    if (!field.is_number_integer()) fail(name, "a whole number");
    value = field.get<int64_t>();
    if (value < low || value > high) fail(name, fmt::format("from {} to {}", low, high));
  }
  void choice(const char* name, int& value, std::span<const char* const> names) override {
    const Json& field = at(name);
    std::string all;
    for (size_t i = 0; i < names.size(); ++i) {
      if (field == names[i]) {
        value = static_cast<int>(i);
        return;
      }
      all += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
    }
    fail(name, "one of " + all);
  }
  void truth(const char* name, bool& value) override {
    if (!at(name).is_boolean()) fail(name, "true or false");
    value = at(name).get<bool>();
  }
  void seed(const char* name, uint64_t& value) override {
    if (!at(name).is_number_unsigned()) fail(name, "a whole number >= 0");
    value = at(name).get<uint64_t>();
  }
  void text(const char* name, std::string& value) override {
    if (!at(name).is_string()) fail(name, "a text");
    value = at(name).get<std::string>();
  }
  void covariance(const char* name, std::array<double, 9>& value, double) override {
    const Json& field = at(name);
    if (!field.is_array() || field.size() != 9) fail(name, "nine numbers");
    for (size_t i = 0; i < 9; ++i) {
      if (!field[i].is_number()) fail(name, "nine numbers");
      value[i] = field[i].get<double>();
    }
  }
  void kernel(const char* name, KernelSpec& value) override { value = kernel_from_json(at(name)); }

  void refuse_others(std::initializer_list<const char*> also) const {
    for (const auto& [key, value] : json_.items()) {
      const bool known = seen_.contains(key) || std::any_of(also.begin(), also.end(),
                                                            [&key = key](const char* other) { return key == other; });
      if (!known) throw InputError(fmt::format("unknown field '{}'", key));
    }
  }

 private:
  const Json& at(const char* name) {
    seen_.insert(name);
    const auto found = json_.find(name);
    if (found == json_.end()) throw InputError(fmt::format("field '{}' is missing", name));
    return *found;
  }
  [[noreturn]] void fail(const char* name, const std::string& rule) const {
    throw InputError(fmt::format("field '{}' is {}, must be {}", name, json_.at(name).dump(), rule));
  }

  const Json& json_;
  std::set<std::string> seen_;
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
  reader.refuse_others({});
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
  reader.refuse_others({"op"});
  return step;
}

std::vector<Step> steps_from_json(const Json& json) {
  if (!json.is_array()) throw InputError("steps must be a list");
  std::vector<Step> steps;
  for (const Json& step : json) steps.push_back(step_from_json(step));
  return steps;
}

}  // namespace zsr
