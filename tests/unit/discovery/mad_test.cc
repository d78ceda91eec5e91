// Device Management MADs byte for byte: ib_srpt's values, and every refusal.
#include "discovery/mad.h"

#include <gtest/gtest.h>

#include "support/hex.h"
#include "unit/discovery/example.h"

namespace srpd::discovery {
namespace {

using test::hex;
using test::to_hex;
using wire::mad::Attribute;
using wire::mad::Status;

constexpr std::uint64_t transaction = 0x1122334455667788;

std::string padded(const std::string& text, std::size_t bytes) {
  std::string out = to_hex(hex(text));
  out.append(2 * bytes - out.size(), '0');
  return out;
}

/// A request with any bytes in front of the data.
std::vector<std::byte> request(std::string_view header) {
  std::vector<std::byte> mad = hex(header);
  mad.resize(wire::mad::size);
  return mad;
}

std::string answered(const IoUnit& unit, std::string_view header) {
  const auto mad = answer_mad(unit, request(header));
  return mad ? to_hex(*mad) : "nothing";
}

/// Header and data of a response.
std::string response(const std::string& header, const std::string& data) {
  return padded(header, 64) + padded(data, 192);
}

TEST(Mad, ClassPortInfo) {
  EXPECT_EQ(
      answered(test::wiki_unit(), "01060101 0000 0000 0000000112345678 0001 0000 00000000"),
      response("01060181 0000 0000 0000000112345678 0001 0000 00000000", "01 01 0000 000000 14"));
}

TEST(Mad, IoUnitInfo) {
  EXPECT_EQ(answered(test::wiki_unit(), "01060101 0000 0000 0000000112345678 0010 0000 00000000"),
            response("01060181 0000 0000 0000000112345678 0010 0000 00000000", "0001 10 00 10"));
}

TEST(Mad, IoUnitInfoWithGaps) {
  IoUnit unit = test::unit_of({{1, 1, 1}, {1, 2, 1}, {1, 3, 1}, {1, 4, 1}});
  unit.controllers.erase(3);
  EXPECT_EQ(answered(unit, "01060101 0000 0000 0000000112345678 0010 0000 00000000"),
            response("01060181 0000 0000 0000000112345678 0010 0000 00000000", "0001 10 00 11 01"));
}

TEST(Mad, IoControllerProfile) {
  EXPECT_EQ(answered(test::wiki_unit(), "01060101 0000 0000 0000000000000009 0011 0000 00000001"),
            response("01060181 0000 0000 0000000000000009 0011 0000 00000001",
                     "0002c903000e8acc 000002c9 0000673c 00b0 0000 000002c9 00000000"
                     "0100 609e 0108 0001 0000 0000 1000 00 04 00002054 00010000 2b 00 01"
                     "000000000000000000"
                     "4c696e75782053525020746172676574"));
}

TEST(Mad, ServiceEntries) {
  EXPECT_EQ(answered(test::wiki_unit(), "01060101 0000 0000 0000000000000009 0012 0000 00010000"),
            response("01060181 0000 0000 0000000000000009 0012 0000 00010000",
                     "5352502e5431303a30303032633930333030306538616363"
                     "00000000000000000000000000000000"
                     "0002c903000e8acc"));
}

TEST(Mad, ServiceEntriesStartWithTheFirstAskedFor) {
  std::vector<ServedPort> ports;
  for (std::uint64_t i = 0; i < 6; ++i) ports.push_back({i, 7, 0x13f0000 + i});
  const Answer answer = discovery::answer(test::unit_of(ports), ask_services(1, 2, 5));
  ASSERT_EQ(answer.status, Status::ok);
  const auto services = parse_services(answer.data, 4);
  ASSERT_TRUE(services);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ((*services)[i].id, 0x13f0002 + i);
}

TEST(Mad, Refusals) {
  struct Case {
    const char* what;
    const char* header;
    const char* answer;
  };
  const Case cases[] = {
      {"slot 0", "01060101 0000 0000 0000000000000001 0011 0000 00000000",
       "01060181 001c 0000 0000000000000001 0011 0000 00000000"},
      {"slot above the last", "01060101 0000 0000 0000000000000001 0011 0000 00000011",
       "01060181 001c 0000 0000000000000001 0011 0000 00000011"},
      {"slot far above", "01060101 0000 0000 0000000000000001 0011 0000 00010001",
       "01060181 001c 0000 0000000000000001 0011 0000 00010001"},
      {"empty slot", "01060101 0000 0000 0000000000000001 0011 0000 00000002",
       "01060181 0100 0000 0000000000000001 0011 0000 00000002"},
      {"services of slot 0", "01060101 0000 0000 0000000000000001 0012 0000 00000000",
       "01060181 001c 0000 0000000000000001 0012 0000 00000000"},
      {"services of an empty slot", "01060101 0000 0000 0000000000000001 0012 0000 00100000",
       "01060181 0100 0000 0000000000000001 0012 0000 00100000"},
      {"a service too many", "01060101 0000 0000 0000000000000001 0012 0000 00010100",
       "01060181 0100 0000 0000000000000001 0012 0000 00010100"},
      {"first behind last", "01060101 0000 0000 0000000000000001 0012 0000 00010001",
       "01060181 0100 0000 0000000000000001 0012 0000 00010001"},
      {"unknown attribute", "01060101 0000 0000 0000000000000001 0020 0000 00000000",
       "01060181 000c 0000 0000000000000001 0020 0000 00000000"},
      {"Set", "01060102 0000 0000 0000000000000001 0010 0000 00000000",
       "01060181 000c 0000 0000000000000001 0010 0000 00000000"},
      {"another method", "01060103 0000 0000 0000000000000001 0010 0000 00000000",
       "01060181 0008 0000 0000000000000001 0010 0000 00000000"},
      {"another class version", "01060201 0000 0000 0000000000000001 0010 0000 00000000",
       "01060181 0004 0000 0000000000000001 0010 0000 00000000"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(answered(test::wiki_unit(), c.header), response(c.answer, "")) << c.what;
}

TEST(Mad, FiveServicesAtOnceDoNotFit) {
  std::vector<ServedPort> ports;
  for (std::uint64_t i = 0; i < 6; ++i) ports.push_back({i, 7, i});
  EXPECT_EQ(answer(test::unit_of(ports), ask_services(1, 0, 4)).status, Status::invalid_field);
}

TEST(Mad, NoAnswerIsDue) {
  const char* const get = "01060101 0000 0000 0000000000000001 0010 0000 00000000";
  const IoUnit unit = test::wiki_unit();
  std::vector<std::byte> mad = request(get);
  mad.pop_back();
  EXPECT_FALSE(answer_mad(unit, mad)) << "truncated";
  EXPECT_FALSE(answer_mad(unit, {})) << "empty";
  mad = request(get);
  mad.emplace_back();
  EXPECT_FALSE(answer_mad(unit, mad)) << "too long";
  EXPECT_EQ(answered(unit, "01030101 0000 0000 0000000000000001 0010 0000 00000000"), "nothing")
      << "another class";
  EXPECT_EQ(answered(unit, "01060181 0000 0000 0000000000000001 0010 0000 00000000"), "nothing")
      << "a response";
}

TEST(Mad, AnEmptyUnitAnswers) {
  const IoUnit unit;
  EXPECT_EQ(answer(unit, ask_io_unit()).status, Status::ok);
  EXPECT_EQ(answer(unit, ask_controller(1)).status, Status::no_controller);
}

TEST(Mad, AskedAndAnswered) {
  const Mad asked = request_mad(ask_controller(1), transaction);
  const auto mad = answer_mad(test::wiki_unit(), asked);
  ASSERT_TRUE(mad);
  const auto answer = parse_response_mad(*mad, ask_controller(1), transaction);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, Status::ok);
  EXPECT_EQ(parse_controller(answer->data)->controller.guid, test::wiki_guid);
  EXPECT_FALSE(parse_response_mad(*mad, ask_controller(2), transaction)) << "another question";
  EXPECT_FALSE(parse_response_mad(*mad, ask_controller(1), transaction + 1)) << "another asker";
  EXPECT_FALSE(parse_response_mad(asked, ask_controller(1), transaction)) << "no response";
  EXPECT_FALSE(parse_response_mad(std::span(*mad).first(255), ask_controller(1), transaction));
}

TEST(Mad, ShortAttributesAreRefused) {
  const AttributeData data{};
  EXPECT_FALSE(parse_io_unit(std::span(data).first(131)));
  EXPECT_FALSE(parse_controller(std::span(data).first(127)));
  EXPECT_FALSE(parse_services(std::span(data).first(191), 4));
  EXPECT_TRUE(parse_services(std::span(data).first(48), 1));
  EXPECT_EQ(parse_services(data, 9)->size(), 4u);
}

}  // namespace
}  // namespace srpd::discovery
