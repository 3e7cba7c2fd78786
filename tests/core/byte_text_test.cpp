#include "core/byte_text.h"

#include "core/json_bytes.h"

#include <gtest/gtest.h>

namespace zsr {
namespace {

TEST(ByteText, AnyBytesComeBack) {
  const std::vector<std::string> names = {"plain.jpg",
                                          "caf\xE9.jpg",
                                          "\xFF\xFE\x80",
                                          "caf\xC3\xA9.jpg",
                                          "\xE6\x97\xA5",
                                          "\xEE\xBE\x80",
                                          "\xEE\xBF\xBF\xE9",
                                          "\xC0\xAF",
                                          "\xED\xA0\x80",
                                          "\xF0\x9F\x98\x80",
                                          "\xF4\x90\x80\x80",
                                          "half \xE6\x97",
                                          ""};
  for (const std::string& name : names) EXPECT_EQ(bytes_of_text(text_of_bytes(name)), name);
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(bytes_of_text(text_of_bytes(all)), all);
}

TEST(ByteText, ValidTextStaysAsItIs) {
  for (const char* const text : {"plain", "caf\xC3\xA9", "\xE6\x97\xA5\xE6\x9C\xAC", "\xF0\x9F\x98\x80"}) {
    EXPECT_EQ(text_of_bytes(text), text);
  }
  EXPECT_EQ(text_of_bytes("\xE9"), "\xEE\xBF\xA9");  // U+EFE9
}

TEST(JsonBytes, MessagesInsideMessagesComeBack) {
  const nlohmann::json inner{{"input", "caf\xE9.jpg"}, {"list", {"\xFF", "plain"}}};
  const nlohmann::json outer{{"out", json_text(inner)}, {"error", "\xE9"}};
  const auto read = parse_json_text<nlohmann::json>(json_text(outer));
  EXPECT_EQ(read["error"].get_ref<const std::string&>(), "\xE9");
  EXPECT_EQ(parse_json_text<nlohmann::json>(read["out"]), inner);
  EXPECT_TRUE(parse_json_text<nlohmann::json>("{").is_discarded());
}

}  // namespace
}  // namespace zsr
