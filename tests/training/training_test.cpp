#include "core/error.h"
#include "core/image/resize.h"
#include "degradations/downsample.h"
#include "degradations/kernel_code.h"
#include "degradations/kernel_families.h"
#include "networks/registry.h"
#include "srmd/network.h"
#include "tests/support/test_images.h"
#include "training/curve.h"
#include "training/trainer.h"
#include "zssr/start.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <barrier>
#include <cmath>
#include <limits>
#include <thread>

namespace zsr::training {
namespace {

using test::max_difference;

// Networks this small lose more by sharing than they gain; beside other programs they would mostly wait.
class OneThread : public ::testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};
const ::testing::Environment* const kOneThread = ::testing::AddGlobalTestEnvironment(new OneThread);

std::vector<torch::Tensor> photos(int64_t side = 96) {
  std::vector<torch::Tensor> all;
  for (const uint64_t seed : {1, 2}) {
    all.push_back(test::texture(3, side, side + 7, seed).clamp(0.0, 1.0)[0].mul(255.0).round().to(torch::kUInt8));
  }
  return all;
}

Student make_student(const std::string& network, int64_t scale = 2, int64_t depth = 2) {
  Random random(1);
  return {{network, scale, 16, depth}, random};
}

// Random weights of sensible size, so that all layers matter.
torch::Tensor random_values(const Student& student) {
  torch::manual_seed(3);
  return 0.1 * torch::randn({student.parameters().numel()});
}

TEST(Schedule, RisesThenFalls) {
  ScheduleOptions options{.name = "cosine", .steps = 1000, .warm_up = 100, .floor = 0.1};
  EXPECT_NEAR(rate_share(options, 0), 0.01, 1e-3);
  EXPECT_NEAR(rate_share(options, 500), 0.55, 1e-9);
  EXPECT_NEAR(rate_share(options, 1000), 0.1, 1e-9);
  options.name = "steps";
  options.warm_up = 0;
  EXPECT_EQ(rate_share(options, 499), 1.0);
  EXPECT_EQ(rate_share(options, 500), 0.5);
  EXPECT_EQ(rate_share(options, 999), 1.0 / 16.0);
  options.name = "sine";
  EXPECT_THROW(options.validate(), OptionError);
}

TEST(Losses, EqualTheirFormulas) {
  const torch::Tensor made = torch::tensor({{0.0F, 0.5F}, {1.0F, 0.5F}}).view({1, 1, 2, 2});
  const torch::Tensor target = torch::tensor({{0.0F, 0.25F}, {0.0F, 0.5F}}).view({1, 1, 2, 2});
  const torch::Tensor input = torch::full({1, 1, 1, 1}, 0.25F);
  const auto value = [&](const char* text) {
    return total_loss(parse_losses(text), {}, made, target, input).item<double>();
  };
  EXPECT_NEAR(value("l1"), 1.25 / 4.0, 1e-6);
  EXPECT_NEAR(value("l2"), (1.0 + 0.0625) / 4.0, 1e-6);
  EXPECT_NEAR(value("charbonnier"), (2.0 * 1e-3 + std::sqrt(0.0625 + 1e-6) + std::sqrt(1.0 + 1e-6)) / 4.0, 1e-6);
  EXPECT_NEAR(value("tv"), (1.0 + 0.0) / 2.0 + (0.5 + 0.5) / 2.0, 1e-6);
  EXPECT_NEAR(value("l1:2,tv:0.1"), 0.625 + 0.1, 1e-6);
  EXPECT_NEAR(value("cycle"), 0.25, 1e-5);  // half of a size that covers the whole image is its mean
  EXPECT_THROW(value("content"), OptionError);
  EXPECT_THROW(value("adversarial"), OptionError);
  for (const char* const wrong : {"", "l3", "l1:0", "l1:x", "l1:1x"}) EXPECT_THROW(parse_losses(wrong), OptionError);
}

TEST(PatchSource, ABatchDependsOnItsStepAlone) {
  for (const Condition condition : {Condition::kNone, Condition::kSrmd, Condition::kKernelAndNoise}) {
    const PatchSource source(photos(), condition, {.scale = 2, .batch = 4, .patch = 16, .noise = 20.0, .seed = 5});
    const Batch whole = source.draw(7, 0, 4);
    const Batch again = source.draw(7, 0, 4);
    EXPECT_EQ(max_difference(whole.input, again.input), 0.0);
    // Processes draw their shares of it.
    const Batch half = source.draw(7, 2, 4);
    EXPECT_EQ(max_difference(whole.input.slice(0, 2), half.input), 0.0);
    EXPECT_EQ(max_difference(whole.target.slice(0, 2), half.target), 0.0);
    EXPECT_GT(max_difference(whole.target, source.draw(8, 0, 4).target), 0.1);
    const PatchSource other(photos(), condition, {.scale = 2, .batch = 4, .patch = 16, .noise = 20.0, .seed = 6});
    EXPECT_GT(max_difference(whole.target, other.draw(7, 0, 4).target), 0.1);
  }
}

TEST(PatchSource, SmallPatchesAreTheLargeOnesMadeSmaller) {
  // Far from the patch's border imresize of the patch is that of the photo.
  const PatchSource plain(photos(), Condition::kNone, {.scale = 3, .batch = 3, .patch = 20, .seed = 5});
  const Batch batch = plain.draw(0, 0, 3);
  const torch::Tensor small = imresize(batch.target, {1.0 / 3, 1.0 / 3});
  EXPECT_LT(max_difference(small.slice(2, 4, -4).slice(3, 4, -4), batch.input.slice(2, 4, -4).slice(3, 4, -4)),
            1.01 / 255.0);

  const PatchSource told(photos(), Condition::kKernelAndNoise, {.scale = 2, .batch = 16, .patch = 16, .seed = 5});
  const Batch start = told.draw(0, 0, 16);
  ASSERT_EQ(start.input.size(1), 18);
  EXPECT_EQ(start.input.slice(1, 15, 16).abs().max().item<double>(), 0.0);  // no noise was asked for
  int64_t corners = 0;
  for (int64_t i = 0; i < 16; ++i) {
    const torch::Tensor lr = start.input[i].slice(0, 0, 3).unsqueeze(0);
    const double y = start.input[i][16][0][0].item<double>();
    const double x = start.input[i][17][0][0].item<double>();
    ResizeOptions grid;
    grid.phase = Phase{0.5 + 0.5 * y, 0.5 + 0.5 * x};
    corners += y != 0.0 ? 1 : 0;
    EXPECT_LT(max_difference(start.base[i], imresize(lr, {2.0, 2.0}, grid)[0]), 1e-5);
    // On that grid the enlarged patch stands where the target does: moved by a pixel it fits worse.
    const torch::Tensor inner = start.base[i].slice(1, 4, -4).slice(2, 4, -4);
    const auto miss = [&](int64_t dy, int64_t dx) {
      return (start.target[i].slice(1, 4 + dy, 28 + dy).slice(2, 4 + dx, 28 + dx) - inner).abs().mean().item<double>();
    };
    for (const int64_t step : {-1, 1}) {
      EXPECT_LT(miss(0, 0), miss(step, 0));
      EXPECT_LT(miss(0, 0), miss(0, step));
    }
  }
  EXPECT_GT(corners, 2);
  // What the code lets pass shows in the patch: the widest blur of the batch leaves the least difference of neighbours.
  const torch::Tensor pass = start.input.slice(1, 3, 15).mean({1, 2, 3});
  EXPECT_GT(pass.max().item<double>() - pass.min().item<double>(), 0.2);
  for (int64_t i = 0; i < 16; ++i) {
    const torch::Tensor maps = start.input[i].slice(0, 3);
    EXPECT_EQ((maps - maps.slice(1, 0, 1).slice(2, 0, 1)).abs().max().item<double>(), 0.0);
  }

  const PatchSource noisy(photos(), Condition::kSrmd, {.scale = 2, .batch = 24, .patch = 16, .noise = 75.0, .seed = 5});
  const torch::Tensor levels = noisy.draw(0, 0, 24).input.slice(1, 18).mean({1, 2, 3});
  EXPECT_GT((levels == 0.0).sum().item<int64_t>(), 4);
  EXPECT_GT(levels.max().item<double>(), 20.0 / 255.0);
  EXPECT_THROW(PatchSource(photos(20), Condition::kSrmd, {.scale = 2, .patch = 16}), OptionError);
}

TEST(PatchSource, RecipesOfTheToolkitServe) {
  const std::shared_ptr<const Recipe> recipe = make_recipe("bsrgan", {.scale = {2.0, 2.0}});
  const PatchSource source(photos(), Condition::kNone,
                           {.scale = 2, .batch = 2, .patch = 16, .seed = 5, .recipe = recipe});
  const Batch batch = source.draw(0, 0, 2);
  EXPECT_EQ(batch.input.sizes(), (std::vector<int64_t>{2, 3, 16, 16}));
  EXPECT_EQ(batch.target.sizes(), (std::vector<int64_t>{2, 3, 32, 32}));
  EXPECT_EQ(max_difference(batch.input, source.draw(0, 0, 2).input), 0.0);
}

TEST(KernelCode, TurnsWithThePhoto) {
  const BlurKernel kernel = make_kernel({.size = 15, .sigma_1 = 3.0, .sigma_2 = 1.0, .angle = 0.6});
  const auto code = kernel_code(kernel, 2.0);
  const auto plain = kernel_code(kernel.moved_to({0.5, 0.5}), 2.0);
  for (int64_t turn = 0; turn < 8; ++turn) {
    const torch::Tensor weights = kernel.weights().view({1, 1, 15, 15});
    const torch::Tensor turned = (turn >= 4 ? weights.rot90(turn & 3, {2, 3}).flip({3}) : weights.rot90(turn, {2, 3}));
    const auto wanted = kernel_code(BlurKernel(turned[0][0].contiguous()), 2.0);
    const auto made = turned_code(code, turn);
    for (size_t i = 0; i < code.size(); ++i) EXPECT_NEAR(made[i], wanted[i], 1e-6) << turn << " " << i;
  }
  for (size_t i = 0; i < code.size(); ++i) EXPECT_NEAR(plain[i], code[i], 0.02);
}

TEST(Student, WeightsGoOutAndComeBack) {
  for (const char* const name : {"edsr", "srmd", "zssr-start"}) {
    for (const int64_t scale : {2, 3, 4}) {
      const Student student = make_student(name, scale, 3);
      const torch::Tensor values = random_values(student);
      const WeightsFile file = student.weights(values);
      Student back = make_student(name, scale, 3);
      back.load(file);
      EXPECT_LT(max_difference(back.parameters().detach(), values), 1e-6) << name;
      const torch::Tensor input = torch::rand({1, 3 + student.condition_maps(), 12, 9});
      EXPECT_EQ(student.forward(input, values).sizes(), (std::vector<int64_t>{1, 3, 12 * scale, 9 * scale}));
    }
  }
  Student edsr = make_student("edsr", 2, 3);
  EXPECT_THROW(edsr.load({"empty", "test", {}, {}}), InputError);
  EXPECT_THROW(edsr.load({"empty", "test", {}, {}}, true), InputError);
  EXPECT_THROW(edsr.load(make_student("srmd", 2, 3).weights(make_student("srmd", 2, 3).parameters().detach()), true),
               InputError);
  EXPECT_THROW(make_student("vdsr"), OptionError);
}

TEST(Student, TrainedWeightsAreThoseOfThePublishedNetworks) {
  torch::manual_seed(4);
  const Student edsr = make_student("edsr", 4, 3);
  const torch::Tensor image = torch::rand({1, 3, 20, 17});
  const WeightsFile file = edsr.weights(random_values(edsr));
  const networks::Kind* const kind = networks::recognise(file);
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->name, "edsr");
  const torch::Tensor wanted = edsr.forward(image, random_values(edsr));
  EXPECT_LT(max_difference(kind->build(file)->forward({image, 4}), wanted), 1e-4 * wanted.abs().max().item<double>());

  const Student srmd = make_student("srmd", 3, 4);
  const WeightsFile srmd_file = srmd.weights(random_values(srmd));
  ASSERT_TRUE(srmd::is_srmd(srmd_file));
  const torch::Tensor maps = torch::rand({1, 19, 14, 15});
  EXPECT_LT(max_difference(srmd::Network(srmd_file).forward(maps), srmd.forward(maps, random_values(srmd))), 1e-4);
  EXPECT_NE(srmd_file.find("pca"), nullptr);

  const Student start = make_student("zssr-start", 2, 4);
  EXPECT_EQ(zssr::Start::from_weights(start.weights(random_values(start))).blocks, 4);
}

TEST(Student, AnotherScaleBeginsWithWhatIsShared) {
  const Student two = make_student("edsr", 2, 3);
  Student four = make_student("edsr", 4, 3);
  const torch::Tensor values = random_values(two);
  four.load(two.weights(values), true);
  const WeightsFile loaded = four.weights(four.parameters().detach());
  const WeightsFile from = two.weights(values);
  EXPECT_LT(max_difference(*loaded.find("body.1.body.0.weight"), *from.find("body.1.body.0.weight")), 1e-7);
  EXPECT_LT(max_difference(*loaded.find("tail.1.weight"), *from.find("tail.1.weight")), 1e-7);
  EXPECT_THROW(four.load(from), InputError);
}

// A new chain of four layers, without what its last one mixes in at random.
WeightsFile only_colors(const Student& student) {
  WeightsFile file = student.weights(student.parameters().detach());
  for (const NamedTensor& entry : file.tensors) {
    if (entry.name == "model.6.weight") entry.tensor.slice(1, 3).zero_();
  }
  return file;
}

TEST(Student, SrmdBeginsAsBilinearInterpolation) {
  torch::manual_seed(6);
  for (const int64_t scale : {2, 3, 4}) {
    Student student = make_student("srmd", scale, 4);
    student.load(only_colors(student));
    const torch::Tensor photo = torch::rand({1, 3, 9, 11});
    const torch::Tensor made = student.forward(
        torch::cat({photo, torch::rand({1, student.condition_maps(), 9, 11})}, 1), student.parameters().detach());
    const torch::Tensor expected = torch::upsample_bilinear2d(photo, {9 * scale, 11 * scale}, false);
    const auto inside = [&](const torch::Tensor& image) {
      return image.slice(2, scale, -scale).slice(3, scale, -scale);
    };
    EXPECT_LT(max_difference(inside(made), inside(expected)), 1e-5) << scale;
  }
}

// What stands before the shuffle is taken over for the sub-pixels of another scale: a slope stays that slope.
TEST(Student, AnotherScaleEnlargesAsTheOneItBeganWith) {
  Student two = make_student("srmd", 2, 4);
  two.load(only_colors(two));
  for (const int64_t scale : {3, 4}) {
    Student other = make_student("srmd", scale, 4);
    other.load(only_colors(two), true);
    const torch::Tensor photo =
        (0.3 + 0.02 * torch::arange(12).view({1, 1, 1, 12}) + 0.01 * torch::arange(10).view({1, 1, 10, 1}))
            .expand({1, 3, 10, 12});
    const torch::Tensor made = other.forward(torch::cat({photo, torch::rand({1, other.condition_maps(), 10, 12})}, 1),
                                             other.parameters().detach());
    const torch::Tensor expected = torch::upsample_bilinear2d(photo, {10 * scale, 12 * scale}, false);
    const auto inside = [&](const torch::Tensor& image) {
      return image.slice(2, 2 * scale, -2 * scale).slice(3, 2 * scale, -2 * scale);
    };
    EXPECT_LT(max_difference(inside(made), inside(expected)), 1e-5) << scale;
  }
}

TEST(Student, AStartingPointBeginsWithEdsrsTrunk) {
  const Student edsr = make_student("edsr", 3, 3);
  const torch::Tensor values = random_values(edsr);
  Student start = make_student("zssr-start", 2, 3);
  start.load(edsr.weights(values), true);
  const WeightsFile loaded = start.weights(start.parameters().detach());
  const WeightsFile from = edsr.weights(values);
  for (const char* const name : {"body.0.body.0.weight", "body.2.body.2.weight", "body.3.weight"}) {
    EXPECT_LT(max_difference(*loaded.find(name), *from.find(name)), 1e-7) << name;
  }
  const torch::Tensor head = *loaded.find("head.0.weight");
  EXPECT_LT(max_difference(head.slice(1, 0, 3), *from.find("head.0.weight")), 1e-7);
  EXPECT_EQ(head.slice(1, 3).abs().max().item<double>(), 0.0);  // what it is told has no effect yet
}

// A VGG network of random weights, as torchvision names it, down to the second block.
WeightsFile small_vgg() {
  torch::manual_seed(6);
  WeightsFile file{"vgg", "test", {}, {}};
  const std::vector<std::array<int64_t, 3>> layers = {{0, 3, 64}, {2, 64, 64}, {5, 64, 128}, {7, 128, 128}};
  for (const auto& [place, in, out] : layers) {
    const std::string name = "features." + std::to_string(place);
    file.tensors.push_back({name + ".weight", torch::randn({out, in, 3, 3}) * std::sqrt(2.0 / (9.0 * in))});
    file.tensors.push_back({name + ".bias", 0.1 * torch::randn({out})});
  }
  return file;
}

TEST(VggFeatures, LookThroughTheLayersOneByOne) {
  const WeightsFile vgg = small_vgg();
  const torch::Tensor a = torch::rand({2, 3, 16, 16});
  const torch::Tensor b = torch::rand({2, 3, 16, 16});
  const auto look = [&](const torch::Tensor& image) {
    const auto conv = [&](const torch::Tensor& x, int64_t i) {
      return torch::conv2d(x, vgg.tensors[2 * i].tensor, vgg.tensors[2 * i + 1].tensor, 1, 1);
    };
    torch::Tensor x = (image - torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1})) /
                      torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
    x = torch::relu(conv(torch::relu(conv(x, 0)), 1));
    return conv(torch::relu(conv(torch::max_pool2d(x, 2), 2)), 3);
  };
  const VggFeatures features(vgg, "conv2_2");
  EXPECT_NEAR(features.distance(a, b).item<double>(), (look(a) - look(b)).abs().mean().item<double>(), 1e-4);
  EXPECT_EQ(features.distance(a, a).item<double>(), 0.0);
  EXPECT_THROW(VggFeatures(vgg, "conv2_3"), InputError);
  EXPECT_THROW(VggFeatures(vgg, "conv3_1"), InputError);
  EXPECT_THROW(VggFeatures(vgg, "relu2_2"), OptionError);
}

TEST(Adversary, LearnsToTellAndTeaches) {
  for (const char* const network : {"unet", "patch"}) {
    for (const char* const kind : {"vanilla", "ls"}) {
      Random random(3);
      Adversary adversary({.network = network, .loss = kind, .width = 8, .learning_rate = 2e-3}, random);
      torch::manual_seed(7);
      double first = 0.0;
      double value = 0.0;
      for (int step = 0; step < 60; ++step) {
        const torch::Tensor made = torch::rand({2, 3, 32, 32});                       // noise
        const torch::Tensor real = torch::rand({2, 3, 1, 1}).expand({2, 3, 32, 32});  // flat
        adversary.step(adversary.gradient(made, real, value), 1.0);
        if (step == 0) first = value;
      }
      EXPECT_LT(value, 0.7 * first) << network << " " << kind;
      // Steps of an image along its slope make it look more real.
      torch::Tensor image = torch::rand({1, 3, 32, 32}).requires_grad_();
      const double before = adversary.judge(image.detach()).mean().item<double>();
      adversary.loss_of(image).backward();
      const torch::Tensor moved = image.detach() - 0.05 * image.grad().sign();
      EXPECT_GT(adversary.judge(moved).mean().item<double>(), before) << network << " " << kind;
    }
  }
  EXPECT_THROW(AdversaryOptions{.network = "vgg"}.validate(), OptionError);
  EXPECT_THROW(AdversaryOptions{.loss = "hinge"}.validate(), OptionError);
}

TEST(PatchSource, ACurriculumBeginsEasily) {
  PatchOptions options{.scale = 2, .batch = 24, .patch = 16, .noise = 75.0, .curriculum = 1000, .seed = 5};
  const PatchSource source(photos(), Condition::kSrmd, options);
  const auto strongest = [&](int64_t step) { return source.draw(step, 0, 24).input.slice(1, 18).max().item<double>(); };
  EXPECT_LT(strongest(0), 0.1 / 255.0);
  EXPECT_GT(strongest(1000), 20.0 / 255.0);
}

// A run of a small student.
struct SmallRun {
  explicit SmallRun(TrainOptions options, const std::string& network = "edsr")
      : student(make_student(network)),
        source(photos(), student.condition(), {.scale = 2, .batch = 4, .patch = 16, .seed = 5}),
        validation({photos()[0].slice(1, 0, 40).slice(2, 0, 40)}, student),
        trainer(student, source, validation, options, 4, alone) {}
  Summary run(int64_t stop_after = 1'000'000) {
    RunContext context;
    context.progress = [=](const Progress& now) {
      return now.step >= stop_after ? ProgressAction::kStop : ProgressAction::kContinue;
    };
    return trainer.run(context, {});
  }
  Student student;
  PatchSource source;
  Validation validation;
  Communicator alone;
  Trainer trainer;
};

TrainOptions short_run(const char* optimizer = "muon") {
  TrainOptions options;
  options.schedule = {.steps = 30, .warm_up = 3};
  options.optimizer = optimizer;
  options.ema = 0.9;
  options.save_every = 10;
  return options;
}

TEST(Trainer, Learns) {
  for (const char* const network : {"edsr", "srmd", "zssr-start"}) {
    TrainOptions options = short_run();
    options.schedule.steps = 60;
    SmallRun run(options, network);
    const Summary summary = run.run();
    EXPECT_EQ(summary.steps, 60);
    ASSERT_EQ(run.trainer.state().log.size(), 6U);
    EXPECT_LT(run.trainer.state().log.back().loss, 0.9 * run.trainer.state().log.front().loss) << network;
    EXPECT_GT(run.trainer.state().log.back().score.psnr, 10.0);
    EXPECT_NE(curve_svg(run.trainer.state(), "a<b").find("a&lt;b"), std::string::npos);
  }
}

TEST(Trainer, AResumedRunIsTheRunThatNeverStopped) {
  for (const char* const optimizer : {"muon", "adam"}) {
    SmallRun whole(short_run(optimizer));
    whole.run();
    SmallRun first(short_run(optimizer));
    EXPECT_EQ(first.run(17).termination, Termination::kStopped);
    EXPECT_EQ(first.trainer.state().step, 17);
    SmallRun second(short_run(optimizer));
    second.trainer.restore(first.trainer.checkpoint());
    EXPECT_EQ(second.run().termination, Termination::kFinished);
    EXPECT_EQ(max_difference(second.trainer.best_parameters(), whole.trainer.best_parameters()), 0.0);
    EXPECT_EQ(max_difference(second.student.parameters(), whole.student.parameters()), 0.0);
    ASSERT_EQ(second.trainer.state().log.size(), whole.trainer.state().log.size());
    for (size_t i = 0; i < whole.trainer.state().log.size(); ++i) {
      EXPECT_EQ(second.trainer.state().log[i].step, whole.trainer.state().log[i].step);
      EXPECT_EQ(second.trainer.state().log[i].loss, whole.trainer.state().log[i].loss);
    }
  }
}

TEST(Trainer, AnAdversaryResumesToo) {
  TrainOptions options = short_run();
  options.losses = parse_losses("l1,adversarial:0.1,cycle:0.5,tv:0.001");
  options.adversary.width = 4;
  SmallRun whole(options);
  whole.run();
  SmallRun first(options);
  first.run(17);
  SmallRun second(options);
  second.trainer.restore(first.trainer.checkpoint());
  second.run();
  EXPECT_EQ(max_difference(second.student.parameters().detach(), whole.student.parameters().detach()), 0.0);
  // The adversary matters.
  SmallRun without(short_run());
  without.run();
  EXPECT_GT(max_difference(without.student.parameters().detach(), whole.student.parameters().detach()), 1e-4);
}

TEST(Trainer, RefusesTheCheckpointOfAnotherRun) {
  SmallRun run(short_run());
  const torch::Tensor before = run.student.parameters().detach().clone();
  WeightsFile checkpoint = run.trainer.checkpoint();
  const auto refused = [&](const WeightsFile& file) {
    EXPECT_THROW(run.trainer.restore(file), InputError);
    EXPECT_EQ(max_difference(run.student.parameters().detach(), before), 0.0);
  };
  refused(SmallRun(short_run("adam")).trainer.checkpoint());
  refused(SmallRun(short_run(), "srmd").trainer.checkpoint());
  refused({"plain weights", "test", {}, {}});
  WeightsFile damaged = checkpoint;
  damaged.metadata["state"] = "{\"step\": 3";
  refused(damaged);
  for (NamedTensor& entry : checkpoint.tensors) {
    if (entry.name == "values") entry.tensor[5] = std::numeric_limits<float>::quiet_NaN();
  }
  refused(checkpoint);
}

TEST(Trainer, GoesBackWhenTheLossDiverges) {
  TrainOptions options = short_run("adam");
  options.schedule = {.name = "constant", .steps = 400, .warm_up = 0};
  options.learning_rate = 1e30;
  SmallRun run(options);
  const Summary summary = run.run();
  EXPECT_EQ(summary.termination, Termination::kDiverged);
  EXPECT_FALSE(summary.message.empty());
  EXPECT_TRUE(torch::isfinite(run.student.parameters()).all().item<bool>());
  EXPECT_TRUE(torch::isfinite(run.trainer.best_parameters()).all().item<bool>());
}

// Two processes played by two threads: sums meet at a barrier.
class Pair {
 public:
  class Side : public Communicator {
   public:
    Side(Pair& pair, int64_t rank) : pair_(pair), rank_(rank) {}
    int64_t rank() const override { return rank_; }
    int64_t size() const override { return 2; }
    void sum(torch::Tensor values) override {
      pair_.given_[static_cast<size_t>(rank_)] = values.clone();
      pair_.barrier_.arrive_and_wait();
      values.copy_(pair_.given_[0] + pair_.given_[1]);
      pair_.barrier_.arrive_and_wait();
    }

   private:
    Pair& pair_;
    int64_t rank_;
  };

 private:
  std::array<torch::Tensor, 2> given_;
  std::barrier<> barrier_{2};
};

TEST(Trainer, TwoProcessesAreOneOfTheJointBatch) {
  SmallRun alone(short_run());
  alone.run();
  Pair pair;
  std::vector<std::unique_ptr<SmallRun>> runs;
  std::vector<std::unique_ptr<Trainer>> trainers;
  std::vector<std::unique_ptr<Pair::Side>> sides;
  for (const int64_t rank : {0, 1}) {
    runs.push_back(std::make_unique<SmallRun>(short_run()));
    sides.push_back(std::make_unique<Pair::Side>(pair, rank));
    SmallRun& run = *runs.back();
    trainers.push_back(
        std::make_unique<Trainer>(run.student, run.source, run.validation, short_run(), 4, *sides.back()));
  }
  std::vector<Summary> summaries(2);
  {
    std::jthread other([&] { summaries[1] = trainers[1]->run({}, {}); });
    summaries[0] = trainers[0]->run({}, {});
  }
  EXPECT_EQ(summaries[0].steps, 30);
  EXPECT_EQ(summaries[1].steps, 30);
  EXPECT_EQ(max_difference(runs[0]->student.parameters().detach(), runs[1]->student.parameters().detach()), 0.0);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(trainers[0]->state().log[i].loss, alone.trainer.state().log[i].loss, 1e-5);
  }
}

}  // namespace
}  // namespace zsr::training
