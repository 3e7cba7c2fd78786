#include "core/error.h"
#include "networks/registry.h"
#include "srmd/network.h"
#include "tests/training/support.h"
#include "zssr/start.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::training {
namespace {

TEST(Student, WeightsGoOutAndComeBack) {
  for (const char* const name : {"edsr", "srmd", "srmd-edsr", "zssr-start"}) {
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

  for (const int64_t scale : {2, 3, 4}) {
    const Student told = make_student("srmd-edsr", scale, 3);
    const WeightsFile told_file = told.weights(random_values(told));
    ASSERT_TRUE(srmd::is_srmd(told_file));
    const srmd::Network network(told_file);
    EXPECT_EQ(network.scale(), scale);
    const torch::Tensor expected = told.forward(maps, random_values(told));
    EXPECT_LT(max_difference(network.forward(maps), expected), 1e-4 * expected.abs().max().item<double>());
  }

  const Student start = make_student("zssr-start", 2, 4);
  EXPECT_FALSE(srmd::is_srmd(start.weights(random_values(start))));
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

TEST(Student, ADeeperOneBeginsAsTheOneItWasMadeOf) {
  torch::manual_seed(8);
  for (const char* const name : {"edsr", "srmd", "srmd-edsr", "zssr-start"}) {
    const Student shallow = make_student(name, 2, 3);
    const torch::Tensor values = random_values(shallow);
    Student deep = make_student(name, 2, 7);
    deep.load(shallow.weights(values), true);
    const torch::Tensor input = torch::rand({1, 3 + shallow.condition_maps(), 12, 9});
    const torch::Tensor wanted = shallow.forward(input, values);
    EXPECT_LT(max_difference(deep.forward(input, deep.parameters().detach()), wanted),
              1e-4 * wanted.abs().max().item<double>())
        << name;
    EXPECT_THROW(deep.load(shallow.weights(values)), InputError) << name;
    Student shallower = make_student(name, 2, 2);
    EXPECT_THROW(shallower.load(shallow.weights(values), true), InputError) << name;
  }
}

// What it is told has no effect at first: it is that EDSR.
TEST(Student, SrmdOnEdsrsTrunkBeginsAsEdsr) {
  torch::manual_seed(9);
  const Student edsr = make_student("edsr", 2, 3);
  const torch::Tensor values = random_values(edsr);
  Student told = make_student("srmd-edsr", 2, 5);
  told.load(edsr.weights(values), true);
  const torch::Tensor photo = torch::rand({1, 3, 12, 9});
  const torch::Tensor maps = torch::rand({1, told.condition_maps(), 12, 9});
  const torch::Tensor wanted = edsr.forward(photo, values);
  EXPECT_LT(max_difference(told.forward(torch::cat({photo, maps}, 1), told.parameters().detach()), wanted),
            1e-4 * wanted.abs().max().item<double>());
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

}  // namespace
}  // namespace zsr::training
