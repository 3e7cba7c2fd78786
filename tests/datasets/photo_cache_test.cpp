#include "datasets/photo_cache.h"

#include "core/error.h"
#include "core/sha256.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <thread>

namespace zsr {
namespace {

using test::TempDir;

std::filesystem::path make(const TempDir& dir, const std::string& name, int64_t side, uint64_t seed, int depth = 8) {
  Photo photo;
  photo.color = test::random_bytes(3, side, side, seed).to(torch::kFloat32);
  photo.bit_depth = depth;
  save_photo(photo, dir / name, {.overwrite = Overwrite::kYes});
  return dir / name;
}

TEST(PhotoCache, GivesThePixelsOfTheFile) {
  const TempDir dir;
  for (const int depth : {8, 16}) {
    const auto path = make(dir, "a.png", 20, 1, depth);
    PhotoCache cache(1 << 20, true);
    const auto entry = cache.get(path);
    EXPECT_LT(test::max_difference(entry->crop(3, 4, 10, 9), load_photo(path).color.slice(2, 3, 13).slice(3, 4, 13)),
              1e-7);
    EXPECT_EQ(entry->sha256, sha256_of_file(path));
    EXPECT_THROW(entry->crop(15, 0, 10, 5), OptionError);
  }
}

TEST(PhotoCache, DecodesOnceWhileThereIsRoomAndForgetsTheOldest) {
  const TempDir dir;
  std::vector<std::filesystem::path> paths;
  for (int i = 0; i < 4; ++i) paths.push_back(make(dir, std::to_string(i) + ".png", 32, static_cast<uint64_t>(i)));
  PhotoCache large(1 << 20);
  for (int round = 0; round < 5; ++round) {
    for (const auto& path : paths) large.get(path);
  }
  EXPECT_EQ(large.decoded(), 4);
  PhotoCache small(2 * 3 * 32 * 32);  // two photos
  small.get(paths[0]);
  small.get(paths[1]);
  small.get(paths[0]);
  small.get(paths[2]);  // gives up 1
  small.get(paths[0]);
  EXPECT_EQ(small.decoded(), 3);
  small.get(paths[1]);
  EXPECT_EQ(small.decoded(), 4);
}

TEST(PhotoCache, ManyThreadsDecodeAPhotoOnce) {
  const TempDir dir;
  const auto path = make(dir, "a.png", 64, 1);
  PhotoCache cache(1 << 20);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { cache.get(path); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.decoded(), 1);
}

TEST(PhotoCache, AnUnreadablePhotoThrowsEachTime) {
  const TempDir dir;
  PhotoCache cache(1 << 20);
  EXPECT_THROW(cache.get(dir / "none.png"), IoError);
  EXPECT_THROW(cache.get(dir / "none.png"), IoError);
}

}  // namespace
}  // namespace zsr
