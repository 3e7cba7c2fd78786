#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

TEST(DamagedPhotos, AreRefusedUnlessTheyAreAccepted) {
  const TempDir dir;
  make_photo(dir / "a.jpg", 3, 48, 64);
  std::string bytes = read_bytes(dir / "a.jpg");
  bytes.replace(bytes.size() * 2 / 3, 2, "\xFF\xD9");
  write_bytes(dir / "a.jpg", bytes);
  const auto call = by_bicubic({"upscale", (dir / "a.jpg").string(), "-o", (dir / "o.png").string(), "--json", "-q"});
  const auto refused = run_zsr(call);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("--accept-damaged"), std::string::npos) << refused.err;
  EXPECT_FALSE(fs::exists(dir / "o.png"));
  std::vector<std::string> accepting = call;
  accepting.emplace_back("--accept-damaged");
  const auto accepted = run_zsr(accepting);
  EXPECT_EQ(accepted.code, 0) << accepted.err;
  EXPECT_NE(accepted.err.find("warning"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(read_bytes(dir / "o.png.zsr.json")).contains("accepted_damage"));
}

}  // namespace
}  // namespace zsr::test
