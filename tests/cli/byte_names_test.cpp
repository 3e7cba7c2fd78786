#include "core/json_bytes.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

// A name that is no UTF-8: "caf\xE9" in Latin-1.
const std::string kLatin = "caf\xE9.png";

TEST(Names, BytesThatAreNoUtf8SurviveRecordsAndJson) {
  const TempDir dir;
  make_photo(dir / kLatin, 3, 8, 9);
  const auto result = run_zsr(by_bicubic({"upscale", (dir / kLatin).string(), "--json", "-q"}));
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = parse_json_text<nlohmann::json>(result.out);
  EXPECT_EQ(json["input"].get_ref<const std::string&>(), (dir / kLatin).string());
  const fs::path output = json["output"].get<std::string>();
  EXPECT_EQ(output, dir / "caf\xE9_x2.png");
  EXPECT_TRUE(fs::exists(output));
  const auto record = parse_json_text<nlohmann::json>(read_bytes(output.string() + ".zsr.json"));
  EXPECT_EQ(record["output"], output.string());
  const auto info = run_zsr({"info", (dir / kLatin).string(), "--json"});
  EXPECT_EQ(parse_json_text<nlohmann::json>(info.out)["file"], (dir / kLatin).string());
}

TEST(Names, BytesThatAreNoUtf8SurviveFoldersAndManifests) {
  const TempDir dir;
  fs::create_directories(dir / "in");
  make_photo(dir / "in" / kLatin, 3, 8, 9);
  const auto call = by_bicubic({"upscale", (dir / "in").string(), "-o", (dir / "out").string(), "--json"});
  const auto first = run_zsr(call);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_TRUE(fs::exists(dir / "out" / kLatin));
  EXPECT_EQ(parse_json_text<nlohmann::json>(first.out)["made"], 1);
  const auto second = run_zsr(call);
  EXPECT_EQ(parse_json_text<nlohmann::json>(second.out)["made_before"], 1) << second.out;
  EXPECT_EQ(run_zsr({"report", "merge", (dir / "out").string(), "--verify"}).code, 0);
  const auto eval = run_zsr({"eval", "-r", (dir / "out").string(), "-i", (dir / "out").string(), "--json"});
  EXPECT_EQ(parse_json_text<nlohmann::json>(eval.out)["images"][0]["name"], "caf\xE9");
}

}  // namespace
}  // namespace zsr::test
