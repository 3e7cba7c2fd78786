#include "cli/flags/size_flags.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"
#include "pipeline/choose_factors.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace zsr::test {
namespace {

// What the flags ask for of a photo of 60 x 40 pixels, as {width, height}.
std::vector<int64_t> size_of(const std::vector<std::string>& words) {
  cli::OptionSet options("", "", "");
  cli::SizeFlags flags;
  cli::add_size_flags(options, flags);
  options.parse(words);
  const auto request = cli::SizeRequest::from(flags, options);
  if (!request) return {};
  const Size size = request->of({40, 60}, "photo");
  return {size.width, size.height};
}

TEST(SizeRequest, KeepsProportions) {
  using List = std::vector<int64_t>;
  EXPECT_EQ(size_of({}), List{});
  EXPECT_EQ(size_of({"--width", "90"}), (List{90, 60}));
  EXPECT_EQ(size_of({"--height", "100"}), (List{150, 100}));
  EXPECT_EQ(size_of({"--long-side", "61"}), (List{61, 41}));
  EXPECT_EQ(size_of({"--size", "300x100"}), (List{150, 100}));
  EXPECT_EQ(size_of({"--size", "90x900"}), (List{90, 60}));
  EXPECT_EQ(size_of({"--megapixels", "0.0096"}), (List{120, 80}));
  EXPECT_EQ(size_of({"--print", "30x20cm", "--dpi", "100"}), (List{1181, 787}));
  EXPECT_EQ(size_of({"--print", "2x9in"}), (List{600, 400}));
  EXPECT_EQ(size_of({"--size", "300x100", "--stretch"}), (List{300, 100}));
  EXPECT_EQ(size_of({"--size", "300x100", "--crop"}), (List{300, 200}));  // before it is cut
}

TEST(SizeRequest, RefusesWhatIsNoSizeOrDoesNotEnlarge) {
  EXPECT_THROW(size_of({"--width", "90", "--height", "90"}), cli::UsageError);
  for (const char* const wrong : {"0", "-3", "1.5", "wide", "9999999"}) {
    EXPECT_THROW(size_of({"--width=" + std::string(wrong)}), OptionError) << wrong;
  }
  EXPECT_THROW(size_of({"--size", "300"}), cli::UsageError);
  EXPECT_THROW(size_of({"--print", "30x20"}), cli::UsageError);
  EXPECT_THROW(size_of({"--width", "90", "--crop"}), cli::UsageError);
  EXPECT_THROW(size_of({"--size", "90x90", "--dpi", "100"}), cli::UsageError);
  EXPECT_THROW(size_of({"--size", "90x90", "--crop", "--stretch"}), cli::UsageError);
  EXPECT_THROW(size_of({"--megapixels", "0"}), cli::UsageError);
  EXPECT_THROW(size_of({"--width", "60"}), InputError);
  EXPECT_THROW(size_of({"--long-side", "20"}), InputError);
}

TEST(SizeRequest, TakesTheSmallestFactorThatIsLargeEnough) {
  const auto passes = [](Size target, const std::vector<int64_t>& factors, bool repeats) {
    const pipeline::Passes found = pipeline::passes_for(pipeline::growth({40, 60}, target), factors, repeats);
    return std::pair(found.factor, found.count);
  };
  using Pair = std::pair<int64_t, int64_t>;
  EXPECT_EQ(passes({80, 120}, {2, 3, 4}, true), Pair(2, 1));
  EXPECT_EQ(passes({81, 121}, {2, 3, 4}, true), Pair(3, 1));
  EXPECT_EQ(passes({800, 1200}, {2, 3, 4}, true), Pair(4, 3));
  EXPECT_EQ(passes({800, 1200}, {2, 3, 4}, false), Pair(4, 1));
  EXPECT_EQ(passes({320, 480}, {2}, true), Pair(2, 3));
  EXPECT_EQ(passes({80, 120}, {4}, true), Pair(4, 1));
  EXPECT_EQ(passes({80, 120}, {1}, true), Pair(1, 1));
}

TEST(SizeFlags, EveryMethodGivesTheSizeThatWasAsked) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 20, 30, true);
  for (const std::string method : {"bicubic", "edsr", "zssr", "restore"}) {
    std::vector<std::string> call = {"upscale", (dir / "a.png").string(), "-m",     method, "--width", "75", "--force",
                                     "-o",      (dir / "o.png").string(), "--json", "-q"};
    if (method == "zssr") call.insert(call.end(), {"--steps", "2", "--ensemble", "off", "--kernel", "bicubic"});
    const auto result = run_zsr(call);
    ASSERT_EQ(result.code, 0) << method << ": " << result.err;
    const Photo photo = load_photo(dir / "o.png");
    EXPECT_EQ(photo.color.sizes(), (std::vector<int64_t>{1, 3, 50, 75})) << method;
    EXPECT_EQ(photo.alpha.sizes(), (std::vector<int64_t>{1, 1, 50, 75})) << method;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["scale"]["x"], 2.5);
    EXPECT_EQ(json.contains("resampled"), method != "bicubic");
  }
}

TEST(SizeFlags, ANetworkOfAnotherFactorServes) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 20, 30);
  const auto upscale = [&](std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"upscale", (dir / "a.png").string(), "-o", (dir / "o.png").string(), "--force", "-q", "--json"});
    return run_zsr(words);
  };
  const auto made = [&](const std::vector<std::string>& words) {
    const auto result = upscale(words);
    EXPECT_EQ(result.code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  const auto fraction = made({"-m", "edsr", "-s", "2.5"});
  EXPECT_EQ(fraction["output_size"], nlohmann::json({{"width", 75}, {"height", 50}}));
  EXPECT_EQ(fraction["resampled"]["factor"], 3);
  const auto large = made({"-m", "edsr", "-s", "8"});
  EXPECT_EQ(large["output_size"], nlohmann::json({{"width", 240}, {"height", 160}}));
  EXPECT_EQ(large["passes"], 2);
  const auto smaller = made({"--weights", "edsr-light-x4", "-s", "2"});
  EXPECT_EQ(smaller["output_size"], nlohmann::json({{"width", 60}, {"height", 40}}));
  EXPECT_EQ(smaller["resampled"]["factor"], 4);
  EXPECT_FALSE(made({"-m", "edsr", "-s", "3"}).contains("resampled"));
  const auto refused = upscale({"--weights", "edsr-light-x4", "-s", "2", "--exact-scale"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("enlarges by 4, not by 2"), std::string::npos) << refused.err;
}

TEST(SizeFlags, CropAndStretchFillTheSize) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 20, 30, true);
  const auto size = [&](const std::string& how) {
    const auto result = run_zsr({"upscale", (dir / "a.png").string(), "-o", (dir / "o.png").string(), "--force", "-q",
                                 "-m", "bicubic", "--size", "60x60", how});
    EXPECT_EQ(result.code, 0) << result.err;
    return load_photo(dir / "o.png");
  };
  const Photo cut = size("--crop");
  EXPECT_EQ(cut.color.sizes(), (std::vector<int64_t>{1, 3, 60, 60}));
  EXPECT_EQ(cut.alpha.sizes(), (std::vector<int64_t>{1, 1, 60, 60}));
  ASSERT_EQ(run_zsr({"upscale", (dir / "a.png").string(), "-o", (dir / "p.png").string(), "-q", "-m", "bicubic",
                     "--print", "1x1in", "--dpi", "60", "--crop"})
                .code,
            0);
  EXPECT_TRUE(torch::equal(load_photo(dir / "p.png").color, cut.color));
  EXPECT_NEAR(read_photo_header(dir / "p.png").resolution.x * 25.4, 60.0, 0.1);
  const Photo stretched = size("--stretch");
  EXPECT_EQ(stretched.color.sizes(), (std::vector<int64_t>{1, 3, 60, 60}));
  // The middle of the enlargement by 3, not the whole squeezed.
  ASSERT_EQ(run_zsr(by_bicubic({"upscale", (dir / "a.png").string(), "-o", (dir / "w.png").string(), "-q"})).code, 0);
  EXPECT_GT((cut.color - stretched.color).abs().max().item<float>(), 0.1F);
}

TEST(SizeFlags, NameTheResultAndWorkOnFolders) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "in");
  make_photo(dir / "in/a.png", 3, 20, 30);
  make_photo(dir / "in/b.png", 3, 16, 16);
  ASSERT_EQ(run_zsr({"upscale", (dir / "in/a.png").string(), "-m", "bicubic", "--size", "90x90", "-q"}).code, 0);
  EXPECT_EQ(load_photo(dir / "in/a_90x90.png").color.size(2), 60);
  std::filesystem::remove(dir / "in/a_90x90.png");
  ASSERT_EQ(run_zsr({"upscale", (dir / "in").string(), "-o", (dir / "out").string(), "-m", "bicubic", "--long-side",
                     "64", "-q", "-j", "1"})
                .code,
            0);
  EXPECT_EQ(load_photo(dir / "out/a.png").color.size(3), 64);
  EXPECT_EQ(load_photo(dir / "out/b.png").color.size(3), 64);
}

TEST(SizeFlags, ExcludeAFactor) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 20, 30);
  const auto result = run_zsr({"upscale", (dir / "a.png").string(), "-s", "2", "--width", "64", "-q"});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("--channels"), std::string::npos) << result.err;
  EXPECT_EQ(run_zsr({"upscale", (dir / "a.png").string(), "--width", "30", "-q"}).code, 1);
}

TEST(SizeFlags, OldMeaningOfWidthStaysWhereItCannotBeASize) {
  const TempDir dir;
  make_photo(dir / "a.png", 3, 20, 30);
  for (const std::string command : {"zssr", "upscale"}) {
    const auto result = run_zsr({command,      (dir / "a.png").string(),
                                 "-s",         "2",
                                 "--steps",    "2",
                                 "--width",    "16",
                                 "--depth",    "3",
                                 "--crop",     "12",
                                 "--ensemble", "off",
                                 "--kernel",   "bicubic",
                                 "--noise",    "0",
                                 "-o",         (dir / (command + ".png")).string(),
                                 "--json",     "-q"});
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_NE(result.err.find("--channels"), std::string::npos) << result.err;
    EXPECT_EQ(nlohmann::json::parse(result.out)["settings"]["width"], 16);
  }
}

}  // namespace
}  // namespace zsr::test
