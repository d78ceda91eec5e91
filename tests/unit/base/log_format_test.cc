#include "base/log_format.h"

#include <gtest/gtest.h>

namespace srpd::log {
namespace {

using namespace std::chrono_literals;
const std::chrono::system_clock::time_point moment{1'700'000'000'042ms};

TEST(LogFormat, Json) {
  EXPECT_EQ(json_line(moment, "info", "192.0.2.1:5555: \"ready\""),
            R"({"time":"2023-11-14T22:13:20.042Z","level":"info",)"
            R"("message":"192.0.2.1:5555: \"ready\""})");
}

TEST(LogFormat, Logfmt) {
  EXPECT_EQ(logfmt_line(moment, "warning", "a\\b"),
            R"(time=2023-11-14T22:13:20.042Z level=warning message="a\\b")");
}

TEST(LogFormat, NothingBreaksTheLine) {
  EXPECT_TRUE(json_line(moment, "info", "a\nb\r\x1b\x7f")
                  .ends_with(R"("message":"a\nb\u000d\u001b\u007f"})"));
}

TEST(LogFormat, TextIsUtf8WhateverComes) {
  const auto message = [](std::string_view text) {
    const std::string line = json_line(moment, "info", text);
    const std::size_t at = line.find("message") + 10;
    return line.substr(at, line.size() - at - 2);
  };
  EXPECT_EQ(message("Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x92\xbe"),
            "Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x92\xbe");
  constexpr const char* replaced = "\xef\xbf\xbd";
  for (const char* wrong : {"\xff", "\xc0", "\x80", "\xf8", "\xe2"})
    EXPECT_EQ(message(wrong), replaced);
  // Overlong, surrogate, beyond U+10FFFF: each byte by itself is nothing.
  for (const char* wrong : {"\xe0\x80\x80", "\xed\xa0\x80"})
    EXPECT_EQ(message(wrong), std::string(replaced) + replaced + replaced);
  EXPECT_EQ(message("\xf4\x90\x80\x80").size(), 12u);
}

}  // namespace
}  // namespace srpd::log
