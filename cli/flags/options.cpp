#include "cli/flags/options.h"

#include "cli/closest.h"
#include "cli/terminal/usage_error.h"

#include <boost/program_options.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace zsr::cli {

namespace po = boost::program_options;

namespace {

std::function<void(const OptionSet&)>& help_observer() {
  static std::function<void(const OptionSet&)> observer;
  return observer;
}

}  // namespace

struct OptionSet::State {
  std::string usage;
  std::string description;
  std::string examples;
  std::vector<std::unique_ptr<po::options_description>> groups;
  std::vector<Shown> shown;
  std::set<std::string> switches;
  std::vector<std::string> titles;
  std::string positional;
  bool takes_photos_alone = false;
  po::options_description hidden;
  po::positional_options_description positionals;
  po::variables_map values;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::vector<std::string>>> given;

  po::options_description& current() {
    if (groups.empty()) start_group("Options");
    return *groups.back();
  }

  void start_group(const std::string& title, Shown where = Shown::kEverywhere) {
    shown.push_back(where);
    groups.push_back(std::make_unique<po::options_description>(title, 110, 60));
    titles.push_back(title);
  }

  template <typename Value>
  void add(const std::string& flag, const std::string& value_name, const std::string& help, Value* field) {
    auto* semantic = po::value<Value>(field)->value_name(value_name);
    std::string text = help;
    if constexpr (std::is_same_v<Value, std::string>) {
      if (!field->empty()) text += fmt::format(" [{}]", *field);
    } else {
      text += fmt::format(" [{}]", *field);
    }
    current().add_options()(flag.c_str(), semantic, text.c_str());
    remember(flag);
  }

  template <typename Value>
  void add_optional(const std::string& flag, const std::string& value_name, const std::string& help,
                    std::optional<Value>* field) {
    auto* semantic = po::value<Value>()->value_name(value_name)->notifier([field](const Value& v) { *field = v; });
    current().add_options()(flag.c_str(), semantic, help.c_str());
    remember(flag);
  }

  // Two flags of one name would only show up as "ambiguous" when somebody uses them.
  void remember(const std::string& flag) {
    const std::string name = flag.substr(0, flag.find(','));
    if (std::find(names.begin(), names.end(), name) != names.end()) throw std::logic_error("flag --" + name + " twice");
    names.push_back(name);
  }

  po::options_description all() const {
    po::options_description result;
    for (const auto& entry : groups) result.add(*entry);
    result.add(hidden);
    return result;
  }
};

OptionSet::OptionSet(std::string usage, std::string description, std::string examples)
    : state_(std::make_unique<State>()) {
  state_->usage = std::move(usage);
  state_->description = std::move(description);
  state_->examples = std::move(examples);
  state_->hidden.add_options()("help,h", "Show this text");
}

OptionSet::~OptionSet() = default;

void OptionSet::group(const std::string& title, Shown shown) {
  state_->start_group(title, shown);
}

void OptionSet::add(const std::string& names, const std::string& value_name, const std::string& help,
                    std::string* field) {
  state_->add(names, value_name, help, field);
}
void OptionSet::add(const std::string& names, const std::string& value_name, const std::string& help, int64_t* field) {
  state_->add(names, value_name, help, field);
}
void OptionSet::add(const std::string& names, const std::string& value_name, const std::string& help, double* field) {
  state_->add(names, value_name, help, field);
}

void OptionSet::add(const std::string& names, const std::string& value_name, const std::string& help,
                    std::optional<int64_t>* field) {
  state_->add_optional(names, value_name, help, field);
}
void OptionSet::add(const std::string& names, const std::string& value_name, const std::string& help,
                    std::optional<double>* field) {
  state_->add_optional(names, value_name, help, field);
}

void OptionSet::add(const std::string& names, const std::string& value_name, const std::string& help) {
  state_->current().add_options()(names.c_str(), po::value<std::string>()->value_name(value_name), help.c_str());
  state_->remember(names);
}

void OptionSet::flag(const std::string& names, const std::string& help, bool* field) {
  state_->current().add_options()(names.c_str(), po::bool_switch(field), help.c_str());
  state_->remember(names);
  state_->switches.insert(names.substr(0, names.find(',')));
}

void OptionSet::flag(const std::string& names, const std::string& help) {
  flag(names, help, nullptr);
}

void OptionSet::positional(const std::string& name, const std::string& value_name, const std::string& help,
                           std::vector<std::string>* field) {
  state_->current().add_options()(name.c_str(), po::value<std::vector<std::string>>(field)->value_name(value_name),
                                  help.c_str());
  const std::string long_name = name.substr(0, name.find(','));
  state_->positionals.add(long_name.c_str(), -1);
  state_->positional = long_name;
  state_->remember(long_name);
}

void OptionSet::set_takes_photos_alone(bool alone) {
  state_->takes_photos_alone = alone;
}

bool OptionSet::takes_photos_alone() const {
  return state_->takes_photos_alone;
}

bool OptionSet::parse(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help" || argument == "-h") {
      if (help_observer()) {
        help_observer()(*this);
      } else {
        fmt::print("{}", help());
      }
      return false;
    }
  }
  const po::options_description all = state_->all();
  const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  try {
    const po::parsed_options parsed =
        po::command_line_parser(arguments).options(all).positional(state_->positionals).style(style).run();
    po::store(parsed, state_->values);
    state_->given.clear();
    for (const po::option& option : parsed.options) {
      if (option.position_key < 0) state_->given.emplace_back(option.string_key, option.value);
    }
    po::notify(state_->values);
  } catch (const po::unknown_option& error) {
    const std::string flag = error.get_option_name();
    throw UsageError(fmt::format("unknown option '{}'{}", flag, option_guess(flag, state_->names)));
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  return true;
}

bool OptionSet::given(const std::string& name) const {
  return state_->values.count(name) > 0 && !state_->values[name].defaulted();
}

std::string OptionSet::text(const std::string& name) const {
  for (const auto& [given_name, values] : state_->given) {
    if (given_name == name && !values.empty()) return values.back();
  }
  return "";
}

bool OptionSet::is_switch(const std::string& name) const {
  return state_->switches.contains(name);
}

std::vector<std::string> OptionSet::words(const std::set<std::string>& without) const {
  std::vector<std::string> words;
  for (const auto& [name, values] : state_->given) {
    if (without.count(name) > 0) continue;
    if (values.empty()) words.push_back("--" + name);
    for (const std::string& value : values) words.push_back(fmt::format("--{}={}", name, value));
  }
  return words;
}

std::string OptionSet::help() const {
  std::ostringstream text;
  text << "Usage: " << state_->usage << "\n\n" << state_->description << "\n";
  for (size_t i = 0; i < state_->groups.size(); ++i) {
    if (state_->shown[i] == Shown::kEverywhere) text << "\n" << *state_->groups[i];
  }
  text << "\nExamples:\n" << state_->examples;
  return text.str();
}

std::vector<std::string> OptionSet::names() const {
  return state_->names;
}

std::vector<OptionSet::Group> OptionSet::groups() const {
  std::vector<Group> groups;
  for (size_t i = 0; i < state_->groups.size(); ++i) {
    Group group{state_->titles[i], {}, state_->shown[i]};
    for (const auto& option : state_->groups[i]->options()) {
      // Short ones are reported as "-s", long ones as "scale".
      const std::string shown = option->canonical_display_name(po::command_line_style::allow_dash_for_short);
      Flag flag{option->long_name(),
                shown.size() == 2 && shown[0] == '-' ? shown.substr(1) : "",
                {},
                option->description(),
                option->long_name() == state_->positional};
      if (option->semantic()->max_tokens() > 0) flag.value = option->format_parameter();
      group.flags.push_back(std::move(flag));
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

const std::string& OptionSet::usage() const {
  return state_->usage;
}

const std::string& OptionSet::description() const {
  return state_->description;
}

const std::string& OptionSet::examples() const {
  return state_->examples;
}

void OptionSet::observe_help(std::function<void(const OptionSet&)> see) {
  help_observer() = std::move(see);
}

}  // namespace zsr::cli
