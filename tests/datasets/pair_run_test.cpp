#include "datasets/pair_run.h"

#include "core/error.h"
#include "core/sha256.h"
#include "datasets/contact_sheet.h"
#include "datasets/manifest.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <map>

namespace zsr {
namespace {

using test::TempDir;
namespace fs = std::filesystem;

std::vector<PairSource> make_photos(const TempDir& dir, int count, int64_t side = 64) {
  std::vector<PairSource> sources;
  fs::create_directories(dir / "hr");
  for (int i = 0; i < count; ++i) {
    Photo photo;
    photo.color = test::texture(3, side, side + 3, static_cast<uint64_t>(i + 1)).to(torch::kFloat32);
    const std::string name = "p" + std::to_string(i) + ".png";
    save_photo(photo, dir / "hr" / name, {});
    sources.push_back({dir / "hr" / name, name});
  }
  return sources;
}

// Hash of every file below a folder.
std::map<std::string, std::string> hashes(const fs::path& folder) {
  std::map<std::string, std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) result[fs::relative(entry.path(), folder).string()] = sha256_of_file(entry.path());
  }
  return result;
}

PairOptions options_x2() {
  PairOptions options;
  options.scale = {2.0, 2.0};
  options.variants = 2;
  options.patch = 32;
  options.patches = 2;
  options.seed = 7;
  return options;
}

TEST(Pairs, BytesAreTheSameForAnyNumberOfThreads) {
  const TempDir dir;
  const auto sources = make_photos(dir, 3);
  for (const char* name : {"bsrgan", "realesrgan", "div2krk"}) {
    const auto recipe = make_recipe(name, {.scale = {2.0, 2.0}});
    PairOptions options = options_x2();
    const PairTally one = make_pairs(sources, *recipe, dir / (std::string(name) + "1"), options);
    EXPECT_EQ(one.made, 12);
    EXPECT_EQ(one.failed, 0);
    options.threads = 4;
    make_pairs(sources, *recipe, dir / (std::string(name) + "4"), options);
    const auto first = hashes(dir / (std::string(name) + "1"));
    EXPECT_EQ(first, hashes(dir / (std::string(name) + "4")));
    EXPECT_EQ(first.size(), 12U * (std::string(name) == "div2krk" ? 3U : 2U) + 1U);
  }
}

TEST(Pairs, AnotherPhotoDoesNotChangeTheOthers) {
  const TempDir dir;
  const auto sources = make_photos(dir, 3);
  const auto recipe = make_recipe("bsrgan", {.scale = {2.0, 2.0}});
  make_pairs(sources, *recipe, dir / "all", options_x2());
  make_pairs({sources[2]}, *recipe, dir / "last", options_x2());
  const auto all = hashes(dir / "all");
  for (const auto& [name, hash] : hashes(dir / "last")) {
    EXPECT_TRUE(name == "manifest.jsonl" || all.at(name) == hash) << name;
  }
}

TEST(Pairs, ReplayMakesTheSameBytes) {
  const TempDir dir;
  const auto sources = make_photos(dir, 2);
  const auto recipe = make_recipe("bsrgan-plus", {.scale = {2.0, 2.0}});
  make_pairs(sources, *recipe, dir / "out", options_x2());
  const PairTally again = replay_pairs(dir / "out" / "manifest.jsonl", dir / "again", {.threads = 2});
  EXPECT_EQ(again.made, 8);
  EXPECT_EQ(again.failed, 0);
  EXPECT_EQ(hashes(dir / "out"), hashes(dir / "again"));
  // From where the photos are now.
  fs::rename(dir / "hr", dir / "moved");
  EXPECT_EQ(replay_pairs(dir / "out" / "manifest.jsonl", dir / "third", {.hr_folder = dir / "moved"}).failed, 0);
}

TEST(Pairs, AChangedPhotoIsRefusedByReplayAndByContinuing) {
  const TempDir dir;
  const auto sources = make_photos(dir, 2);
  const auto recipe = make_recipe("bsrgan", {.scale = {2.0, 2.0}});
  make_pairs(sources, *recipe, dir / "out", options_x2());
  Photo photo = load_photo(sources[1].path);
  photo.color = photo.color.flip({3});
  save_photo(photo, sources[1].path, {.overwrite = Overwrite::kYes});
  const PairTally again = replay_pairs(dir / "out" / "manifest.jsonl", dir / "again", {});
  EXPECT_EQ(again.made, 4);
  EXPECT_EQ(again.failed, 4);
  EXPECT_NE(again.problems[0].find("is not the photo of the manifest"), std::string::npos);
  EXPECT_THROW(make_pairs(sources, *recipe, dir / "out", options_x2()), InputError);
}

TEST(Pairs, AnotherVersionOrSettingIsRefused) {
  const TempDir dir;
  const auto sources = make_photos(dir, 1);
  const auto recipe = make_recipe("bsrgan", {.scale = {2.0, 2.0}});
  make_pairs(sources, *recipe, dir / "out", options_x2());
  PairOptions other = options_x2();
  other.seed = 8;
  try {
    make_pairs(sources, *recipe, dir / "out", other);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("seed was 7, now 8"), std::string::npos) << error.what();
  }
  std::string text = test::read_bytes(dir / "out" / "manifest.jsonl");
  const size_t at = text.find("\"version\":\"");
  std::string changed = text;
  changed.replace(at, 11, "\"version\":\"9");
  test::write_bytes(dir / "other.jsonl", changed);
  EXPECT_THROW(replay_pairs(dir / "other.jsonl", dir / "again", {}), InputError);
  EXPECT_EQ(replay_pairs(dir / "other.jsonl", dir / "again", {.any_version = true}).made, 4);
  changed = text;
  changed.replace(changed.find("\"zsr_manifest\":1"), 16, "\"zsr_manifest\":2");
  test::write_bytes(dir / "format.jsonl", changed);
  EXPECT_THROW(replay_pairs(dir / "format.jsonl", dir / "again2", {.any_version = true}), InputError);
  test::write_bytes(dir / "cut.jsonl", text.substr(0, text.size() - 30));
  EXPECT_THROW(replay_pairs(dir / "cut.jsonl", dir / "again3", {}), InputError);
  test::write_bytes(dir / "none.jsonl", "hello\n");
  EXPECT_THROW(replay_pairs(dir / "none.jsonl", dir / "again4", {}), InputError);
}

TEST(Pairs, APathOutOfTheFolderIsRefused) {
  const TempDir dir;
  const auto sources = make_photos(dir, 1);
  make_pairs(sources, *make_recipe("bsrgan", {.scale = {2.0, 2.0}}), dir / "out", options_x2());
  std::string text = test::read_bytes(dir / "out" / "manifest.jsonl");
  const size_t at = text.find("\"lr\":\"LR/");
  text.replace(at, 9, "\"lr\":\"LR/../../");
  test::write_bytes(dir / "bad.jsonl", text);
  EXPECT_THROW(replay_pairs(dir / "bad.jsonl", dir / "again", {}), InputError);
}

TEST(Pairs, AStoppedRunIsContinuedToTheSameSet) {
  const TempDir dir;
  const auto sources = make_photos(dir, 4);
  const auto recipe = make_recipe("bsrgan", {.scale = {2.0, 2.0}});
  make_pairs(sources, *recipe, dir / "whole", options_x2());
  const PairTally first =
      make_pairs(sources, *recipe, dir / "parts", options_x2(), [](const PairTally& now) { return now.made < 5; });
  EXPECT_TRUE(first.stopped);
  EXPECT_EQ(first.made, 5);
  // What a kill leaves: an unfinished line, a pair that no line tells of, a file that was damaged since.
  std::string text = test::read_bytes(dir / "parts" / "manifest.jsonl");
  test::write_bytes(dir / "parts" / "manifest.jsonl", text + "{\"file\":\"p1.png\",\"sou");
  test::write_bytes(dir / "parts" / "LR" / "p3_p001_v1.png", "half a file");
  test::write_bytes(dir / "parts" / "LR" / "p0_p000_v1.png", "damaged");
  const PairTally second = make_pairs(sources, *recipe, dir / "parts", options_x2());
  EXPECT_EQ(second.already_there, 4);
  EXPECT_EQ(second.made, 12);
  auto whole = hashes(dir / "whole");
  auto parts = hashes(dir / "parts");
  whole.erase("manifest.jsonl");
  parts.erase("manifest.jsonl");
  EXPECT_EQ(whole, parts);
  // The manifests tell the same pairs, the mended one later.
  std::multiset<std::string> a;
  std::multiset<std::string> b;
  for (const std::string& line : read_manifest(dir / "whole" / "manifest.jsonl", false).lines) a.insert(line);
  for (const std::string& line : read_manifest(dir / "parts" / "manifest.jsonl", false).lines) b.insert(line);
  EXPECT_EQ(a, b);
  EXPECT_EQ(make_pairs(sources, *recipe, dir / "parts", options_x2()).already_there, 16);
}

TEST(Pairs, BadPhotosAreCountedAndTheRestIsMade) {
  const TempDir dir;
  auto sources = make_photos(dir, 2);
  test::write_bytes(dir / "hr" / "bad.png", "not a picture");
  sources.push_back({dir / "hr" / "bad.png", "bad.png"});
  Photo tiny;
  tiny.color = torch::rand({1, 3, 5, 5});
  save_photo(tiny, dir / "hr" / "tiny.png", {});
  sources.push_back({dir / "hr" / "tiny.png", "tiny.png"});
  PairOptions options;
  options.scale = {2.0, 2.0};
  const PairTally tally = make_pairs(sources, *make_recipe("bsrgan", {.scale = {2.0, 2.0}}), dir / "out", options);
  EXPECT_EQ(tally.made, 2);
  EXPECT_EQ(tally.failed, 2);
  EXPECT_EQ(read_manifest(dir / "out" / "manifest.jsonl", false).pairs.size(), 2U);
}

TEST(Pairs, TwoPhotosOfOneNameAreAnError) {
  const TempDir dir;
  auto sources = make_photos(dir, 1);
  sources.push_back({sources[0].path, "p0.jpg"});
  EXPECT_THROW(make_pairs(sources, *make_recipe("bicubic", {}), dir / "out", {}), InputError);
}

TEST(Pairs, KernelFileIsTheKernelOfThePair) {
  const TempDir dir;
  const auto sources = make_photos(dir, 1);
  PairOptions options;
  options.scale = {2.0, 2.0};
  RecipeOptions recipe{.scale = {2.0, 2.0}};
  recipe.blur_sigma = Range{1.5, 1.5};
  make_pairs(sources, *make_recipe("classical", recipe), dir / "out", options);
  const BlurKernel kernel = load_kernel(dir / "out" / "kernels" / "p0.mat");
  const torch::Tensor hr = load_photo(dir / "out" / "HR" / "p0.png").color;
  EXPECT_EQ(hr.size(3) % 2, 0);
  const torch::Tensor want = quantize(correlate(hr.to(torch::kFloat64), kernel.weights(), {2, 2}));
  EXPECT_LT(test::max_difference(load_photo(dir / "out" / "LR" / "p0.png").color.to(torch::kFloat64), want),
            1.01 / 255.0);
  EXPECT_LT((load_photo(dir / "out" / "LR" / "p0.png").color.to(torch::kFloat64) - want).abs().mean().item<double>(),
            1e-5);
}

TEST(Pairs, ContactSheetShowsThem) {
  const TempDir dir;
  const auto sources = make_photos(dir, 2);
  make_pairs(sources, *make_recipe("bsrgan", {.scale = {2.0, 2.0}}), dir / "out", options_x2());
  write_contact_sheet(dir / "out", dir / "sheet.png", Overwrite::kNo);
  const torch::Tensor sheet = load_photo(dir / "sheet.png").color;
  EXPECT_GT(sheet.size(3), 1000);
  EXPECT_GT(sheet.std().item<double>(), 0.02);
  EXPECT_THROW(write_contact_sheet(dir / "none", dir / "s.png", Overwrite::kNo), IoError);
}

TEST(Pairs, OptionsAreChecked) {
  PairOptions options;
  options.patch = 30;
  EXPECT_THROW(options.validate(), OptionError);  // not a multiple of 4
  options.patch = 32;
  EXPECT_NO_THROW(options.validate());
  options.variants = 0;
  EXPECT_THROW(options.validate(), OptionError);
}

}  // namespace
}  // namespace zsr
