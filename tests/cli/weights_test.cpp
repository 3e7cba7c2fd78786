#include "degradations/kernel_families.h"
#include "degradations/kernel_io.h"
#include "image/photo.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/shipped.h"
#include "tests/cli/support.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <cmath>

namespace zsr::test {
namespace {

// SRMDNF x2, or SRMD, with small random weights, and a basis whose codes are pixels of the kernel.
void write_srmd(const std::filesystem::path& weights, const std::filesystem::path& basis, bool noise = false) {
  torch::manual_seed(2);
  WeightsFile file;
  for (int64_t i = 0; i < 12; ++i) {
    const int64_t in = i == 0 ? (noise ? 19 : 18) : 128;
    const int64_t out = i == 11 ? 12 : 128;
    const std::string name = "model." + std::to_string(2 * i);
    file.tensors.push_back(
        {name + ".weight", torch::randn({out, in, 3, 3}) * std::sqrt(0.2 / static_cast<double>(in))});
    file.tensors.push_back({name + ".bias", torch::zeros({out})});
  }
  write_safetensors(weights, file, Overwrite::kNo);
  std::string rows;
  for (int row = 0; row < 15; ++row) {
    for (int column = 0; column < 225; ++column) rows += column == 105 + row ? "1 " : "0 ";
    rows += "\n";
  }
  write_bytes(basis, rows);
}

TEST(WeightsCommand, ListsAndConverts) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_srmd(dir / "srmd.safetensors", dir / "basis.txt");
  const auto info = nlohmann::json::parse(run_zsr({"weights", "info", at("srmd.safetensors"), "--json"}).out);
  EXPECT_EQ(info["parameters"], 1510540);
  EXPECT_EQ(info["tensors"].size(), 24U);
  ASSERT_EQ(run_zsr({"weights", "convert", at("srmd.safetensors"), "-o", at("half.safetensors"), "--half"}).code, 0);
  const WeightsFile half = read_safetensors(dir / "half.safetensors");
  EXPECT_EQ(half.tensors[0].tensor.scalar_type(), torch::kFloat16);
  EXPECT_EQ(run_zsr({"weights", "convert", at("srmd.safetensors"), "-o", at("half.safetensors")}).code, 1);  // exists
  write_bytes(dir / "text.pth", "not weights at all");
  const ProgramResult own = run_zsr({"weights", "info", "srmd-light-x2"});
  EXPECT_EQ(own.code, 0) << own.err;
  EXPECT_NE(own.out.find("on EDSR's trunk: x2, RGB; -m srmd"), std::string::npos) << own.out;
  EXPECT_NE(run_zsr({"weights", "info", "srmd-light-x9"}).err.find("there are"), std::string::npos);
  const ProgramResult refused = run_zsr({"weights", "info", at("text.pth")});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("no weights file"), std::string::npos) << refused.err;
  EXPECT_EQ(run_zsr({"weights"}).code, 2);
  EXPECT_EQ(run_zsr({"weights", "info", at("text.pth"), "-o", at("x")}).code, 2);
  EXPECT_EQ(run_zsr({"weights", "convert", at("srmd.safetensors")}).code, 2);
}

TEST(WeightsCommand, JoinsIkcsThreeFiles) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  const auto conv = [](WeightsFile& file, const std::string& name, std::vector<int64_t> shape) {
    file.tensors.push_back({name + ".weight", 0.05 * torch::ones(shape)});
    file.tensors.push_back({name + ".bias", torch::zeros({shape[0]})});
  };
  WeightsFile predictor;
  for (int64_t i = 0; i < 6; ++i) {
    conv(predictor, "ConvNet." + std::to_string(2 * i), {i == 5 ? 10 : 8, i == 0 ? 3 : 8, 5, 5});
  }
  write_safetensors(dir / "predictor.safetensors", predictor, Overwrite::kNo);
  EXPECT_EQ(run_zsr({"weights", "join", at("predictor.safetensors"), "-o", at("ikc.safetensors")}).code, 2);
  const ProgramResult twice = run_zsr({"weights", "join", at("predictor.safetensors"), at("predictor.safetensors"),
                                       at("predictor.safetensors"), "-o", at("ikc.safetensors")});
  EXPECT_EQ(twice.code, 1);
  EXPECT_NE(twice.err.find("both hold IKC's Predictor"), std::string::npos) << twice.err;
  EXPECT_FALSE(std::filesystem::exists(dir / "ikc.safetensors"));
  const ProgramResult info = run_zsr({"weights", "info", at("predictor.safetensors")});
  EXPECT_NE(info.out.find("Predictor of IKC"), std::string::npos) << info.out;
}

// ESPCN x3 with small random weights.
void write_espcn(const std::filesystem::path& path) {
  torch::manual_seed(3);
  WeightsFile file;
  const auto conv = [&](const char* name, int64_t out, int64_t in, int64_t side) {
    file.tensors.push_back({std::string(name) + ".weight", 0.05 * torch::randn({out, in, side, side})});
    file.tensors.push_back({std::string(name) + ".bias", torch::zeros({out})});
  };
  conv("first_part.0", 64, 1, 5);
  conv("first_part.2", 32, 64, 3);
  conv("last_part.0", 9, 32, 3);
  write_safetensors(path, file, Overwrite::kNo);
}

// The metadata and names of an ONNX file stand in it as they are.
TEST(WeightsCommand, ConvertsToOnnx) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_espcn(dir / "w.safetensors");
  const ProgramResult made = run_zsr({"weights", "convert", at("w.safetensors"), "-o", at("w.onnx"), "--json"});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto json = nlohmann::json::parse(made.out);
  EXPECT_EQ(json["network"], "espcn");
  EXPECT_EQ(json["scale"], 3);
  const std::string bytes = read_bytes(dir / "w.onnx");
  for (const char* text : {"espcn", "first_part.0.weight", "DepthToSpace", "luma Y of BT.601", "config.narrow"}) {
    EXPECT_NE(bytes.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(dir.names(), (std::vector<std::string>{"w.onnx", "w.safetensors"}));
  EXPECT_EQ(run_zsr({"weights", "convert", at("w.safetensors"), "-o", at("w.onnx")}).code, 1);  // exists
  EXPECT_EQ(run_zsr({"weights", "convert", at("w.safetensors"), "-o", at("w.onnx"), "--force"}).code, 0);
  EXPECT_EQ(read_bytes(dir / "w.onnx"), bytes);
  // A network that comes with zsr, by its name.
  ASSERT_EQ(run_zsr({"weights", "convert", "edsr-light-x2", "-o", at("e.onnx")}).code, 0);
  ASSERT_EQ(run_zsr({"weights", "convert", "edsr-light-x2", "-o", at("h.ONNX"), "--half"}).code, 0);
  EXPECT_LT(read_bytes(dir / "h.ONNX").size(), 0.6 * static_cast<double>(read_bytes(dir / "e.onnx").size()));
}

TEST(WeightsCommand, RefusesWhatCannotBeOnnx) {
  const TempDir dir;
  const std::string output = (dir / "out.onnx").string();
  const auto refused = [&](std::vector<std::string> more, int code, const char* why) {
    std::vector<std::string> all{"weights", "convert", "-o", output};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run_zsr(all);
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(output));
  };
  refused({"restorer"}, 2, "enlarges by 1, 2, 3, 4 and an ONNX file does one of them: choose it with --scale");
  refused({"restorer", "--scale", "5"}, 2, "not by 5");
  refused({"edsr-light-x2", "-s", "3"}, 2, "enlarges by 2, not by 3");
  refused({"blur-predictor"}, 1, "of no network that zsr can export");
  WeightsFile usrnet;
  usrnet.tensors = {{"p.m_head.weight", torch::zeros({8, 4, 3, 3})}, {"h.mlp.0.weight", torch::zeros({8, 2, 1, 1})}};
  write_safetensors(dir / "u.safetensors", usrnet, Overwrite::kNo);
  refused({(dir / "u.safetensors").string()}, 1, "cannot export USRNet");
  EXPECT_EQ(run_zsr({"weights", "convert", "restorer", "-o", output, "--scale", "2"}).code, 0);
  const std::string plain = (dir / "out.safetensors").string();
  EXPECT_EQ(run_zsr({"weights", "convert", "restorer", "-o", plain, "--scale", "2"}).code, 2);
}

TEST(WeightsCommand, ListsWhatComesWithZsr) {
  const ProgramResult text = run_zsr({"weights", "list"});
  EXPECT_EQ(text.code, 0) << text.err;
  const auto json = nlohmann::json::parse(run_zsr({"weights", "list", "--json"}).out);
  EXPECT_EQ(json.size(), shipped_names().size());
  for (const std::string& name : shipped_names()) EXPECT_NE(text.out.find(name + " "), std::string::npos) << name;
}

TEST(WeightsCommand, WritesNoFileUnderTheNameOfAnotherFormat) {
  const TempDir dir;
  const ProgramResult result = run_zsr({"weights", "convert", "edsr-light-x2", "-o", (dir / "x.pth").string()});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("zsr writes .safetensors and .onnx, not .pth"), std::string::npos) << result.err;
  EXPECT_TRUE(dir.names().empty());
}

TEST(TrainedMethods, TakeMethodAndScaleFromTheWeights) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_espcn(dir / "w.safetensors");
  make_photo(dir / "photo.png", 3, 20, 30);
  const auto info = nlohmann::json::parse(run_zsr({"weights", "info", at("w.safetensors"), "--json"}).out);
  EXPECT_EQ(info["network"]["method"], "espcn");
  EXPECT_EQ(info["network"]["scales"], (std::vector<int>{3}));
  EXPECT_EQ(info["network"]["channels"], 1);
  const ProgramResult result =
      run_zsr({"upscale", at("photo.png"), "--weights", at("w.safetensors"), "-o", at("a.png"), "--json", "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["method"], "espcn");
  EXPECT_EQ(json["output_size"]["width"], 90);
  // The command of that name does the same.
  ASSERT_EQ(run_zsr({"espcn", at("photo.png"), "--weights", at("w.safetensors"), "-o", at("b.png"), "-q"}).code, 0);
  EXPECT_EQ(read_bytes(dir / "a.png"), read_bytes(dir / "b.png"));
}

// With --phase corner the pixel of a x3 photo stands one pixel further up and left than the network takes it.
TEST(TrainedMethods, PutTheirResultWhereThePhotosPixelsStand) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_espcn(dir / "w.safetensors");
  make_photo(dir / "photo.png", 3, 20, 30);
  for (const char* phase : {"center", "corner"}) {
    ASSERT_EQ(run_zsr({"upscale", at("photo.png"), "--weights", at("w.safetensors"), "--phase", phase, "-o",
                       (dir / (std::string(phase) + ".png")).string(), "-q"})
                  .code,
              0);
  }
  const torch::Tensor center = load_photo(dir / "center.png").color;
  const torch::Tensor corner = load_photo(dir / "corner.png").color;
  EXPECT_LT((corner.slice(2, 0, -1).slice(3, 0, -1) - center.slice(2, 1).slice(3, 1)).abs().max().item<double>(), 2e-6);
  EXPECT_GT((corner - center).abs().max().item<double>(), 0.02);
}

TEST(TrainedMethods, BackProjectionGivesThePhotoBack) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  save_photo(load_photo(example("cat.jpg")), dir / "photo.png", {.format = ImageFormat::kPng});
  ASSERT_EQ(run_zsr({"degrade", at("photo.png"), "-o", at("lr"), "-s", "4"}).code, 0);
  const std::string small = at("lr/photo.png");
  ASSERT_EQ(run_zsr({"kernel", "make", "gaussian", "--sigma", "1.2", "-o", at("g.mat")}).code, 0);
  const auto consistency = [&](const char* method, std::vector<std::string> more) {
    std::vector<std::string> call = {method, small, "-o", at("big.png"), "-s", "2", "--force", "-q"};
    call.insert(call.end(), more.begin(), more.end());
    EXPECT_EQ(run_zsr(call).code, 0);
    const auto eval = run_zsr({"eval", "-i", at("big.png"), "--photo", small, "--json"});
    return nlohmann::json::parse(eval.out)["mean"]["consistency_db"].get<double>();
  };
  for (const char* method : {"edsr", "srmd"}) {
    const std::vector<std::string> known = std::string(method) == "srmd"
                                               ? std::vector<std::string>{"--kernel", "bicubic", "--noise", "0"}
                                               : std::vector<std::string>{};
    std::vector<std::string> corrected = known;
    corrected.insert(corrected.end(), {"--back-projection", "8"});
    EXPECT_GT(consistency(method, corrected), consistency(method, known) + 3.0) << method;
  }
  // Grain is not put back, and the user hears of it.
  const std::vector<std::string> noisy = {"srmd",     small,       "-o", at("n.png"), "-s", "2",
                                          "--kernel", at("g.mat"), "-q", "--noise",   "20"};
  std::vector<std::string> corrected = noisy;
  corrected[3] = at("nc.png");
  corrected.insert(corrected.end(), {"--back-projection", "8"});
  ASSERT_EQ(run_zsr(noisy).code, 0);
  const ProgramResult left_out = run_zsr(corrected);
  EXPECT_EQ(left_out.code, 0);
  EXPECT_NE(left_out.err.find("back-projection would put the noise"), std::string::npos) << left_out.err;
  EXPECT_EQ(read_bytes(dir / "n.png"), read_bytes(dir / "nc.png"));
  // The same where the noise is found; and what was given is used then.
  ASSERT_EQ(run_zsr({"degrade", small, "-o", at("grainy"), "-s", "1", "--noise", "12:12"}).code, 0);
  const auto found = [&](const char* output, const std::string& kernel) {
    const ProgramResult result = run_zsr({"srmd", at("grainy/photo.png"), "-o", at(output), "-s", "2", "--kernel",
                                          kernel, "--noise", "auto", "--back-projection", "8", "-q"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_NE(result.err.find("back-projection would put the noise"), std::string::npos) << result.err;
    return read_bytes(dir / output);
  };
  EXPECT_NE(found("sharp.png", "bicubic"), found("blurred.png", at("g.mat")));
}

TEST(TrainedMethods, RefuseWhatDoesNotFit) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_espcn(dir / "w.safetensors");
  make_photo(dir / "photo.png", 3, 20, 30);
  const auto refused = [&](std::vector<std::string> more, const char* why) {
    std::vector<std::string> all{"upscale", at("photo.png"), "-o", at("out.png"), "-q"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramResult result = run_zsr(all);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(dir / "out.png"));
  };
  refused({"--weights", at("w.safetensors"), "-s", "2", "--exact-scale"}, "enlarges by 3, not by 2");
  refused({"--weights", at("w.safetensors"), "-m", "edsr"}, "use -m espcn");
  refused({"--weights", at("w.safetensors"), "--kernel", "bicubic"}, "cannot use --kernel");
  refused({"-m", "vdsr"}, "no weights of vdsr for x2 come with zsr; name a file with --weights");
  refused({"-m", "edrs", "--weights", at("w.safetensors")}, "must be auto");
  refused({"-m", "zssr", "--weights", at("w.safetensors")}, "zssr cannot use --weights");
  refused({"--weights", "no-such-network"}, "no-such-network");
  for (const char* times : {"-1", "1.5", "many", "1e9"}) refused({"-m", "edsr", "--back-projection", times}, times);
  refused({"-m", "srmd", "--kernel-grid", "2x2", "--back-projection", "3"}, "--kernel-grid");
}

TEST(SrmdMethod, EnlargesByItsOwnScale) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_srmd(dir / "srmd.safetensors", dir / "basis.txt");
  make_photo(dir / "photo.png", 3, 40, 50);
  const std::vector<std::string> base = {
      "upscale", at("photo.png"), "-m",     "srmd", "--weights", at("srmd.safetensors"),
      "--pca",   at("basis.txt"), "--json", "-q"};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return run_zsr(more);
  };
  const ProgramResult result = run({"-o", at("big.png"), "-s", "2"});
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["output_size"]["width"], 100);
  EXPECT_EQ(json["method"], "srmd");
  const ProgramResult refused = run({"-o", at("other.png"), "-s", "3", "--exact-scale"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("enlarges by 2"), std::string::npos) << refused.err;
  EXPECT_FALSE(std::filesystem::exists(dir / "other.png"));
  const ProgramResult resampled = run({"-o", at("other.png"), "-s", "3"});
  ASSERT_EQ(resampled.code, 0) << resampled.err;
  EXPECT_EQ(nlohmann::json::parse(resampled.out)["output_size"]["width"], 150);
  EXPECT_EQ(nlohmann::json::parse(resampled.out)["resampled"]["factor"], 2);
  EXPECT_EQ(run_zsr({"upscale", at("photo.png"), "--weights", at("srmd.safetensors")}).code, 2);
  write_bytes(dir / "cut.safetensors", read_bytes(dir / "srmd.safetensors").substr(0, 5000));
  const ProgramResult cut = run_zsr({"upscale", at("photo.png"), "-m", "srmd", "--weights", at("cut.safetensors"),
                                     "--pca", at("basis.txt"), "-o", at("cut.png")});
  EXPECT_EQ(cut.code, 1);
  EXPECT_FALSE(std::filesystem::exists(dir / "cut.png"));
}

TEST(SrmdMethod, TakesMapsOfBlurAndNoise) {
  const TempDir dir;
  const auto at = [&](const char* name) { return (dir / name).string(); };
  write_srmd(dir / "srmd.safetensors", dir / "basis.txt", true);
  make_photo(dir / "photo.png", 3, 40, 50);
  make_photo(dir / "small.png", 1, 39, 50);
  save_kernel(gaussian_kernel(15, 0.8, 0.8, 0.0, {0.5, 0.5}), dir / "a.txt", {}, Overwrite::kNo);
  save_kernel(gaussian_kernel(15, 2.8, 1.8, 0.5, {0.5, 0.5}), dir / "b.txt", {}, Overwrite::kNo);
  Photo levels;
  levels.color = torch::full({1, 1, 40, 50}, 5.0F / 255.0F);
  levels.color.slice(3, 25).fill_(60.0F / 255.0F);
  save_photo(levels, dir / "levels.png", {});
  const auto run = [&](const char* output, std::vector<std::string> more) {
    std::vector<std::string> all = {
        "srmd", at("photo.png"), "--weights", at("srmd.safetensors"), "--pca", at("basis.txt"), "-q", "-o", at(output)};
    all.insert(all.end(), more.begin(), more.end());
    return run_zsr(all);
  };
  const auto pixels = [&](const char* name) { return load_photo(dir / name).color; };
  const std::string both = at("a.txt") + "," + at("b.txt");
  const std::string same = at("a.txt") + "," + at("a.txt");
  ASSERT_EQ(run("one.png", {"--kernel", at("a.txt")}).code, 0);
  ASSERT_EQ(run("same.png", {"--kernel-grid", "2x1", "--kernel", same}).code, 0);
  ASSERT_EQ(run("both.png", {"--kernel-grid", "2x1", "--kernel", both}).code, 0);
  EXPECT_LE(test::max_difference(pixels("one.png"), pixels("same.png")), 1.01 / 255.0);
  const torch::Tensor change = (pixels("one.png") - pixels("both.png")).abs();
  EXPECT_LE(change.slice(3, 0, 2).max().item<double>(), 1.0 / 255.0);
  EXPECT_GT(change.slice(3, 60).max().item<double>(), 2.0 / 255.0);
  ASSERT_EQ(run("levels_used.png", {"--kernel", at("a.txt"), "--noise-map", at("levels.png")}).code, 0);
  ASSERT_EQ(run("level_5.png", {"--kernel", at("a.txt"), "--noise", "5"}).code, 0);
  const torch::Tensor noisy = (pixels("levels_used.png") - pixels("level_5.png")).abs();
  EXPECT_LE(noisy.slice(3, 0, 24).max().item<double>(), 1.0 / 255.0);
  EXPECT_GT(noisy.slice(3, 60).max().item<double>(), 2.0 / 255.0);
  // Cells that are too small to tell: said, and enlarged all the same.
  const ProgramResult automatic = run("auto.png", {"--kernel-grid", "2x2"});
  EXPECT_EQ(automatic.code, 0) << automatic.err;
  EXPECT_NE(automatic.err.find("grid"), std::string::npos) << automatic.err;

  const auto refused = [&](std::vector<std::string> more, const char* why) {
    const ProgramResult result = run("refused.png", std::move(more));
    EXPECT_NE(result.code, 0);
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
    EXPECT_FALSE(std::filesystem::exists(dir / "refused.png"));
  };
  refused({"--kernel-grid", "3x1", "--kernel", both}, "needs 3 kernels, --kernel names 2");
  refused({"--kernel-grid", "1.5x1", "--kernel", both}, "must be COLUMNSxROWS");
  refused({"--noise-map", at("small.png")}, "the noise map has 50 x 39");
  refused({"--noise-map", at("levels.png"), "--noise", "3"}, "exclude each other");
  refused({"--noise-map", at("photo.png")}, "must be within 0 and 75");
  const ProgramResult zssr = run_zsr({"upscale", at("photo.png"), "--noise-map", at("levels.png"), "-o", at("z.png")});
  EXPECT_EQ(zssr.code, 2);
  EXPECT_NE(zssr.err.find("zssr cannot use --noise-map"), std::string::npos) << zssr.err;
}

TEST(TrainCommand, WritesAPredictorThatSaysHowItWasMade) {
  const TempDir dir;
  std::filesystem::create_directories(dir / "photos");
  make_photo(dir / "photos/a.png", 3, 230, 240);
  const std::string out = (dir / "p.safetensors").string();
  const ProgramResult result = run_zsr({"train", "blur-predictor", (dir / "photos").string(), "-o", out, "--steps", "3",
                                        "--patches", "6", "--json", "-q"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["steps"], 3);
  const WeightsFile file = read_safetensors(out);
  EXPECT_EQ(file.parameter_count(), 112404);
  EXPECT_NE(file.metadata.at("command").find("--steps 3"), std::string::npos);
  EXPECT_EQ(run_zsr({"train", "blur-predictor", (dir / "photos").string(), "-o", out}).code, 1);  // exists
  EXPECT_EQ(run_zsr({"train", "magic", "x", "-o", (dir / "q").string()}).code, 2);
  EXPECT_EQ(run_zsr({"train"}).code, 2);
  EXPECT_EQ(
      run_zsr({"train", "blur-predictor", (dir / "photos").string(), "-o", (dir / "q").string(), "--patches", "7"})
          .code,
      2);
}

}  // namespace
}  // namespace zsr::test
