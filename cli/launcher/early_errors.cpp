#include "cli/launcher/early_errors.h"

#include "cli/closest.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>

namespace zsr::cli {
namespace {

struct Flag {
  std::string name;
  std::string letter;
  bool takes_value = false;
};

std::vector<Flag> flags_of(const OptionTable& table) {
  std::vector<Flag> flags;
  for (size_t at = 0; at < table.flags.size();) {
    const size_t end = std::min(table.flags.find(' ', at), table.flags.size());
    const std::string_view entry = table.flags.substr(at, end - at);
    const size_t colon = entry.find(':');
    const bool takes_value = entry.back() == '=';
    flags.push_back({std::string(entry.substr(0, colon)),
                     std::string(entry.substr(colon + 1, entry.size() - colon - 1 - (takes_value ? 1 : 0))),
                     takes_value});
    at = end + 1;
  }
  return flags;
}

// Not shown in help: what the build and a batch call.
bool is_internal(std::string_view command) {
  return command == "documentation" || command == "worker";
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What the words after the command say, as far as it is known here.
struct Reading {
  std::vector<std::string> positionals;
  std::vector<std::string> given;  // long names
  std::string scale;
  std::optional<EarlyError> error;
  bool is_sure = true;
};

Reading read(const std::vector<std::string_view>& words, size_t first, const std::vector<Flag>& flags) {
  Reading reading;
  for (size_t i = first; i < words.size(); ++i) {
    const std::string word(words[i]);
    if (word.size() < 2 || word[0] != '-') {
      reading.positionals.push_back(word);
      continue;
    }
    const bool is_long = word[1] == '-';
    const size_t equals = is_long ? word.find('=') : std::string::npos;
    const std::string name = is_long ? word.substr(2, equals - 2) : word.substr(1);
    // "--" and "-9" and "-s2" are left to the whole program.
    if (name.empty() || (!is_long && (name.size() > 1 || !is_letter(name[0])))) {
      reading.is_sure = false;
      return reading;
    }
    const auto flag = std::find_if(flags.begin(), flags.end(),
                                   [&](const Flag& known) { return name == (is_long ? known.name : known.letter); });
    if (flag == flags.end()) {
      std::vector<std::string> names;
      for (const Flag& known : flags) names.push_back(known.name);
      reading.error = EarlyError{"unknown option '" + word + "'" + option_guess(word, names)};
      return reading;
    }
    reading.given.push_back(flag->name);
    if (!flag->takes_value || equals != std::string::npos) continue;
    if (i + 1 == words.size()) {
      reading.error = EarlyError{"the required argument for option '--" + flag->name + "' is missing"};
      return reading;
    }
    ++i;
    if (flag->name == "scale") reading.scale = words[i];
  }
  return reading;
}

}  // namespace

std::optional<EarlyError> find_early_error(const std::vector<std::string_view>& words,
                                           const std::vector<OptionTable>& tables) {
  // Help wins over every mistake.
  const bool wants_help =
      std::any_of(words.begin(), words.end(), [](std::string_view word) { return word == "--help" || word == "-h"; });
  if (words.empty() || wants_help || is_internal(words[0])) return std::nullopt;
  const std::string command(words[0]);
  const OptionTable* table = nullptr;
  bool has_verbs = false;
  std::vector<std::string> names;
  size_t first = 1;
  for (const OptionTable& entry : tables) {
    const std::string_view name = entry.words.substr(0, entry.words.find(' '));
    names.emplace_back(name);
    if (name != command) continue;
    has_verbs = has_verbs || name != entry.words;
    if (entry.words == command && first == 1) table = &entry;
    if (words.size() > 1 && entry.words == command + " " + std::string(words[1])) {
      table = &entry;
      first = 2;
    }
  }
  if (std::find(names.begin(), names.end(), command) == names.end()) return EarlyError{unknown_command(command, names)};
  if (table == nullptr || table->flags.empty() || (has_verbs && first == 1)) return std::nullopt;

  const Reading reading = read(words, first, flags_of(*table));
  if (reading.error) return reading.error;
  const bool is_plain = reading.is_sure && reading.positionals.size() == 1 &&
                        std::all_of(reading.given.begin(), reading.given.end(),
                                    [](const std::string& name) { return name == "scale"; }) &&
                        (reading.scale.empty() || reading.scale == "2" || reading.scale == "3" || reading.scale == "4");
  if (table->takes_photos_alone && is_plain && reading.positionals[0] != "-") {
    struct stat status = {};
    if (stat(reading.positionals[0].c_str(), &status) != 0 && errno == ENOENT) {
      return EarlyError{"cannot read photo '" + reading.positionals[0] + "': " + std::strerror(ENOENT), 1};
    }
  }
  return std::nullopt;
}

}  // namespace zsr::cli
