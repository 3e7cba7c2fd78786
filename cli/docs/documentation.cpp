#include "cli/docs/documentation.h"

#include "cli/command.h"
#include "cli/flags/options.h"
#include "cli/terminal/usage_error.h"
#include "cli/train/train_network.h"
#include "cli/version.h"
#include "core/files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

// What one --help has to tell.
struct Page {
  std::vector<std::string> words;  // after "zsr"
  std::string summary;
  std::string help, usage, description, examples;
  std::vector<OptionSet::Group> groups;
  bool takes_photos_alone = false;
};

Page page_of(std::vector<std::string> words, const std::string& summary) {
  Page page;
  page.words = words;
  page.summary = summary;
  OptionSet::observe_help([&](const OptionSet& options) {
    page.takes_photos_alone = options.takes_photos_alone();
    page.help = options.help();
    page.usage = options.usage();
    page.description = options.description();
    page.examples = options.examples();
    page.groups = options.groups();
  });
  words.emplace_back("--help");
  dispatch(words);
  OptionSet::observe_help(nullptr);
  return page;
}

// By command; those with verbs have a page for each.
std::map<std::string, std::vector<Page>> all_pages() {
  std::map<std::string, std::vector<std::string>> verbs = {
      {"kernel", {"make", "show", "convert", "compare"}}, {"report", {"merge"}}, {"train", trainable_networks()}};
  for (const TrainVerb& verb : train_verbs()) verbs["train"].emplace_back(verb.name);
  std::map<std::string, std::vector<Page>> pages;
  for (const Command& command : commands()) {
    const std::string name = command.name;
    if (name == "bench") continue;  // its flags are those of degrade
    if (name == "train" || verbs.count(name) == 0) pages[name].push_back(page_of({name}, command.summary));
    for (const std::string& verb : verbs[name]) pages[name].push_back(page_of({name, verb}, command.summary));
  }
  for (const std::string& method : method_commands()) {
    pages[method].push_back(page_of({method}, "Enlarge by a trained network: upscale -m " + method));
  }
  return pages;
}

// ---- help_texts.inc

std::string help_texts(const std::map<std::string, std::vector<Page>>& pages) {
  std::string text;
  const auto add = [&](const std::string& key, const std::string& help) {
    // Compilers limit the length of one literal.
    text += fmt::format("{{\"{}\",\n", key);
    for (size_t at = 0; at < help.size(); at += 4000) text += fmt::format("R\"zsr({})zsr\"\n", help.substr(at, 4000));
    text += "},\n";
  };
  add("", help_text());
  for (const auto& [name, list] : pages) {
    for (const Page& page : list) add(fmt::format("{}", fmt::join(page.words, " ")), page.help);
  }
  return text;
}

// ---- option_tables.inc

// See cli/launcher/early_errors.h.
std::string option_tables(const std::map<std::string, std::vector<Page>>& pages) {
  std::string text;
  const auto add = [&](const std::string& words, const std::string& flags, bool takes_photos_alone) {
    text += fmt::format("{{\"{}\", \"{}\", {}}},\n", words, flags, takes_photos_alone);
  };
  // In the order of unknown_command()'s candidates in the core.
  std::vector<std::string> order;
  for (const Command& command : commands()) order.emplace_back(command.name);
  for (const std::string& method : method_commands()) order.push_back(method);
  for (const std::string& name : order) {
    const auto found = pages.find(name);
    if (found == pages.end()) {
      add(name, "", false);
      continue;
    }
    for (const Page& page : found->second) {
      std::string flags;
      for (const OptionSet::Group& group : page.groups) {
        for (const OptionSet::Flag& flag : group.flags) {
          flags +=
              fmt::format("{}{}:{}{}", flags.empty() ? "" : " ", flag.name, flag.letter, flag.value.empty() ? "" : "=");
        }
      }
      add(fmt::format("{}", fmt::join(page.words, " ")), flags, page.takes_photos_alone);
    }
  }
  return text;
}

// ---- man

// Nothing in `text` is taken for a request or an escape.
std::string roff(const std::string& text) {
  std::string safe;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) safe += "\\&";
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else {
      safe += c;
    }
    line_begins = c == '\n';
  }
  return safe;
}

std::string man_section(const Page& page, bool several) {
  std::string text;
  if (several) text += fmt::format(".SH \"ZSR {}\"\n", roff(fmt::format("{}", fmt::join(page.words, " "))));
  text += several ? "" : ".SH SYNOPSIS\n";
  text += fmt::format(".B {}\n", roff(page.usage));
  if (!several) text += ".SH DESCRIPTION\n";
  if (several) text += ".PP\n";
  text += roff(page.description) + "\n";
  if (!several) text += ".SH OPTIONS\n";
  for (const OptionSet::Group& group : page.groups) {
    if (group.shown != OptionSet::Shown::kEverywhere) continue;
    text += fmt::format(".SS {}\n", roff(group.title));
    for (const OptionSet::Flag& flag : group.flags) {
      const std::string letter = flag.letter.empty() ? "" : fmt::format("\\fB\\-{}\\fR, ", roff(flag.letter));
      const std::string value = flag.value.empty() ? "" : fmt::format(" \\fI{}\\fR", roff(flag.value));
      text += fmt::format(".TP\n{}\\fB\\-\\-{}\\fR{}\n{}\n", letter, roff(flag.name), value, roff(flag.about));
    }
  }
  text += fmt::format("{}\n.nf\n{}.fi\n", several ? ".PP\nExamples:" : ".SH EXAMPLES", roff(page.examples));
  return text;
}

std::string man_page(const std::string& name, const std::vector<Page>& pages) {
  std::string text = fmt::format(".TH ZSR\\-{} 1 \"\" \"zsr {}\"\n.SH NAME\nzsr\\-{} \\- {}\n", roff(name), kVersion,
                                 roff(name), roff(pages.front().summary));
  for (const Page& page : pages) text += man_section(page, pages.size() > 1);
  return text + ".SH SEE ALSO\n.BR zsr (1)\n";
}

std::string man_overview(const std::map<std::string, std::vector<Page>>& pages) {
  std::string text = fmt::format(
      ".TH ZSR 1 \"\" \"zsr {}\"\n.SH NAME\nzsr \\- zero\\-shot and real\\-world image super\\-resolution\n"
      ".SH SYNOPSIS\n.B zsr\n.I COMMAND\n[\\fIARGUMENTS\\fR]\n.SH COMMANDS\n",
      kVersion);
  for (const Command& command : commands()) {
    text += fmt::format(".TP\n.BR zsr\\-{} (1)\n{}\n", roff(command.name), roff(command.summary));
  }
  text += fmt::format(".SH \"TRAINED NETWORKS\"\nEach is also a command: {}.\n",
                      roff(fmt::format("{}", fmt::join(method_commands(), ", "))));
  text +=
      ".SH \"EXIT STATUS\"\n0 all done, 1 some input failed, 2 usage, 130 interrupted and 143 terminated, the best "
      "result so far\nsaved.\n";
  text += ".SH \"SEE ALSO\"\n";
  for (const auto& [name, list] : pages) text += fmt::format(".BR zsr\\-{} (1)\n", roff(name));
  return text;
}

// ---- completions

std::string single_quoted(const std::string& text) {
  std::string safe = "'";
  for (const char c : text) safe += c == '\'' ? std::string("'\\''") : std::string(1, c == '\n' ? ' ' : c);
  return safe + "'";
}

std::vector<std::string> flags_of(const std::vector<Page>& pages) {
  std::vector<std::string> flags;
  for (const Page& page : pages) {
    for (const OptionSet::Group& group : page.groups) {
      if (group.shown == OptionSet::Shown::kNever) continue;
      for (const OptionSet::Flag& flag : group.flags) {
        const std::string name = "--" + flag.name;
        if (std::find(flags.begin(), flags.end(), name) == flags.end()) flags.push_back(name);
      }
    }
  }
  return flags;
}

std::vector<std::string> verbs_of(const std::vector<Page>& pages) {
  std::vector<std::string> verbs;
  for (const Page& page : pages) {
    if (page.words.size() > 1) verbs.push_back(page.words[1]);
  }
  return verbs;
}

std::string bash_completion(const std::map<std::string, std::vector<Page>>& pages) {
  std::string cases;
  std::vector<std::string> names;
  for (const auto& [name, list] : pages) {
    names.push_back(name);
    cases += fmt::format("    {}) flags={}; verbs={} ;;\n", name,
                         single_quoted(fmt::format("{}", fmt::join(flags_of(list), " "))),
                         single_quoted(fmt::format("{}", fmt::join(verbs_of(list), " "))));
  }
  return fmt::format(
      "# bash completion for zsr, made from its option tables\n"
      "_zsr() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} flags='' verbs=''\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W {} -- \"$word\")\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  if [[ $word == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$flags --help\" -- \"$word\")\n"
      "  elif [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$verbs\" ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$word\")\n"
      "  else\n"
      "    compopt -o filenames 2>/dev/null\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "  fi\n"
      "}}\n"
      "complete -F _zsr zsr\n",
      single_quoted(fmt::format("{}", fmt::join(names, " "))), cases);
}

std::string zsh_completion(const std::map<std::string, std::vector<Page>>& pages) {
  std::string names;
  std::string cases;
  for (const auto& [name, list] : pages) {
    std::string about = list.front().summary;
    for (char& c : about) c = c == ':' ? ' ' : c;
    names += fmt::format("    {}\n", single_quoted(name + ":" + about));
    cases += fmt::format("    {})\n      _arguments -S \\\n", name);
    std::vector<std::string> seen;
    for (const Page& page : list) {
      for (const OptionSet::Group& group : page.groups) {
        if (group.shown == OptionSet::Shown::kNever) continue;
        for (const OptionSet::Flag& flag : group.flags) {
          if (std::find(seen.begin(), seen.end(), flag.name) != seen.end()) continue;
          seen.push_back(flag.name);
          std::string text;
          for (const char c : flag.about) text += c == '[' || c == ']' || c == ':' ? ' ' : c;
          const std::string value = flag.value.empty() ? "" : fmt::format(":{}:_files", flag.value);
          cases += fmt::format(
              "        {} \\\n",
              single_quoted(fmt::format("--{}{}[{}]{}", flag.name, flag.value.empty() ? "" : "=", text, value)));
        }
      }
    }
    const auto verbs = verbs_of(list);
    if (!verbs.empty()) cases += fmt::format("        '1:verb:({})' \\\n", fmt::join(verbs, " "));
    cases += "        '*:file:_files'\n      ;;\n";
  }
  return fmt::format(
      "#compdef zsr\n# zsh completion for zsr, made from its option tables\n"
      "_zsr() {{\n  local -a names\n  names=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then\n    _describe command names\n    return\n  fi\n"
      "  local command=${{words[2]}}\n  shift words\n  (( CURRENT-- ))\n"
      "  case $command in\n{}  esac\n}}\n_zsr \"$@\"\n",
      names, cases);
}

std::string fish_completion(const std::map<std::string, std::vector<Page>>& pages) {
  std::string text = "# fish completion for zsr, made from its option tables\n";
  for (const auto& [name, list] : pages) {
    text += fmt::format("complete -c zsr -n __fish_use_subcommand -f -a {} -d {}\n", name,
                        single_quoted(list.front().summary));
    std::vector<std::string> seen;
    for (const Page& page : list) {
      if (page.words.size() > 1) {
        text += fmt::format("complete -c zsr -n '__fish_seen_subcommand_from {}' -a {}\n", name, page.words[1]);
      }
      for (const OptionSet::Group& group : page.groups) {
        if (group.shown == OptionSet::Shown::kNever) continue;
        for (const OptionSet::Flag& flag : group.flags) {
          if (std::find(seen.begin(), seen.end(), flag.name) != seen.end()) continue;
          seen.push_back(flag.name);
          text += fmt::format("complete -c zsr -n '__fish_seen_subcommand_from {}' -l {}{}{} -d {}\n", name, flag.name,
                              flag.letter.empty() ? "" : " -s " + flag.letter, flag.value.empty() ? "" : " -r",
                              single_quoted(flag.about));
        }
      }
    }
  }
  return text;
}

}  // namespace

int run_documentation(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw UsageError("documentation needs a folder");
  const fs::path folder = arguments[0];
  const auto pages = all_pages();
  fs::create_directories(folder / "man");
  fs::create_directories(folder / "completions");
  const auto write = [&](const fs::path& name, const std::string& text) {
    write_file_atomically(folder / name, text, Overwrite::kYes);
  };
  write("help_texts.inc", help_texts(pages));
  write("option_tables.inc", option_tables(pages));
  write("man/zsr.1", man_overview(pages));
  for (const auto& [name, list] : pages) write(fmt::format("man/zsr-{}.1", name), man_page(name, list));
  write("completions/zsr.bash", bash_completion(pages));
  write("completions/_zsr", zsh_completion(pages));
  write("completions/zsr.fish", fish_completion(pages));
  return kExitOk;
}

}  // namespace zsr::cli
