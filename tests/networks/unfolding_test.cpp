// How USRNet runs: the data step by real transforms, the prior window by window, photos that do not continue.
#include "core/error.h"
#include "core/random.h"
#include "networks/data_solver.h"
#include "networks/data_step.h"
#include "networks/kernel_steps.h"
#include "networks/kxnet.h"
#include "networks/registry.h"
#include "networks/usrnet_prior.h"
#include "networks/windows.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "tests/golden/golden.h"
#include "tests/support/test_images.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

namespace zsr::networks {
namespace {

// In single precision against the closed form in double, also where the strength is small.
TEST(DataSolver, GivesTheDataStep) {
  torch::manual_seed(3);
  struct Case {
    int64_t scale, height, width, rows, columns;
    double alpha;
  };
  for (const Case& c : {Case{1, 9, 10, 5, 3, 0.1}, Case{2, 7, 9, 4, 6, 0.01}, Case{3, 5, 8, 25, 25, 0.5},
                        Case{4, 6, 3, 7, 7, 1e-5}, Case{2, 12, 10, 1, 1, 0.3}}) {
    const torch::Tensor y = torch::rand({1, 3, c.height, c.width});
    const torch::Tensor z = torch::rand({1, 3, c.scale * c.height, c.scale * c.width});
    torch::Tensor kernel = torch::rand({1, 1, c.rows, c.columns});
    kernel /= kernel.sum();
    const torch::Tensor transfer = transfer_function(kernel.to(torch::kFloat64), {z.size(2), z.size(3)});
    const torch::Tensor back = spectrum_back(y.to(torch::kFloat64), transfer, c.scale);
    const torch::Tensor alpha = torch::full({1, 1, 1, 1}, c.alpha, torch::kFloat64);
    const torch::Tensor want = data_step(z.to(torch::kFloat64), transfer, back, alpha, c.scale);
    // As parts of larger images.
    const torch::Tensor wide = torch::zeros({1, 4, z.size(2) + 2, z.size(3) + 5});
    const torch::Tensor part = wide.narrow(1, 0, 3).narrow(2, 1, z.size(2)).narrow(3, 2, z.size(3));
    DataSolver solver(y, kernel, c.scale);
    for (int repeat = 0; repeat < 2; ++repeat) {
      part.copy_(z);
      solver.solve(part, c.alpha, part);
      EXPECT_LT((part - want).abs().max().item<double>(), 2e-5 * want.abs().max().item<double>()) << c.scale;
    }
    EXPECT_EQ(wide.narrow(1, 3, 1).abs().max().item<float>(), 0.0F);
  }
}

TEST(Windows, CoverAnAxisWithWhatIsAroundThem) {
  for (const int64_t count : {1, 2, 3, 7}) {
    const Windows windows = cut(120, count, 10, 8);
    int64_t covered = 0;
    for (const Window& window : windows.all) {
      EXPECT_EQ(window.begin, covered);
      covered = window.end;
      EXPECT_EQ(window.read % 8, 0);
      EXPECT_GE(window.read, 0);
      EXPECT_LE(window.read, std::max<int64_t>(0, window.begin - 10));
      EXPECT_GE(window.read + windows.size, std::min<int64_t>(120, window.end + 10));
      EXPECT_LE(window.read + windows.size, 120);
    }
    EXPECT_EQ(covered, 120);
  }
}

// The memory of a window does not grow with the photo.
TEST(Windows, StayWithinTheirPixels) {
  for (const int64_t side : {64, 512, 4096, 16384}) {
    const WindowGrid grid = cut_within(side, side / 2, 300'000.0, 96, 8);
    EXPECT_LE(grid.rows.size * grid.columns.size, 300'000) << side;
    const bool fits = side * side / 2 <= 300'000;
    EXPECT_EQ(grid.rows.all.size() * grid.columns.all.size() == 1, fits) << side;
  }
}

Config small_prior(bool residual) {
  Config config;
  config.scales = {1, 2, 3, 4};
  for (const auto& [name, value] : {std::pair{"blocks", 1},
                                    {"width1", 8},
                                    {"width2", 12},
                                    {"width3", 16},
                                    {"width4", 20},
                                    {"hidden", 8},
                                    {"iterations", 2}}) {
    config.set(name, value);
  }
  config.set("residual", residual ? 1.0 : 0.0);
  return config;
}

TEST(UsrnetPriorRun, WindowsGiveWhatTheWholeGives) {
  for (const bool residual : {false, true}) {
    const Config config = small_prior(residual);
    nn::Graph graph;
    UsrnetPrior prior(graph, config);
    graph.output(prior(graph.input(4)), 1);
    const nn::Model model(std::move(graph));
    Random random(5);
    const torch::Tensor parameters = nn::initial_values(model.graph(), random);
    const torch::Tensor seen = test::texture(4, 264, 328).to(torch::kFloat32);
    const torch::NoGradGuard no_grad;
    const torch::Tensor whole = model.forward({seen}, parameters);
    UsrnetPriorRun run(config, nn::to_weights(model.graph(), parameters));
    // The least that memory can be: 64 pixels and what is around them.
    for (const double budget : {1e9, 1.0}) {
      const torch::Tensor made = torch::empty({1, 3, 264, 328});
      run.run(seen, made, budget);
      EXPECT_LT(test::max_difference(made, whole), 1e-5 * whole.abs().max().item<double>()) << budget;
    }
  }
}

WeightsFile drawn_usrnet() {
  nn::Graph graph = find_kind("usrnet")->graph(small_prior(true));
  Random random(6);
  WeightsFile file = nn::to_weights(graph, nn::initial_values(graph, random));
  file.metadata = small_prior(true).to_metadata("usrnet");
  return file;
}

// Nothing was blurred, nothing is noisy: nothing is to be done. With any of them there is.
TEST(Usrnet, ReturnsAPhotoThatNothingHappenedTo) {
  const auto network = find_kind("usrnet")->build(drawn_usrnet());
  const torch::Tensor photo = test::texture(3, 30, 26).to(torch::kFloat32);
  torch::Tensor delta = torch::zeros({7, 5});
  delta[3][2] = 1.0;
  const auto changed = [&](const BlurKernel& kernel, int64_t scale, double noise) {
    const torch::Tensor made = network->forward({photo, scale, kernel, noise});
    return test::max_difference(made.slice(2, 0, c10::nullopt, scale).slice(3, 0, c10::nullopt, scale), photo);
  };
  EXPECT_EQ(changed(BlurKernel(delta), 1, 0.0), 0.0);
  EXPECT_EQ(changed(BlurKernel(torch::ones({1, 1})), 1, 0.0), 0.0);
  EXPECT_GT(changed(BlurKernel(delta), 1, 0.1), 1e-4);
  EXPECT_GT(changed(BlurKernel(delta), 2, 0.0), 1e-4);
  EXPECT_GT(changed(BlurKernel(delta.roll(1, 0)), 1, 0.0), 1e-4);
}

// A photo is no period of a larger one: what stands at its right border does not show at its left.
TEST(Usrnet, PhotosDoNotContinueAtTheOtherEnd) {
  const auto network = find_kind("usrnet")->build(drawn_usrnet());
  torch::Tensor photo = test::texture(3, 48, 64).to(torch::kFloat32);
  Input input{photo, 2, BlurKernel(torch::ones({9, 9}))};
  const torch::Tensor before = network->forward(input);
  input.image = photo.clone();
  input.image.narrow(3, 56, 8).copy_(1.0 - photo.narrow(3, 56, 8));
  const torch::Tensor change = (network->forward(input) - before).abs();
  EXPECT_GT(change.narrow(3, 112, 16).max().item<double>(), 0.1);
  EXPECT_LT(change.narrow(3, 0, 16).max().item<double>(), 2e-3);
  input.circular = true;
  const torch::Tensor periodic = (network->forward(input) - before).abs();
  EXPECT_GT(periodic.narrow(3, 0, 16).max().item<double>(), 0.02);
}

// The kernel that it ends with, by tests/golden/make.py.
TEST(Kxnet, GivesTheKernelThatItFound) {
  for (const nlohmann::json& golden : test::read_golden("kxnet")) {
    const WeightsFile weights = test::golden_weights(golden);
    const Config config = find_kind("kxnet")->config_of(weights);
    const nn::Model model(kxnet_kernel_graph(config));
    const std::string last = fmt::format("X_stage.{}.", config.whole("depth") - 1);
    const torch::Tensor parameters = nn::take_parameters(model.graph(), weights, "KXNet", {last});
    const torch::NoGradGuard no_grad;
    const torch::Tensor image = test::golden_tensor(golden.at("runs").at(0).at("settings").at("image"));
    const torch::Tensor found = model.forward({image}, parameters);
    const auto wanted = golden.at("kernel").get<std::vector<float>>();
    EXPECT_EQ(found.size(2), config.whole("kernel"));
    EXPECT_NEAR(found.sum().item<double>(), 1.0, 1e-5);
    EXPECT_LT((found.flatten() - torch::tensor(wanted)).abs().max().item<double>(), 1e-5);
  }
}

TEST(Kxnet, RefusesKernelsWithoutAMiddle) {
  EXPECT_THROW(find_kind("kxnet")->graph(find_kind("kxnet")->configured(2, {{"kernel", 8.0}})), OptionError);
}

// The whole gradient of the squared error, by LibTorch, is what the step takes of the kernel.
TEST(KernelSteps, AreTheGradientOfTheSquaredError) {
  torch::manual_seed(4);
  const auto options = torch::TensorOptions(torch::kFloat64);
  for (const int64_t s : {1, 2, 3}) {
    const torch::Tensor y = torch::rand({2, 3, 5, 6}, options);
    const torch::Tensor x = torch::rand({2, 3, 5 * s, 6 * s}, options);
    const torch::Tensor kernels = torch::rand({2, 1, 7, 7}, options).requires_grad_(true);
    const torch::Tensor error = reblur_error(x, y, kernels, s);
    (0.5 * error.square()).sum().backward();
    const torch::Tensor found = kernel_gradient(x, error.detach(), 7, s) * static_cast<double>(3 * 5 * 6);
    EXPECT_LT((found - kernels.grad()).abs().max().item<double>(), 1e-12) << s;
  }
}

}  // namespace
}  // namespace zsr::networks
