#include "store/size_text.h"

#include <gtest/gtest.h>

namespace srpd::store {
namespace {

TEST(SizeText, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*parse_size("4096"), 4096u);
  EXPECT_EQ(*parse_size("0"), 0u);
  EXPECT_EQ(*parse_size("64k"), 65536u);
  EXPECT_EQ(*parse_size("256M"), 256u << 20);
  EXPECT_EQ(*parse_size("1.5G"), 3u << 29);
  EXPECT_EQ(*parse_size("2TiB"), std::uint64_t{2} << 40);
  EXPECT_EQ(*parse_size("500GB"), 500'000'000'000u);
  EXPECT_EQ(*parse_size("1P"), std::uint64_t{1} << 50);
  EXPECT_EQ(*parse_size("9223372036854775807"), static_cast<std::uint64_t>(INT64_MAX));
}

TEST(SizeText, RefusesTheRestWithAnExample) {
  for (const char* text : {"", "M", "-1", "+1", "1X", "1MM", "1 M", "12q", "0x10", "1.2.3",
                           "9223372036854775808", "99999999999999999999999", "9000P", "1iB"}) {
    const auto size = parse_size(text);
    ASSERT_FALSE(size) << text;
    EXPECT_NE(size.error().remedy.find("256M"), std::string::npos);
  }
}

TEST(SizeText, WritesShortAndExact) {
  EXPECT_EQ(format_size(256u << 20), "256 MiB");
  EXPECT_EQ(format_size(3u << 29), "1.5 GiB");
  EXPECT_EQ(format_size(std::uint64_t{5} << 40), "5 TiB");
  EXPECT_EQ(format_size(512), "512 bytes");
  EXPECT_EQ(format_size((1u << 20) + 512), "1049088 bytes");
}

}  // namespace
}  // namespace srpd::store
