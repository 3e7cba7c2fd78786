#include "core/error.h"
#include "degradations/recipe.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

namespace zsr {
namespace {

std::string recipe_error(const std::string& text) {
  const test::TempDir dir;
  test::write_bytes(dir / "r.json", text);
  try {
    load_recipe(dir / "r.json", {2.0, 2.0});
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RecipeFile, ErrorsNameTheLineAndTheField) {
  const auto expect = [](const std::string& text, std::initializer_list<const char*> parts) {
    const std::string message = recipe_error(text);
    for (const char* part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  expect("{\n\"steps\": [\n{\"op\": \"jpeg\",\n\"quality\": 140}]}", {"line 4", "'quality' is 140", "from 1 to 100"});
  expect("{\n\"steps\": [\n{\"op\": \"jpeg\",\n\n\"qualty\": 14}]}", {"line 5", "unknown field 'qualty'", "quality"});
  expect("{\"steps\": [\n\n{\"op\": \"jpg\"}]}", {"line 3", "unknown step 'jpg'", "jpeg"});
  expect("{\"steps\": [{\"op\": \"blur\", \"kernel\":\n{\"family\": \"round\"}}]}", {"line 2", "'family'", "gaussian"});
  expect("{\"steps\": [{\"op\": \"gaussian-noise\", \"level\":\n [9, 2]}]}", {"low <= high"});
  expect("{\"steps\": [{\"op\": \"resize\"}]}", {"\"factor\" or \"to_target\""});
  expect("{\"steps\": [],\n\"stpes\": 1}", {"line 2", "unknown field 'stpes'"});
  expect("{\"steps\": [\n", {"line 2", "not JSON"});
  expect("{\"steps\": 3}", {"'steps' is 3, must be a list"});
  expect("[]", {"object"});
  expect("{\"steps\": [{\"op\": \"jpeg\", \"quality\": 4,\n\"quality\": 5}]}", {"line 2", "twice"});
  expect("{\"steps\": [{\"op\": \"jpeg\", \"seed\": 4}]}", {"unknown field 'seed'"});
  expect("{\"steps\": [{\"op\": \"gaussian-noise\", \"seed\": 4}]}", {"seeds are drawn"});
  expect("{\"steps\": [{\"op\": \"jpeg\", \"probability\": 2}]}", {"'probability' is 2"});
  expect("{\"steps\": [{\"op\": \"blur\", \"kernel\": {\"family\": \"file\", \"file\": \"none.mat\"}}]}",
         {"is not a file"});
}

}  // namespace
}  // namespace zsr
