#include "datasets/image_folder.h"

#include "core/error.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>

namespace zsr {
namespace {

using test::TempDir;
using test::write_bytes;

TEST(ListImages, SortedImagesOnly) {
  const TempDir dir;
  for (const char* name : {"b.png", "a.JPG", ".hidden.png", "notes.txt", "Thumbs.db"}) write_bytes(dir / name, "x");
  std::filesystem::create_directory(dir / "sub");
  write_bytes(dir / "sub/c.tif", "x");
  int64_t skipped = 0;
  const auto flat = list_images(dir.path(), false, &skipped);
  ASSERT_EQ(flat.size(), 2U);
  EXPECT_EQ(flat[0].filename(), "a.JPG");
  EXPECT_EQ(skipped, 3);
  EXPECT_EQ(list_images(dir.path(), true).size(), 3U);
  EXPECT_THROW(list_images(dir / "missing"), IoError);
}

TEST(ListImages, CameraRawFilesWhereTheyAreWanted) {
  const TempDir dir;
  for (const char* name : {"a.dng", "b.NEF", "c.png", "d.raf.txt", ".e.dng"}) write_bytes(dir / name, "x");
  int64_t skipped = 0;
  const auto names = [&](FolderFiles files) {
    std::vector<std::string> found;
    for (const auto& path : list_images(dir.path(), false, &skipped, files)) found.push_back(path.filename().string());
    return found;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(FolderFiles::kImages), Names{"c.png"});
  EXPECT_EQ(skipped, 4);
  EXPECT_EQ(names(FolderFiles::kCameraRaw), (Names{"a.dng", "b.NEF"}));
  EXPECT_EQ(skipped, 3);
  EXPECT_EQ(names(FolderFiles::kImagesAndRaw), (Names{"a.dng", "b.NEF", "c.png"}));
  EXPECT_EQ(skipped, 2);
}

TEST(PairByName, StemsAndScaleSuffixes) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "ref");
  std::filesystem::create_directories(dir / "res");
  for (const char* name : {"ref/baby.png", "ref/bird_x2.png", "res/baby_x2.jpg", "res/bird_x2.png"})
    write_bytes(dir / name, "x");
  const auto pairs = pair_by_name(dir / "res", dir / "ref");
  ASSERT_EQ(pairs.size(), 2U);
  EXPECT_EQ(pairs[0].reference.filename(), "baby.png");
  EXPECT_EQ(pairs[1].reference.filename(), "bird_x2.png");
}

TEST(PairByName, OddOnesAreNamed) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "ref");
  std::filesystem::create_directories(dir / "res");
  write_bytes(dir / "ref/a.png", "x");
  write_bytes(dir / "res/b.png", "x");
  try {
    pair_by_name(dir / "res", dir / "ref");
    FAIL() << "paired a with b";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("b.png"), std::string::npos);
  }
  write_bytes(dir / "res/a.png", "x");
  std::filesystem::remove(dir / "res/b.png");
  write_bytes(dir / "ref/c.png", "x");
  EXPECT_THROW(pair_by_name(dir / "res", dir / "ref"), InputError);  // a reference without its result
  EXPECT_THROW(pair_by_name(dir / "res/a.png", dir / "ref"), InputError);
}

TEST(PairByName, NamesTwoFilesOfOneStem) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "ref");
  std::filesystem::create_directories(dir / "res");
  for (const char* name : {"ref/x.png", "res/x.png", "res/x.jpg"}) write_bytes(dir / name, "x");
  const auto message = [&] {
    try {
      pair_by_name(dir / "res", dir / "ref");
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message().find("'x.jpg' and 'x.png'"), std::string::npos) << message();
  std::filesystem::remove(dir / "res/x.jpg");
  EXPECT_EQ(message(), "");
  write_bytes(dir / "ref/x.tif", "x");
  EXPECT_NE(message().find("'x.png' and 'x.tif'"), std::string::npos) << message();
}

}  // namespace
}  // namespace zsr
