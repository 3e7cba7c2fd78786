#include "tests/golden/golden.h"

#include "tests/golden/formula.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <fstream>

namespace zsr::test {

nlohmann::json read_golden(const std::string& family) {
  std::ifstream file(ZSR_GOLDEN "/" + family + ".json");
  return nlohmann::json::parse(file);
}

torch::Tensor golden_tensor(const nlohmann::json& entry) {
  const auto shape = entry.at(1).get<std::vector<int64_t>>();
  if (entry.at(2).is_array()) return torch::tensor(entry.at(2).get<std::vector<float>>()).view(shape);
  return formula_tensor(entry.at(0).get<std::string>(), shape, entry.at(2), entry.at(3));
}

WeightsFile golden_weights(const nlohmann::json& network) {
  WeightsFile file{network.at("name"), "golden", {}, {}};
  if (network.contains("remarks")) file.metadata = network.at("remarks").get<std::map<std::string, std::string>>();
  for (const nlohmann::json& entry : network.at("weights")) file.tensors.push_back({entry.at(0), golden_tensor(entry)});
  return file;
}

BlurKernel golden_kernel(const nlohmann::json& settings) {
  return BlurKernel(golden_tensor(settings.at("kernel")));
}

double expect_golden(const torch::Tensor& found, const nlohmann::json& output) {
  constexpr double kTolerance = 1e-4;
  EXPECT_EQ(found.sizes().vec(), output.at("shape").get<std::vector<int64_t>>());
  const torch::Tensor flat = found.detach().to(torch::kFloat64).contiguous().view({-1});
  const auto values = output.at("values").get<std::vector<double>>();
  const auto last = static_cast<int64_t>(values.size()) - 1;
  const double deviation = output.at("std");
  double largest = 0.0;
  const auto expect_near = [&](double value, double wanted, const std::string& what) {
    const double difference = std::abs(value - wanted) / deviation;
    EXPECT_LT(difference, kTolerance) << what << ": " << value << " instead of " << wanted;
    largest = std::max(largest, difference);
  };
  for (int64_t i = 0; i <= last; ++i) {
    const int64_t place = i * (flat.numel() - 1) / last;
    expect_near(flat[place].item<double>(), values[static_cast<size_t>(i)], "value " + std::to_string(place));
  }
  const torch::Tensor direction = formula_tensor("projection", {flat.numel()}, 1.0, 0.0).to(torch::kFloat64);
  expect_near(flat.mean().item<double>(), output.at("mean"), "mean");
  expect_near(flat.std(/*unbiased=*/false).item<double>(), deviation, "standard deviation");
  expect_near((flat * direction).mean().item<double>(), output.at("projection"), "projection");
  return largest;
}

void expect_golden_family(const std::string& family, const GoldenForward& forward) {
  const nlohmann::json networks = read_golden(family);
  ASSERT_FALSE(networks.empty());
  double largest = 0.0;
  for (const nlohmann::json& network : networks) {
    const WeightsFile weights = golden_weights(network);
    ASSERT_FALSE(network.at("runs").empty());
    for (const nlohmann::json& run : network.at("runs")) {
      SCOPED_TRACE(weights.origin + " " + run.at("settings").dump());
      largest = std::max(largest, expect_golden(forward(weights, network, run.at("settings")), run.at("output")));
    }
  }
  testing::Test::RecordProperty("largest_relative_difference", fmt::format("{:.2g}", largest));
}

}  // namespace zsr::test
