#include "initiator/url.h"

#include <gtest/gtest.h>

#include "initiator/identity.h"
#include "initiator/lun.h"

namespace srpd::initiator {
namespace {

std::string canonical(std::string_view text) {
  const auto url = Url::parse(text);
  return url ? url->text() : "error: " + url.error().text();
}

TEST(Url, ReadsEveryForm) {
  const auto url = Url::parse("srp://disk.example:7/00112233445566778899aabbccddeeff/3");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->host, "disk.example");
  EXPECT_EQ(url->port, 7);
  EXPECT_EQ(url->endpoint(), "disk.example:7");
  EXPECT_EQ((*url->target)[15], std::byte{0xff});
  EXPECT_EQ(*url->lun, 0x0003'0000'0000'0000u);

  EXPECT_EQ(canonical("srp://h/0"), "srp://h/0");
  EXPECT_EQ(canonical("srp://h//0"), "srp://h/0");
  EXPECT_EQ(canonical("srp://h"), "srp://h");
  EXPECT_EQ(canonical("srp://h/"), "srp://h");
  EXPECT_EQ(canonical("srp://h:5555/1"), "srp://h/1");
  EXPECT_EQ(canonical("srp://[::1]:5556/300"), "srp://[::1]:5556/300");
  EXPECT_EQ(canonical("srp://h/0x0011223344556677/1"),
            "srp://h/00112233445566770011223344556677/1");
  EXPECT_EQ(canonical("srp://ib:[fe80::2:c903:e:8acd]:5555/1"), "srp://ib:[fe80::2:c903:e:8acd]/1");
  EXPECT_EQ(canonical("srp://ib:[fe80::1]:7/0"), "srp://ib:[fe80::1]:7/0");
  EXPECT_EQ(Url::parse("srp://ib:[fe80::1]/0")->endpoint(), "ib:[fe80::1]:5555");
  EXPECT_EQ(canonical("srp://ib:7/0"), "srp://ib:7/0");  // a host of that name
  EXPECT_EQ(canonical("srp://h/0x8001020304050607"), "srp://h/0x8001020304050607");
  EXPECT_EQ(canonical("srp://h/00112233445566778899aabbccddeeff/"),
            "srp://h/00112233445566778899aabbccddeeff/");
}

TEST(Url, SaysWhatIsWrong) {
  const auto expect = [](std::string_view text, std::string_view cause) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_NE(url.error().cause.find(cause), std::string::npos) << url.error().text();
    EXPECT_NE(url.error().remedy.find("srp://HOST"), std::string::npos);
  };
  expect("iscsi://h/0", "not an srp:// URL");
  expect("srp:///0", "host is missing");
  expect("srp://h:0/0", "host or port");
  expect("srp://h:65536/0", "host or port");
  expect("srp://h:x/0", "host or port");
  expect("srp://[::1/0", "host or port");
  expect("srp://[::1]5/0", "host or port");
  expect("srp://ib:[fe80::1/0", "host or port");
  expect("srp://ib:[fe80::1]x/0", "host or port");
  expect("srp://h/x", "LUN");
  expect("srp://h/16384", "LUN");
  expect("srp://h/-1", "LUN");
  expect("srp://h/0x", "LUN");
  expect("srp://h/xyz/0", "hexadecimal");
  expect("srp://h/00/0", "hexadecimal");
}

TEST(Lun, NumbersAndBytes) {
  EXPECT_EQ(lun_from_number(0), 0u);
  EXPECT_EQ(lun_from_number(255), 0x00ff'0000'0000'0000u);
  EXPECT_EQ(lun_from_number(256), 0x4100'0000'0000'0000u);
  for (const std::uint32_t number : {0u, 1u, 255u, 256u, 16383u})
    EXPECT_EQ(number_of_lun(lun_from_number(number)), number);
  EXPECT_EQ(number_of_lun(0x4001'0000'0000'0000u), 1u);
  EXPECT_EQ(number_of_lun(0x0100'0000'0000'0000u), std::nullopt);
  EXPECT_EQ(number_of_lun(1), std::nullopt);
}

TEST(Identity, IsStableAndDiffersBetweenMachines) {
  const auto id = initiator_id_from("b5a1a8c0f2a64c0e9d6d5b1e0f9a1b2c");
  EXPECT_EQ(id, initiator_id_from("b5a1a8c0f2a64c0e9d6d5b1e0f9a1b2c"));
  EXPECT_NE(id, initiator_id_from("b5a1a8c0f2a64c0e9d6d5b1e0f9a1b2d"));
  EXPECT_EQ(text_of(id).substr(0, 16), "0000000000000000");
  EXPECT_EQ(std::to_integer<int>(id[8]) & 3, 2) << "not marked as locally administered";
  EXPECT_EQ(default_initiator_id(), default_initiator_id());
}

TEST(Identity, ReadsWhatPeopleWrite) {
  EXPECT_EQ(text_of(*parse_initiator_id("0x0000:0000:0000:0001:0002:0003:0004:0005")),
            "00000000000000010002000300040005");
  EXPECT_FALSE(parse_initiator_id("1234").has_value());
  EXPECT_FALSE(parse_initiator_id("").has_value());
}

}  // namespace
}  // namespace srpd::initiator
