// VPD page 83h of a device, whole, cut at every byte, and with lengths that lie.
#include "store/designators.h"

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace srpd::store::test {
namespace {

using namespace std::string_literals;

std::vector<Designator> parsed(const std::string& page) {
  return parse_designators(std::as_bytes(std::span(page)));
}

// NAA of the unit, relative number of the port, name of the target device.
const std::string page = "\x00\x83\x00\x24"s + "\x01\x03\x00\x08\x33\x33\x33\x30\x00\x00\x07\xd0"s +
                         "\x61\x94\x00\x04\x00\x00\x00\x01"s + "\x63\xa8\x00\x0cnaa.3222222\x00"s;

TEST(Designators, AreThoseOfThePage) {
  const auto all = parsed(page);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].type, 3);
  EXPECT_EQ(all[0].code_set, 1);
  EXPECT_EQ(all[0].association, 0);
  EXPECT_FALSE(all[0].protocol) << "the port's protocol is not valid";
  EXPECT_EQ(all[0].bytes, "\x33\x33\x33\x30\x00\x00\x07\xd0"s);
  EXPECT_EQ(all[1].type, 4);
  EXPECT_EQ(all[1].association, 1);
  EXPECT_EQ(all[1].protocol, 6);
  EXPECT_EQ(all[2].type, 8);
  EXPECT_EQ(all[2].code_set, 3);
  EXPECT_EQ(all[2].association, 2);
  EXPECT_EQ(all[2].bytes, "naa.3222222\0"s);
}

TEST(Designators, OfAPageThatIsCutAreThoseThatAreWhole) {
  for (std::size_t size = 0; size < page.size(); ++size) {
    const std::size_t whole = size < 16 ? 0 : size < 24 ? 1 : 2;
    EXPECT_EQ(parsed(page.substr(0, size)).size(), whole) << size << " bytes";
  }
}

TEST(Designators, EndWhereThePageSaysOrMakesNoSense) {
  std::string shorter = page;
  shorter[3] = 0x14;
  EXPECT_EQ(parsed(shorter).size(), 2u) << "what follows is no part of the page";
  std::string longer = page;
  longer[2] = '\xff';
  EXPECT_EQ(parsed(longer).size(), 3u);
  std::string empty = page;
  empty[16 + 3] = 0;
  EXPECT_EQ(parsed(empty).size(), 1u) << "a designator of no bytes";
  std::string other = page;
  other[1] = '\x80';
  EXPECT_TRUE(parsed(other).empty()) << "another page";
}

}  // namespace
}  // namespace srpd::store::test
