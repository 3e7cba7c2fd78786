#include "core/error.h"
#include "image/photo.h"
#include "pipeline/parameters/parameter.h"
#include "pipeline/upscale.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace zsr::pipeline {
namespace {

ParameterValues values_of(const std::vector<std::pair<std::string, std::string>>& named) {
  ParameterValues values;
  for (const auto& [name, text] : named) values.set(name, text);
  return values;
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const OptionError& error) {
    return error.what();
  }
  return "";
}

TEST(Parameters, HaveOneRowEachWithHelpAndGroup) {
  std::set<std::string> names;
  for (const Parameter& parameter : parameters()) {
    EXPECT_TRUE(names.insert(parameter.name()).second) << parameter.name();
    EXPECT_FALSE(parameter.help.empty()) << parameter.name();
    EXPECT_NE(parameter.help.back(), '.') << parameter.name();
    EXPECT_FALSE(parameter.group.empty()) << parameter.name();
    EXPECT_FALSE(methods_with(parameter.setting).empty()) << parameter.name();
  }
}

TEST(Parameters, EverySettingButTheDeviceHasARow) {
  std::set<Setting> with_row;
  for (const Parameter& parameter : parameters()) with_row.insert(parameter.setting);
  for (const Method& method : methods()) {
    for (const Setting setting : method.settings) {
      EXPECT_TRUE(setting == Setting::kDevice || with_row.contains(setting)) << to_string(setting);
    }
  }
}

TEST(Parameters, AreReadIntoTheRequest) {
  Request request;
  const Method& zssr = default_method();
  take_parameters(
      values_of({{"noise", "7.5"}, {"ensemble", "off"}, {"steps", "9"}, {"tile", "64"}, {"gradual", "1.5,2"}}), zssr,
      {}, request);
  EXPECT_EQ(request.noise.source, NoiseRequest::Source::kGiven);
  EXPECT_EQ(request.noise.sigma, 7.5);
  EXPECT_EQ(request.ensemble, false);
  EXPECT_EQ(request.steps, 9);
  EXPECT_EQ(request.tile, 64);
  EXPECT_EQ(request.zssr.gradual->size(), 2U);
  EXPECT_TRUE(request.zero_shot);
}

TEST(Parameters, WrongValuesNameFlagValueAndRange) {
  const auto refused = [](const std::string& method, const std::string& flag, const std::string& text) {
    return message_of([&] {
      Request request;
      take_parameters(values_of({{flag, text}}), *find_method(method), {}, request);
    });
  };
  EXPECT_EQ(refused("zssr", "noise", "300"), "--noise 300 must be from 0 to 255");
  EXPECT_EQ(refused("zssr", "noise", "loud"), "--noise 'loud' is not a number");
  EXPECT_EQ(refused("zssr", "ensemble", "maybe"), "--ensemble 'maybe' must be on or off");
  EXPECT_EQ(refused("zssr", "steps", "1.5"), "--steps 1.5 must be a whole number, 0 or more");
  EXPECT_EQ(refused("zssr", "back-projection", "1001"), "--back-projection 1001 must be a whole number from 0 to 1000");
  EXPECT_EQ(refused("zssr", "optimizer", "sgd"), "--optimizer 'sgd' must be adam or muon");
  EXPECT_EQ(refused("restore", "detail", "2"), "--detail '2' must be auto or 0 to 1");
  EXPECT_EQ(refused("restore", "tone", "up"), "--tone 'up' must be off or auto");
  EXPECT_EQ(refused("dip", "stop", "late"), "--stop 'late' must be auto or steps");
  EXPECT_EQ(refused("dip", "average", "7"), "--average 7 must be from -1 to 1");
}

TEST(Parameters, EachRefusesTheMethodsThatCannotUseIt) {
  for (const Parameter& parameter : parameters()) {
    for (const Method& method : methods()) {
      const std::string said = message_of([&] {
        refuse_unused(values_of({{parameter.name(), "1"}}), method, "--flag");
      });
      if (method.uses(parameter.setting)) {
        EXPECT_EQ(said, "");
      } else {
        EXPECT_NE(said.find(method.name + " cannot use --" + parameter.name() + " (" + method.name +
                            " was chosen by --flag)"),
                  std::string::npos)
            << said;
      }
    }
  }
}

// A method with a parameter of its own, as a program of one's own adds it.
MethodOutput multiply(MethodInput& input) {
  const ParameterValues& values = input.request.values;
  const double factor = values.has("factor") ? values.number("factor", 0.0, 1.0) : 0.5;
  MethodOutput output;
  output.image = input.color * factor;
  output.used = {{"factor", factor}};
  return output;
}

std::vector<Parameter> own_parameters() {
  return {
      {.names = "factor", .value = "X", .help = "What pixels are multiplied by", .group = "Own", .field = "factor"}};
}

TEST(Parameters, OfAMethodOfOnesOwnReachItAndTheRecord) {
  if (find_method("multiply") == nullptr) {
    add_method({.name = "multiply",
                .title = "a test",
                .run = multiply,
                .describe = [](const Request&) { return std::string("multiply"); },
                .parameters = own_parameters});
  }
  Request request;
  request.method = "multiply";
  take_parameters(values_of({{"factor", "0.25"}}), *find_method("multiply"), {}, request);
  Photo photo;
  photo.color = torch::ones({1, 3, 8, 8});
  const Outcome outcome = upscale(photo, request);
  EXPECT_EQ(outcome.photo.color.max().item<float>(), 0.25F);
  const auto& field = outcome.record["fields"]["factor"];
  EXPECT_EQ(field["given"], "0.25");
  EXPECT_EQ(field["chosen"], 0.25);
  EXPECT_EQ(field["used"], 0.25);
}

TEST(Parameters, TasksThatKeepTheSizeTakeNoKernel) {
  Request request;
  request.method = "dip";
  request.scale = {1.0, 1.0};
  request.dip.task = dip::Task::kDenoise;
  EXPECT_NO_THROW(prepared(request));
  request.kernel.source = KernelRequest::Source::kBicubic;
  EXPECT_EQ(message_of([&] { prepared(request); }), "--kernel and --noise belong to --task sr");
}

}  // namespace
}  // namespace zsr::pipeline
