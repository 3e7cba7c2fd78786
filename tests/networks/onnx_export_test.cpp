#include "networks/onnx_export.h"

#include "core/error.h"
#include "core/random.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

namespace zsr::networks {
namespace {

// As published but for the depth, which repeats the same.
WeightsFile untrained(const Kind& kind, const std::map<std::string, double>& chosen = {}) {
  std::map<std::string, double> fields = chosen;
  for (const Field& field : kind.fields) {
    const bool repeats = field.name == "depth" || field.name == "band_width";
    if (repeats) fields[field.name] = std::max(field.low, 2.0);
  }
  const Config config = kind.configured(kind.trainable_scales.back(), fields);
  const nn::Graph graph = kind.graph(config);
  Random random(3);
  WeightsFile file = nn::to_weights(graph, nn::initial_values(graph, random));
  file.metadata = config.to_metadata(kind.name);
  return file;
}

onnx::ModelProto exported(const WeightsFile& file, int64_t scale = 0) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(export_onnx(file, scale, false).bytes));
  return model;
}

std::map<std::string, std::string> metadata(const onnx::ModelProto& model) {
  std::map<std::string, std::string> all;
  for (const auto& entry : model.metadata_props()) all[entry.key()] = entry.value();
  return all;
}

int64_t input_channels(const onnx::ModelProto& model) {
  return model.graph().input(0).type().tensor_type().shape().dim(1).dim_value();
}

bool has_own_operations(const Kind& kind) {
  const nn::Graph graph = kind.graph(kind.configured(kind.trainable_scales.back(), {}));
  return std::any_of(graph.nodes().begin(), graph.nodes().end(),
                     [](const nn::Node& node) { return std::holds_alternative<nn::Custom>(node.operation); });
}

TEST(OnnxExport, WritesEveryNetwork) {
  for (const Kind& kind : kinds()) {
    if (kind.traits.takes_kernel) continue;
    SCOPED_TRACE(kind.name);
    const int64_t scale = kind.all_scales ? kind.trainable_scales.back() : 0;
    if (has_own_operations(kind)) {  // that ONNX lacks
      EXPECT_THROW(exported(untrained(kind, {{"width", kind.fields.front().low}}), scale), InputError);
      continue;
    }
    const onnx::ModelProto model = exported(untrained(kind), scale);
    EXPECT_NO_THROW(onnx::checker::check_model(model));
    const auto stored = metadata(model);
    EXPECT_EQ(stored.at("network"), kind.name);
    EXPECT_EQ(stored.at("scale"), std::to_string(kind.traits.takes_enlarged ? 1 : kind.trainable_scales.back()));
    // A generator as published sees no maps.
    const bool maps = kind.traits.condition != Condition::kNone && kind.traits.condition != Condition::kGenerator;
    EXPECT_EQ(stored.count("maps"), maps ? 1U : 0U);
    for (const Field& field : kind.fields) EXPECT_EQ(stored.count("config." + field.name), 1U) << field.name;
  }
}

TEST(OnnxExport, SaysWhatTheInputIs) {
  const auto made = [](const char* name, const std::map<std::string, double>& chosen, int64_t scale) {
    return exported(untrained(*find_kind(name), chosen), scale);
  };
  const onnx::ModelProto generator = made("dsgan", {{"noise", 1.0}, {"grid", 1.0}}, 0);
  EXPECT_EQ(input_channels(generator), 8);
  EXPECT_NE(metadata(generator).at("maps").find("8x8 blocks of JPEG"), std::string::npos);
  EXPECT_EQ(input_channels(made("srmd", {{"noise_map", 0.0}}, 0)), 18);
  const onnx::ModelProto noisy = made("srmd-edsr", {}, 0);
  EXPECT_EQ(input_channels(noisy), 19);
  EXPECT_NE(metadata(noisy).at("maps").find("18: standard deviation of the noise"), std::string::npos);
  const onnx::ModelProto restorer = made("restorer", {}, 1);
  EXPECT_EQ(input_channels(restorer), 7);
  EXPECT_NE(metadata(restorer).at("maps").find("JPEG quality"), std::string::npos);
  EXPECT_EQ(metadata(made("zssr-start", {}, 0)).at("output"),
            "RGB to add to the photo enlarged by bicubic interpolation");
  EXPECT_NE(metadata(made("vdsr", {}, 0)).at("input").find("already enlarged"), std::string::npos);
  EXPECT_EQ(metadata(made("edsr", {}, 0)).at("input"), "RGB in [0, 1]");
  const auto hdr = metadata(made("fdan", {}, 0));
  EXPECT_NE(hdr.at("input").find("BT.709"), std::string::npos);
  EXPECT_NE(hdr.at("output").find("BT.2020 behind the PQ curve"), std::string::npos);
}

}  // namespace
}  // namespace zsr::networks
