#include "ns/handlers.h"

#include <gtest/gtest.h>

#include <string>

namespace srpd::ns {
namespace {

std::string refusal(std::string_view config) {
  const auto good = check_config(config);
  return good ? "" : good.error().cause;
}

TEST(Handlers, TakeTheirOwnConfigurations) {
  EXPECT_EQ(refusal("null/anything"), "");
  EXPECT_EQ(refusal("null/a/b,c=d"), "");
}

TEST(Handlers, SayWhyNot) {
  EXPECT_EQ(refusal("rbd/pool"), "there is no handler 'rbd'");
  EXPECT_EQ(refusal(""), "there is no handler ''");
  EXPECT_EQ(refusal("null"), "something must follow 'null/'");
  EXPECT_EQ(refusal("null/"), "something must follow 'null/'");
  EXPECT_EQ(refusal("null/a:b"), "colons and blanks cannot be saved");
  EXPECT_EQ(refusal("null/a b"), "colons and blanks cannot be saved");
  EXPECT_EQ(refusal("null/a\nb"), "colons and blanks cannot be saved");
}

TEST(Handlers, HaveNamesThatCanBePartsOfPathsOfObjects) {
  for (const Handler& handler : handlers()) {
    const std::string name = handler.name;
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
    EXPECT_STRNE(handler.description, "");
  }
}

}  // namespace
}  // namespace srpd::ns
