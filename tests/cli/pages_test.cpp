#include "image/pages.h"

#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;

std::vector<Photo> pictures(int64_t height, int64_t width) {
  std::vector<Photo> made(3);
  for (size_t i = 0; i < made.size(); ++i) made[i].color = texture(3, height, width, i + 1).to(torch::kFloat32);
  return made;
}

void write(const fs::path& path, const std::vector<Photo>& pages, const Sequence& sequence) {
  PageWriter writer({.format = format_from_name(path), .encode = {.quality = 100}}, sequence);
  for (const Photo& page : pages) writer.add(page);
  writer.save(path);
}

// What is printed beside the line about the result.
std::string error_of(const std::vector<std::string>& arguments, int code) {
  const auto result = run_zsr(by_bicubic(arguments));
  EXPECT_EQ(result.code, code) << result.err;
  const size_t summary = result.err.rfind(" -> ") == std::string::npos
                             ? result.err.size()
                             : result.err.rfind("\n", result.err.rfind(" -> ")) + 1;
  return result.err.substr(0, summary);
}

TEST(PagesCommand, AnimationIsEnlargedFrameByFrame) {
  const TempDir dir;
  write(dir / "a.webp", pictures(12, 10), {3, {40, 80, 120}, 2});
  const auto result = run_zsr(by_bicubic(
      {"upscale", (dir / "a.webp").string(), "-o", (dir / "b.png").string(), "--pages", "all", "-q", "--json"}));
  ASSERT_EQ(result.code, 0) << result.err;
  const Sequence sequence = read_photo_header(dir / "b.png").sequence;
  EXPECT_EQ(sequence.delays_ms, (std::vector<int>{40, 80, 120}));
  EXPECT_EQ(sequence.loops, 2);
  const auto record = nlohmann::json::parse(result.out);
  ASSERT_EQ(record["pages"].size(), 3);
  EXPECT_EQ(record["pages"][2]["page"], 3);
  // Each frame is what its picture alone becomes.
  PageReader before(dir / "a.webp");
  PageReader after(dir / "b.png");
  for (int64_t i = 0; i < 3; ++i) {
    save_photo(before.read(i), dir / "one.png", {.overwrite = Overwrite::kYes});
    ASSERT_EQ(error_of({"upscale", (dir / "one.png").string(), "-o", (dir / "two.png").string(), "--force", "-q"}, 0),
              "");
    EXPECT_LT(max_difference(after.read(i).color, load_photo(dir / "two.png").color), 1e-6) << i;
  }
}

TEST(PagesCommand, PagesOfADocumentOfDifferentSizes) {
  const TempDir dir;
  std::vector<Photo> pages = pictures(14, 11);
  pages[1].color = pages[1].color.slice(2, 0, 7).clone();
  write(dir / "a.tif", pages, {3, {}, 0});
  EXPECT_EQ(error_of({"upscale", (dir / "a.tif").string(), "--pages", "2-3", "-q", "-o", (dir / "b.tif").string()}, 0),
            "");
  PageReader reader(dir / "b.tif");
  ASSERT_EQ(reader.sequence().pages, 2);
  EXPECT_EQ(reader.read(0).color.size(2), 14);
  EXPECT_EQ(reader.read(1).color.size(2), 28);
  // One page is an ordinary photo; the first is used where nothing is said, with a warning.
  EXPECT_EQ(error_of({"upscale", (dir / "a.tif").string(), "--pages", "2", "-q", "-o", (dir / "c.jpg").string()}, 0),
            "");
  EXPECT_EQ(read_photo_header(dir / "c.jpg").height, 14);
  EXPECT_NE(error_of({"upscale", (dir / "a.tif").string(), "-q", "-o", (dir / "d.png").string()}, 0).find("3 pages"),
            std::string::npos);
}

TEST(PagesCommand, GifBecomesWebpOrAGifOnRequest) {
  const TempDir dir;
  if (!is_writable(ImageFormat::kGif)) {
    write(dir / "a.webp", pictures(12, 10), {3, {40, 80, 120}, 0});
    const auto call = std::vector<std::string>{"upscale", (dir / "a.webp").string(), "--pages", "all",
                                               "-o",      (dir / "b.gif").string()};
    EXPECT_NE(error_of(call, 2).find("cgif"), std::string::npos);
    return;
  }
  write(dir / "a.gif", pictures(12, 10), {3, {40, 80, 120}, 0});
  EXPECT_EQ(error_of({"upscale", (dir / "a.gif").string(), "--pages", "all", "-q"}, 0), "");
  EXPECT_EQ(read_photo_header(dir / "a_x2.webp").sequence.pages, 3);
  error_of({"upscale", (dir / "a.gif").string(), "--pages", "all", "-q", "-o", (dir / "b.gif").string()}, 0);
  EXPECT_EQ(read_photo_header(dir / "b.gif").sequence.delays_ms, (std::vector<int>{40, 80, 120}));
  EXPECT_NE(error_of({"upscale", (dir / "a.gif").string(), "-q"}, 0).find("3 frames"), std::string::npos);
  EXPECT_TRUE(fs::exists(dir / "a_x2.png"));
}

TEST(PagesCommand, WhatCannotBeIsSaidBeforeTheWork) {
  const TempDir dir;
  write(dir / "a.tif", pictures(8, 9), {3, {}, 0});
  const std::string photo = (dir / "a.tif").string();
  const auto call = [&](const std::string& pages, const std::string& output) {
    return std::vector<std::string>{"upscale", photo, "-o", (dir / output).string(), "-q", "--pages", pages};
  };
  EXPECT_NE(error_of(call("2-5", "b.tif"), 1).find("3 pages"), std::string::npos);
  EXPECT_NE(error_of(call("4", "b.tif"), 1).find("page 4"), std::string::npos);
  for (const char* const wrong : {"0", "3-1", "2,1", "x", "1-", "-1", "1,,2"}) {
    EXPECT_NE(error_of(call(wrong, "b.tif"), 2).find("--pages"), std::string::npos) << wrong;
  }
  EXPECT_NE(error_of(call("all", "b.jpg"), 2).find(".tif"), std::string::npos);
  EXPECT_NE(error_of(call("all", "b.webp"), 2).find("3 pages"), std::string::npos);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"a.tif"});
}

}  // namespace
}  // namespace zsr::test
