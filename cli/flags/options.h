#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace zsr::cli {

/// The flags of one command. Each is bound to a field, whose value at that moment is the default that --help shows:
/// defaults live once, in the option structs. No prefix guessing: `--se` is an error, not `--seed`.
class OptionSet {
 public:
  /// `usage`: "zsr upscale PHOTO [options]"; `description`: a few lines; `examples`: lines to copy.
  OptionSet(std::string usage, std::string description, std::string examples);
  ~OptionSet();

  /// Where the flags of a group are shown; all are taken.
  enum class Shown {
    kEverywhere,  ///< In --help, manual pages and completions.
    kCompletions,
    kNever,
  };
  /// Starts a headed group.
  void group(const std::string& title, Shown shown = Shown::kEverywhere);
  /// `names`: "scale,s". `value_name`: "FACTOR". The field keeps its value unless the flag is given.
  void add(const std::string& names, const std::string& value_name, const std::string& help, std::string* field);
  void add(const std::string& names, const std::string& value_name, const std::string& help, int64_t* field);
  void add(const std::string& names, const std::string& value_name, const std::string& help, double* field);
  /// Without a field: read by text().
  void add(const std::string& names, const std::string& value_name, const std::string& help);
  void flag(const std::string& names, const std::string& help);
  /// The field stays empty unless the flag is given; --help names no default.
  void add(const std::string& names, const std::string& value_name, const std::string& help,
           std::optional<int64_t>* field);
  void add(const std::string& names, const std::string& value_name, const std::string& help,
           std::optional<double>* field);
  /// A switch without a value.
  void flag(const std::string& names, const std::string& help, bool* field);
  /// Arguments without a flag; also reachable by `--name`.
  void positional(const std::string& name, const std::string& value_name, const std::string& help,
                  std::vector<std::string>* field);

  /// Says that a command does its work on photos alone: without an output or another flag.
  void set_takes_photos_alone(bool alone);
  bool takes_photos_alone() const;

  /// Reads `arguments`. False when --help was asked for and printed. Throws UsageError.
  bool parse(const std::vector<std::string>& arguments);
  /// True when the flag of this long name was given.
  bool given(const std::string& name) const;
  /// The value as typed of the flag of this long name; empty when it was not given.
  std::string text(const std::string& name) const;
  /// Whether the flag of this long name has no value.
  bool is_switch(const std::string& name) const;
  /// What was given, as words that give it again: "--name" or "--name=value"; positionals and `without` left out.
  std::vector<std::string> words(const std::set<std::string>& without) const;
  /// What --help prints.
  std::string help() const;
  /// Long names of all flags.
  std::vector<std::string> names() const;

  /// The table behind --help, for man pages and completions.
  struct Flag {
    std::string name;    ///< Long, without dashes.
    std::string letter;  ///< Or empty.
    std::string value;   ///< Name of its value; empty for switches.
    std::string about;
    bool positional = false;
  };
  struct Group {
    std::string title;
    std::vector<Flag> flags;
    Shown shown = Shown::kEverywhere;
  };
  std::vector<Group> groups() const;
  const std::string& usage() const;
  const std::string& description() const;
  const std::string& examples() const;
  /// While `see` is set, --help goes to it instead of being printed. Null: printed again.
  static void observe_help(std::function<void(const OptionSet&)> see);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace zsr::cli
