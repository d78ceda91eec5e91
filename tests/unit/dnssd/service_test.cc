// What the network says about services: text records, names, and the one record in wire form.
#include "dnssd/service.h"

#include <gtest/gtest.h>

#include "dnssd/pointer_record.h"

namespace srpd::dnssd {
namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Txt txt_of(std::initializer_list<std::string_view> entries) {
  Txt txt;
  for (const auto entry : entries) add_txt_entry(txt, bytes(entry));
  return txt;
}

TEST(TxtRecord, KeysAndValues) {
  EXPECT_EQ(
      txt_of({"id_ext=0001", "Discovery=5556", "flag", "empty=", "eq=a=b"}),
      (Txt{{"id_ext", "0001"}, {"discovery", "5556"}, {"flag", ""}, {"empty", ""}, {"eq", "a=b"}}));
}

TEST(TxtRecord, TheFirstOfAKeyCountsAndNonsenseDoesNot) {
  EXPECT_EQ(txt_of({"a=1", "A=2", "=x", "", "b=\x1b[2J", std::string(256, 'c')}),
            (Txt{{"a", "1"}}));
}

TEST(TxtRecord, IsBounded) {
  Txt txt;
  for (int i = 0; i < 1000; ++i) add_txt_entry(txt, bytes("k" + std::to_string(i) + "=v"));
  EXPECT_EQ(txt.size(), 64u);
}

TEST(TxtRecord, Entries) {
  EXPECT_EQ(txt_entries({{"a", "1"}, {"b", ""}}), (std::vector<std::string>{"a=1", "b="}));
  EXPECT_EQ(txt_entries({{"a", std::string(300, 'x')}})[0].size(), 255u);
}

TEST(InstanceName, AtMost63BytesAndWholeCharacters) {
  EXPECT_EQ(instance_name("storage1"), "storage1");
  EXPECT_EQ(instance_name(std::string(100, 'x')).size(), 63u);
  const std::string umlauts = std::string(62, 'x') + "\xc3\xbc";
  EXPECT_EQ(instance_name(umlauts), std::string(62, 'x'));
}

std::string pointer(std::string_view instance, std::uint8_t type = 12) {
  using namespace std::string_literals;
  std::string record = "\x04_srp\x04_tcp\x05local\0"s;
  record += "\0"s + static_cast<char>(type) + "\0\x01\0\0\x11\x94\0\x10"s;
  record += static_cast<char>(instance.size());
  record += instance;
  return record + "\x04_srp\x04_tcp\x05local\0"s;
}

TEST(PointerRecord, NamesTheInstance) {
  EXPECT_EQ(instance_of_pointer(bytes(pointer("a b.c"))), "a b.c");
}

TEST(PointerRecord, CutShortAtEveryByte) {
  const std::string whole = pointer("name");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto instance = instance_of_pointer(bytes(whole).first(length));
    if (instance) {
      EXPECT_EQ(*instance, "name");
    }
  }
}

TEST(PointerRecord, OthersAreNone) {
  EXPECT_FALSE(instance_of_pointer(bytes(pointer("name", 33))));
  EXPECT_FALSE(instance_of_pointer(bytes(pointer(""))));
  EXPECT_FALSE(instance_of_pointer(bytes("\xc0\x0c\0\x0c\0\x01\0\0\0\0\0\0\0\0")));
}

}  // namespace
}  // namespace srpd::dnssd
