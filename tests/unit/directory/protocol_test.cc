// The discovery service's requests and answers, byte by byte as docs/discovery.md has them.
#include "directory/protocol.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "samples.h"
#include "srp/login.h"

namespace srpd::directory {
namespace {

using discovery::Mad;

std::uint8_t at(const Mad& mad, std::size_t offset) {
  return std::to_integer<std::uint8_t>(mad[offset]);
}

Mad get(std::uint16_t attribute, std::uint32_t modifier) {
  return discovery::request_mad({static_cast<wire::mad::Attribute>(attribute), modifier}, 7);
}

/// Asks until everything is known; `spoil` may change an answer.
Expected<Listing> ask(const Listing& served, const std::function<void(Mad&, unsigned)>& spoil = {},
                      unsigned* count = nullptr) {
  Inquiry inquiry;
  unsigned asked = 0;
  while (const auto request = inquiry.request()) {
    auto response = answer(served, *request).value();
    if (spoil) spoil(response, asked);
    ++asked;
    if (auto taken = inquiry.take(response); !taken) return tl::make_unexpected(taken.error());
    EXPECT_LT(asked, 100'000u);
  }
  if (count != nullptr) *count = asked;
  return inquiry.listing();
}

TEST(DiscoveryProtocol, Hello) {
  const auto hello = build_hello();
  const auto bytes = wire::bytes_of(hello);
  ASSERT_EQ(bytes.size(), 16u);
  EXPECT_EQ(std::memcmp(bytes.data(), "SRP-DISC\x01\0\0\0\0\0\0\0", 16), 0);
  EXPECT_EQ(parse_hello(bytes), HelloKind::hello);
  EXPECT_EQ(parse_hello(bytes.first(15)), HelloKind::other);
  EXPECT_EQ(parse_hello({}), HelloKind::other);
  auto other = hello;
  other.version = 2;
  EXPECT_EQ(parse_hello(wire::bytes_of(other)), HelloKind::other_version);
  const auto login = srp::build_login_rdma({});
  EXPECT_EQ(parse_hello(wire::bytes_of(login)), HelloKind::srp_login);
}

TEST(DiscoveryProtocol, Welcome) {
  const auto welcome = build_welcome(4, 4096);
  const auto bytes = wire::bytes_of(welcome);
  ASSERT_EQ(bytes.size(), 16u);
  EXPECT_EQ(std::memcmp(bytes.data(), "SRP-DISC\x01\0\0\0\0\x04\x10\0", 16), 0);
  EXPECT_TRUE(parse_welcome(bytes));
  EXPECT_FALSE(parse_welcome(bytes.first(15)));
  EXPECT_FALSE(parse_welcome(wire::bytes_of(build_welcome(0, 1))));
}

TEST(DiscoveryProtocol, RejectionsAreExplained) {
  const auto busy = build_rejection(wire::directory::Refusal::busy);
  EXPECT_NE(explain_rejection(wire::bytes_of(busy), "x").cause.find("too many"), std::string::npos);
  const auto version = build_rejection(wire::directory::Refusal::bad_version);
  EXPECT_NE(explain_rejection(wire::bytes_of(version), "x").cause.find("version 1"),
            std::string::npos);
  const auto login = srp::build_login_rej({});
  EXPECT_NE(explain_rejection(wire::bytes_of(login), "x").cause.find("something else"),
            std::string::npos);
  EXPECT_FALSE(explain_rejection({}, "x").remedy.empty());
}

TEST(DiscoveryProtocol, NodeInfo) {
  const auto response = answer(sample(), get(0xff10, 0)).value();
  EXPECT_EQ(at(response, 3), 0x81);
  EXPECT_EQ(at(response, 5), 0);
  EXPECT_EQ(at(response, 65), 1);  // change ID
  EXPECT_EQ(at(response, 66), 3);  // listeners
  EXPECT_STREQ(reinterpret_cast<const char*>(&response[72]), "storage1");
  EXPECT_STREQ(reinterpret_cast<const char*>(&response[136]), "srpd 0.1.0");
}

TEST(DiscoveryProtocol, ListenerInfo) {
  const auto first = answer(sample(), get(0xff11, 1)).value();
  EXPECT_EQ(at(first, 64), 1);  // dest=
  EXPECT_EQ(at(first, 66) << 8 | at(first, 67), 5555);
  EXPECT_EQ(at(first, 72 + 12), 192);
  EXPECT_STREQ(reinterpret_cast<const char*>(&first[104]), "iwarp");
  const auto third = answer(sample(), get(0xff11, 3)).value();
  EXPECT_EQ(at(third, 64), 2);  // dgid=
  EXPECT_EQ(at(third, 65), 1);  // slot
  EXPECT_EQ(at(third, 72), 0xfe);
  EXPECT_EQ(at(third, 95), 0xb3);  // service ID
  EXPECT_EQ(at(third, 96), 0xff);  // P_Key
  EXPECT_STREQ(reinterpret_cast<const char*>(&third[120]), "mlx4_0:1");
}

TEST(DiscoveryProtocol, Refusals) {
  const auto status = [](const Mad& request) {
    const auto response = answer(sample(), request).value();
    return at(response, 4) << 8 | at(response, 5);
  };
  EXPECT_EQ(status(get(0xff11, 0)), 0x1c);
  EXPECT_EQ(status(get(0xff11, 4)), 0x1c);
  EXPECT_EQ(status(get(0xff12, 0)), 0x0c);
  EXPECT_EQ(status(get(0x0011, 2)), 0x100);
  Mad set = get(0xff10, 0);
  set[3] = std::byte{2};
  EXPECT_EQ(status(set), 0x0c);
  Mad version = get(0xff10, 0);
  version[2] = std::byte{9};
  EXPECT_EQ(status(version), 0x04);
}

TEST(DiscoveryProtocol, WhatIsNoRequestGetsNoAnswer) {
  const Mad request = get(0xff10, 0);
  EXPECT_FALSE(answer(sample(), std::span(request).first(255)));
  EXPECT_FALSE(answer(sample(), {}));
  Mad response = request;
  response[3] = std::byte{0x81};
  EXPECT_FALSE(answer(sample(), response));
  Mad other_class = request;
  other_class[1] = std::byte{3};
  EXPECT_FALSE(answer(sample(), other_class));
}

TEST(DiscoveryProtocol, AnInquiryLearnsEverything) {
  for (const unsigned targets : {0u, 1u, 7u, 40u}) {
    const Listing served = sample(targets);
    const auto learned = ask(served);
    ASSERT_TRUE(learned) << learned.error().text();
    EXPECT_EQ(*learned, served);
  }
}

TEST(DiscoveryProtocol, AsksAgainWhenTheUnitChanges) {
  Listing served = sample();
  Inquiry inquiry;
  bool changed = false;
  while (const auto request = inquiry.request()) {
    const auto response = answer(served, *request).value();
    ASSERT_TRUE(inquiry.take(response));
    const bool node = at(*request, 16) == 0xff && at(*request, 17) == 0x10;
    if (node && !std::exchange(changed, true)) {
      const discovery::ServedPort other{1, 2, 3};
      discovery::update(served.unit, discovery::controllers_of({&other, 1})).value();
    }
  }
  EXPECT_TRUE(changed);
  EXPECT_EQ(inquiry.listing(), served);
}

TEST(DiscoveryProtocol, AUnitThatAlwaysChangesIsNotAskedForEver) {
  unsigned asked = 0;
  const auto learned = ask(
      sample(),
      [](Mad& response, unsigned number) {
        if (at(response, 16) == 0x00 && at(response, 17) == 0x10)
          response[65] = static_cast<std::byte>(number);
      },
      &asked);
  EXPECT_TRUE(learned);
  EXPECT_LT(asked, 50u);
}

TEST(DiscoveryProtocol, AnAnswerToAnotherQuestionEndsIt) {
  const auto wrong_transaction = ask(sample(), [](Mad& response, unsigned number) {
    if (number == 2) response[9] ^= std::byte{1};
  });
  ASSERT_FALSE(wrong_transaction);
  EXPECT_NE(wrong_transaction.error().cause.find("another question"), std::string::npos);
  Inquiry inquiry;
  ASSERT_TRUE(inquiry.request());
  EXPECT_FALSE(inquiry.take({}));
}

TEST(DiscoveryProtocol, NamesAreMadeHarmless) {
  const auto learned = ask(sample(), [](Mad& response, unsigned) {
    if (at(response, 16) == 0xff && at(response, 17) == 0x10) response[72] = std::byte{0x1b};
  });
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->node, "?torage1");
}

TEST(DiscoveryProtocol, FormsOfTheFutureAreLeftOut) {
  const auto learned = ask(sample(), [](Mad& response, unsigned) {
    if (at(response, 16) == 0xff && at(response, 17) == 0x11 && at(response, 23) == 2)
      response[64] = std::byte{9};
  });
  ASSERT_TRUE(learned);
  EXPECT_EQ(learned->listeners.size(), 2u);
}

}  // namespace
}  // namespace srpd::directory
