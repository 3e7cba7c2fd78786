#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;
using Tables = std::map<std::string, std::set<std::string>>;

// The long flags of every command, from the program's own tables: {"kernel make", "sigma:= size:s= ..."},
Tables flag_tables() {
  const TempDir dir;
  EXPECT_EQ(run_zsr({"documentation", dir.path().string()}).code, 0);
  const std::string text = read_bytes(dir / "option_tables.inc");
  const std::regex row("\\{\"([^\"]*)\", \"([^\"]*)\"");
  Tables tables;
  for (std::sregex_iterator found(text.begin(), text.end(), row), end; found != end; ++found) {
    std::istringstream flags((*found)[2].str());
    for (std::string flag; flags >> flag;) tables[(*found)[1].str()].insert(flag.substr(0, flag.find(':')));
  }
  for (auto& [command, flags] : tables) flags.insert("help");
  tables["train"].insert("list");  // answered before any table is read
  return tables;
}

std::vector<std::string> flags_in(const std::string& text) {
  static const std::regex flag("(^|[^A-Za-z0-9-])--([a-z][a-z0-9-]*)");
  std::vector<std::string> names;
  for (std::sregex_iterator found(text.begin(), text.end(), flag), end; found != end; ++found) {
    names.push_back((*found)[2].str());
  }
  return names;
}

// What a line of Markdown shows as code: an indented line without its remark, or what stands between backticks.
std::vector<std::string> code_of(const std::string& line) {
  if (line.starts_with("    ")) return {line.substr(0, line.find(" # "))};
  std::vector<std::string> spans;
  std::istringstream parts(line);
  std::string part;
  for (bool code = false; std::getline(parts, part, '`'); code = !code) {
    if (code) spans.push_back(part);
  }
  return spans;
}

// Flags of `code` that no command has, or that the command named before them has not: "train --lst".
std::vector<std::string> unknown_flags(const std::string& code, const Tables& tables) {
  std::vector<std::string> unknown;
  if (code.starts_with("--")) {
    for (const std::string& flag : flags_in(code)) {
      const auto has = [&](const auto& table) { return table.second.contains(flag); };
      if (std::none_of(tables.begin(), tables.end(), has)) unknown.push_back("--" + flag);
    }
  }
  static const std::regex call("(^|[^A-Za-z0-9_:-])zsr ([a-z][^;|&]*)");
  for (std::sregex_iterator found(code.begin(), code.end(), call), end; found != end; ++found) {
    const std::string words = (*found)[2].str();
    std::istringstream in(words);
    std::string command, second;
    in >> command >> second;
    if (tables.contains(command + " " + second)) command += " " + second;
    const auto table = tables.find(command);
    if (table == tables.end()) continue;
    for (const std::string& flag : flags_in(words)) {
      if (!table->second.contains(flag)) unknown.push_back(command + " --" + flag);
    }
  }
  return unknown;
}

TEST(DocumentedFlags, UnknownOnesAreFound) {
  const Tables tables = flag_tables();
  ASSERT_GT(tables.size(), 40U);
  using List = std::vector<std::string>;
  EXPECT_EQ(unknown_flags("--width", tables), List{});
  EXPECT_EQ(unknown_flags("--fit --width", tables), List{"--fit"});
  EXPECT_EQ(unknown_flags("    zsr upscale a.png --scael 2 --force", tables), List{"upscale --scael"});
  EXPECT_EQ(unknown_flags("sbatch --array=0-15 --wrap 'zsr kernel make --sgma 1'", tables), List{"kernel make --sgma"});
  EXPECT_EQ(code_of("by `--fit` or `--width`, not `x`"), (List{"--fit", "--width", "x"}));
  EXPECT_EQ(code_of("    zsr info a.png # --no-flag"), List{"    zsr info a.png"});
}

// README, the change log, docs/ and the pages of the folders.
TEST(DocumentedFlags, EveryOneOfThePagesExists) {
  const Tables tables = flag_tables();
  const fs::path source = ZSR_SOURCE_DIR;
  int pages = 0;
  std::vector<fs::path> folders{source};
  for (const auto& entry : fs::directory_iterator(source)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && name != "build" && !name.starts_with(".")) folders.push_back(entry.path());
  }
  for (const fs::path& folder : folders) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() != ".md") continue;
      ++pages;
      std::istringstream lines(read_bytes(entry.path()));
      int64_t number = 0;
      for (std::string line; std::getline(lines, line);) {
        ++number;
        for (const std::string& code : code_of(line)) {
          for (const std::string& flag : unknown_flags(code, tables)) {
            ADD_FAILURE() << entry.path().string() << ':' << number << ": no such flag: " << flag;
          }
        }
      }
    }
  }
  EXPECT_GT(pages, 20);
}

}  // namespace
}  // namespace zsr::test
