#include "ibcm/messages.h"

#include <gtest/gtest.h>

#include "unit/ibcm/example.h"

namespace srpd::ibcm {
namespace {

using test::message_in;

TEST(Messages, RequestIsReadFieldByField) {
  const auto parsed = parse(test::request());
  ASSERT_TRUE(parsed);
  const auto& request = std::get<Request>(*parsed);
  EXPECT_EQ(request.id, test::host_id);
  EXPECT_EQ(request.service, test::service);
  EXPECT_EQ(request.ca_guid, test::host_guid);
  EXPECT_EQ(request.queue_pair, test::host_queue_pair);
  EXPECT_EQ(request.responder_resources, 4);
  EXPECT_EQ(request.initiator_depth, 5);
  EXPECT_EQ(request.response_timeout, 20);
  EXPECT_EQ(request.local_timeout, 14);
  EXPECT_EQ(request.transport_service, 0);
  EXPECT_EQ(request.starting_psn, 0xabcdefu);
  EXPECT_EQ(request.retry_count, 6);
  EXPECT_EQ(request.rnr_retry_count, 7);
  EXPECT_EQ(request.max_retries, 15);
  EXPECT_EQ(request.pkey, 0xffff);
  EXPECT_EQ(request.mtu, 5);
  EXPECT_EQ(request.requester_lid, 1);
  EXPECT_EQ(request.requester_gid[15], std::byte{1});
  EXPECT_EQ(request.responder_gid[15], std::byte{2});
  EXPECT_FALSE(request.routed);
  EXPECT_EQ(request.flow_label, 0x12345u);
  EXPECT_EQ(request.traffic_class, 9);
  EXPECT_EQ(request.hop_limit, 64);
  EXPECT_EQ(request.service_level, 3);
  EXPECT_EQ(request.ack_timeout, 18);
  EXPECT_EQ(request.private_data.front(), std::byte{0x5a});
  EXPECT_EQ(request.private_data.back(), std::byte{0xa5});
}

TEST(Messages, PathWithARouterIsSeen) {
  Mad mad = test::request();
  message_in<wire::cm::ConnectRequest>(mad).service_level = 0;
  EXPECT_TRUE(std::get<Request>(*parse(mad)).routed);
}

// Offsets in the whole MAD, as a network analyser counts: the data begin at 24.
TEST(Messages, ReplyLiesWhereTheRequesterLooks) {
  const std::byte data[] = {std::byte{0xc0}, std::byte{1}};
  const Mad mad = reply(test::host_transaction, 0x01020304, 0x05060708, 0x1112131415161718,
                        {.queue_pair = 0x212223,
                         .starting_psn = 0x313233,
                         .responder_resources = 4,
                         .initiator_depth = 5,
                         .rnr_retry_count = 7,
                         .shared_receives = true,
                         .private_data = data});
  const auto at = [&](std::size_t offset) { return std::to_integer<int>(mad[offset]); };
  EXPECT_EQ(at(1), 0x07);
  EXPECT_EQ(at(2), 2);
  EXPECT_EQ(at(3), 0x03);
  EXPECT_EQ(at(17), 0x13);
  EXPECT_EQ(transaction_of(mad), test::host_transaction);
  EXPECT_EQ(at(24), 0x01);
  EXPECT_EQ(at(28), 0x05);
  EXPECT_EQ(at(24 + 12), 0x21);
  EXPECT_EQ(at(24 + 20), 0x31);
  EXPECT_EQ(at(24 + 24), 4);
  EXPECT_EQ(at(24 + 25), 5);
  EXPECT_EQ(at(24 + 27), 7 << 5 | 1 << 4);
  EXPECT_EQ(at(24 + 28), 0x11);
  EXPECT_EQ(at(24 + 36), 0xc0);
  EXPECT_EQ(at(24 + 37), 1);
}

TEST(Messages, RejectionCarriesReasonAndData) {
  const std::byte data[] = {std::byte{0xc2}};
  const Mad mad = rejection(1, 2, 3, About::rep, Reason::consumer_defined, data);
  const auto& out = message_in<wire::cm::Reject>(mad);
  EXPECT_EQ(out.about, 1 << 6);
  EXPECT_EQ(out.reason, 28);
  EXPECT_EQ(out.private_data[0], std::byte{0xc2});
  const auto back = std::get<Rejected>(*parse(mad));
  EXPECT_EQ(back.id, 2u);
  EXPECT_EQ(back.remote_id, 3u);
  EXPECT_EQ(back.about, About::rep);
  EXPECT_EQ(back.reason, 28);
}

TEST(Messages, SmallOnesComeBack) {
  const auto more_time = std::get<Acknowledged>(*parse(acknowledgement(1, 2, 3, 21)));
  EXPECT_EQ(more_time.service_timeout, 21);
  EXPECT_EQ(more_time.about, About::req);
  EXPECT_EQ(std::get<Disconnecting>(*parse(disconnect_request(1, 2, 3, 0x44))).queue_pair, 0x44u);
  EXPECT_EQ(std::get<Disconnected>(*parse(disconnect_reply(1, 2, 3))).remote_id, 3u);
  EXPECT_EQ(std::get<Ready>(*parse(test::message(Message::rtu, 2, 3))).id, 2u);
}

TEST(Messages, OthersAreNone) {
  for (const std::size_t at : {0u, 1u, 2u, 3u, 16u}) {
    Mad mad = test::request();
    mad[at] ^= std::byte{0x40};
    EXPECT_FALSE(parse(mad)) << at;
  }
  const Mad whole = test::request();
  EXPECT_FALSE(parse(std::span(whole).first(255)));
  EXPECT_FALSE(parse({}));
  EXPECT_FALSE(parse(reply(1, 2, 3, 4, {})));
}

TEST(Messages, TimesAreThoseOfTheStandard) {
  EXPECT_EQ(time_of(0), std::chrono::nanoseconds(4096));
  EXPECT_EQ(time_of(14), std::chrono::nanoseconds(67'108'864));
  EXPECT_EQ(time_of(31), std::chrono::nanoseconds(std::int64_t{4096} << 31));
}

}  // namespace
}  // namespace srpd::ibcm
