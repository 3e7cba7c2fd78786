#pragma once

#include "core/run_context.h"
#include "image/photo_codec.h"
#include "pipeline/method_run.h"
#include "pipeline/methods.h"
#include "pipeline/parameters/parameter_values.h"
#include "pipeline/request.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// What a parameter is read from.
struct Typed {
  const ParameterValues& values;
  const Method& method;
  const ReadLimits& limits;  ///< Of the images that parameters name.
};

/// A finished run, as its record sees it.
struct Run {
  const Request& asked;
  const Request& chosen;
  const PhotoFormation& formation;
  const MethodOutput& output;
  const RunContext& context;
};

/// One thing that a user can set. The flags of the command line, their help, the refusal of what a method cannot use
/// and the record's fields are all read from this row; a method of one's own brings rows of its own
/// (Method::parameters).
struct Parameter {
  std::string names;            ///< Of its flag: "tile", or with a letter "tile,t".
  std::string value;            ///< Name of its value, "PIXELS"; empty: a switch.
  std::string help;             ///< One sentence or two, without a full stop at the end.
  std::string shown_default;    ///< As --help shows it; empty: none.
  std::string group;            ///< Heading in --help.
  Setting setting{};            ///< Methods that have it can use the parameter.
  bool for_open_method = true;  ///< `zsr upscale`, which leaves the method open, has it.
  /// Reads the value into the request; called only where it was named, in the order of the table. Null: nothing to
  /// read; the value stands in Request::values. Throws OptionError, InputError, IoError.
  void (*take)(const Typed& typed, Request& request) = nullptr;

  /// Its name in records; empty: none of its own.
  std::string field;
  /// What the record says was given: null: the text as typed.
  nlohmann::json (*given)(const Run& run) = nullptr;
  /// What was chosen for the photo before the method ran. Null: what was used.
  nlohmann::json (*chosen)(const Run& run) = nullptr;
  /// What was used where the method's output does not say. Null: what was chosen, else what was given.
  nlohmann::json (*used)(const Run& run) = nullptr;

  /// The long name, "tile".
  std::string name() const { return names.substr(0, names.find(',')); }
};

/// The rows that every method draws from, in the order of --help. Those of methods of one's own are not among them.
const std::vector<Parameter>& parameters();
/// The rows that `method` can use, its own at the end.
std::vector<Parameter> parameters_of(const Method& method);

/// Reads what was named into `request`, whose method, scale and network are set; keeps the values too. Throws
/// OptionError, InputError, IoError.
void take_parameters(const ParameterValues& values, const Method& method, const ReadLimits& limits, Request& request);

/// Throws OptionError for the first that was named and that `method` cannot use. `chosen_by`: the flag that chose the
/// method, where the user did not name one; it is named in the message.
void refuse_unused(const ParameterValues& values, const Method& method, const std::string& chosen_by);
/// The same for one setting: throws where `method` has not got it. `flag` without dashes.
void refuse_unless_used(const std::string& flag, Setting setting, const Method& method, const std::string& chosen_by);

/// The first flag of `setting` that was named, "--strength"; empty when none. "off" is not counted.
std::string first_named(const ParameterValues& values, Setting setting);
/// Whether something was named that zero-shot learning has and the restoration has not, so that the restoration is not
/// what is wanted.
bool names_zero_shot(const ParameterValues& values);
/// Whether something was named that `method` cannot use.
bool names_more_than(const ParameterValues& values, const Method& method);

/// Whether the task that was named keeps the photo's size (deep image prior: denoise, jpeg, inpaint).
bool task_keeps_size(const ParameterValues& values, const Method& method);

template <typename Value>
nlohmann::json or_null(const std::optional<Value>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

// The rows by subject; parameters() joins them.
std::vector<Parameter> formation_parameters();
std::vector<Parameter> pass_parameters();
std::vector<Parameter> training_parameters();
std::vector<Parameter> zssr_parameters();
std::vector<Parameter> dip_parameters();
std::vector<Parameter> network_parameters();
std::vector<Parameter> restore_parameters();
std::vector<Parameter> file_parameters();

}  // namespace zsr::pipeline
