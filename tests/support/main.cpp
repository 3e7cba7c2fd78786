// gtest main: the same random state before every test, two threads, so that no test depends on another.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

namespace {

class Reseed : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { torch::manual_seed(0); }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  at::set_num_threads(2);
  testing::UnitTest::GetInstance()->listeners().Append(new Reseed);
  return RUN_ALL_TESTS();
}
