#include "control/json_builder.h"

#include <gtest/gtest.h>

namespace srpd::control {
namespace {

std::string dumped(std::string_view text) {
  const auto json = build_json(text, 8);
  return json ? json->dump() : json.error().cause;
}

TEST(JsonBuilder, KeepsValuesAndTheirOrder) {
  constexpr std::string_view text =
      R"({"z":[],"a":{},"b":[1,-2,0.5,"x",true,null,{"c":[[{}],[18446744073709551615]]}]})";
  EXPECT_EQ(dumped(text), text);
  for (const std::string_view scalar : {"7", "null", "\"a\"", "[]"})
    EXPECT_EQ(dumped(scalar), scalar);
}

TEST(JsonBuilder, TakesTheLastOfMembersWithTheSameName) {
  EXPECT_EQ(dumped(R"({"a": 1, "b": {"a": 2}, "a": [3]})"), R"({"a":[3],"b":{"a":2}})");
}

TEST(JsonBuilder, RefusesDeepNesting) {
  EXPECT_EQ(dumped("[[[[[[[[8]]]]]]]]"), "[[[[[[[[8]]]]]]]]");
  const auto refused = build_json(R"([[[[[[[{"a": []}]]]]]]])", 8);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().cause, "nested deeper than 8");
  EXPECT_FALSE(refused.error().byte);
}

TEST(JsonBuilder, TellsWhereTheTextIsNoJson) {
  for (const auto& [text, byte] : {std::pair<std::string_view, std::size_t>{"{\"a\" 1}", 6},
                                   {"[1, 2", 6},
                                   {"", 1},
                                   {"[1] 2", 5}}) {
    const auto refused = build_json(text, 8);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().byte, byte) << text << ": " << refused.error().cause;
  }
  EXPECT_FALSE(build_json("[\"\xff\"]", 8));
  const auto large = build_json("[1e999]", 8);
  ASSERT_FALSE(large);
  EXPECT_FALSE(large.error().byte) << large.error().cause;
}

}  // namespace
}  // namespace srpd::control
