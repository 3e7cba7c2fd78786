#include "core/strict_json.h"

#include <gtest/gtest.h>

#include <functional>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

// What is refused, as "name: message".
std::string refusal(const std::function<void()>& read) {
  try {
    read();
  } catch (const EntryError& error) {
    return error.name() + ": " + error.what();
  }
  return "accepted";
}

TEST(StrictJson, UnknownAndMissingEntriesAreNamed) {
  const Json json = {{"steps", 3}, {"lsos", 1}};
  EXPECT_EQ(refusal([&] { check_entries(json, {"steps", "lsos"}); }), "accepted");
  EXPECT_EQ(refusal([&] {
              check_entries(json, {"steps", "loss"});
            }),
            "lsos: unknown field 'lsos'; there are steps, loss");
  EXPECT_EQ(refusal([] { check_entries(Json::array(), {}); }), ": must be an object, {...}");
  EXPECT_EQ(json_entry(json, "steps"), 3);
  EXPECT_EQ(refusal([&] { json_entry(json, "train"); }), "train: 'train' is missing");
}

TEST(StrictJson, ValuesHaveTheirTypeAndRange) {
  EXPECT_EQ(json_number(2.5, "level", 0.0, 2.5), 2.5);
  EXPECT_EQ(json_number(-1e9, "level"), -1e9);
  EXPECT_EQ(refusal([] { json_number("2", "level"); }), "level: 'level' is \"2\", must be a number");
  EXPECT_EQ(refusal([] { json_number(2.6, "level", 0.0, 2.5); }), "level: 'level' is 2.6, must be from 0 to 2.5");
  EXPECT_EQ(json_whole(100, "quality", 1, 100), 100);
  EXPECT_EQ(refusal([] { json_whole(2.5, "quality"); }), "quality: 'quality' is 2.5, must be a whole number");
  EXPECT_EQ(refusal([] { json_whole(0, "quality", 1, 100); }), "quality: 'quality' is 0, must be from 1 to 100");
  EXPECT_NE(refusal([] { json_whole(~uint64_t{0}, "quality"); }), "accepted");
  EXPECT_TRUE(json_truth(true, "shuffle"));
  EXPECT_EQ(refusal([] { json_truth(1, "shuffle"); }), "shuffle: 'shuffle' is 1, must be true or false");
  EXPECT_EQ(json_text_value("edsr", "network"), "edsr");
  EXPECT_EQ(refusal([] { json_text_value(Json::array({1}), "network"); }), "network: 'network' is [1], must be a text");
}

TEST(StrictJson, ChoicesAndLists) {
  const char* const names[] = {"gray", "color"};
  EXPECT_EQ(json_choice("color", "noise", names), 1U);
  EXPECT_EQ(refusal([&] { json_choice("red", "noise", names); }),
            "noise: 'noise' is \"red\", must be one of gray, color");
  EXPECT_EQ(json_list(Json::array({1, 2}), "levels", 2).size(), 2U);
  EXPECT_EQ(refusal([] { json_list(Json::array({1}), "levels", 2); }), "levels: 'levels' is [1], must be a list of 2");
}

TEST(StrictJson, LongValuesAreCutInMessages) {
  const std::string message = refusal([] { json_number(std::string(5000, 'x'), "level"); });
  EXPECT_LT(message.size(), 150U);
  EXPECT_NE(message.find("..., must be a number"), std::string::npos) << message;
}

}  // namespace
}  // namespace zsr
