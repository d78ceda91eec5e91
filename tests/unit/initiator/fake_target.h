// A target without a mind: it accepts logins, keeps what arrives, and does what the test tells it.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "runtime/simulated_loop.h"
#include "srp/iu.h"
#include "srp/login.h"
#include "transport/local/local_transport.h"

namespace srpd::initiator {

inline srp::Response response_to(srp::Tag tag, std::int32_t delta = 1, std::uint8_t status = 0,
                                 std::span<const std::byte> sense = {}) {
  srp::Response response;
  response.tag = tag;
  response.req_lim_delta = delta;
  response.status = status;
  response.sense = sense;
  return response;
}

class FakeTarget : transport::Listener::Handler {
 public:
  /// One connection and the IUs that arrived on it, oldest first.
  class Peer final : public transport::Channel::Handler,
                     public transport::ConnectRequest::Established {
   public:
    void on_channel(std::unique_ptr<transport::Channel> made) override {
      channel = std::move(made);
      channel->start(*this);
    }
    void on_lost(const transport::CloseReason&) override { closed = true; }
    void on_iu(transport::Iu& arrived) override {
      ius.emplace_back(arrived.bytes().begin(), arrived.bytes().end());
      channel->release(arrived);
    }
    void on_closed(const transport::CloseReason&) override { closed = true; }

    /// The oldest IU, parsed; `iu` keeps its bytes.
    srp::Command take_command() {
      take();
      srp::Command command;
      EXPECT_EQ(srp::parse_cmd(iu, immediate ? 68 : 0, command), srp::CmdFault::ok);
      return command;
    }
    srp::TaskManagement take_task() {
      take();
      const auto task = srp::parse_tsk_mgmt(iu);
      EXPECT_TRUE(task.has_value());
      return task.value_or(srp::TaskManagement{});
    }
    void take() {
      ASSERT_FALSE(ius.empty());
      iu = std::move(ius.front());
      ius.pop_front();
    }

    /// Sends `bytes`, after writing `data` to `to`.
    void send(std::span<const std::byte> bytes,
              std::span<const wire::srp::MemoryDescriptor> to = {}, std::string_view data = {}) {
      auto& work = works.emplace_back();
      work.bytes.assign(bytes.begin(), bytes.end());
      work.iu = work.bytes;
      work.data = data;
      work.local_data = {work.data.data(), work.data.size()};
      work.local = {&work.local_data, 1};
      work.length = static_cast<std::uint32_t>(data.size());
      for (const auto& each : to) work.segments.push_back({each.address, each.key, each.length});
      work.remote = work.segments;
      channel->send(work);
    }
    void respond(srp::Response response, std::span<const wire::srp::MemoryDescriptor> to = {},
                 std::string_view data = {}) {
      std::byte bytes[256];
      const std::size_t length = srp::build_rsp(response, bytes);
      send({bytes, length}, to, data);
    }
    void good(srp::Tag tag) { respond(response_to(tag)); }
    void answer(srp::Tag tag, srp::ResponseCode code) {
      srp::Response response = response_to(tag);
      response.code = code;
      respond(response);
    }

    struct Work : transport::SendWork {
      Work() : SendWork([](runtime::Completion&) {}) {}
      std::vector<std::byte> bytes;
      std::string data;
      iovec local_data{};
      std::vector<transport::RemoteSegment> segments;
    };
    struct ReadResult : transport::ReadWork {
      ReadResult() : ReadWork([](runtime::Completion&) {}) {}
    };

    std::unique_ptr<transport::Channel> channel;
    srp::LoginRequest login;
    bool immediate = true;
    bool closed = false;
    std::deque<std::vector<std::byte>> ius;
    std::vector<std::byte> iu;
    std::deque<Work> works;
  };

  FakeTarget(runtime::SimulatedLoop& loop, transport::LocalTransport& transport) : loop_(loop) {
    listener_ = std::move(
        transport.listen(loop, transport::LocalTransport::address("fake"), *this).value());
  }

  Peer& newest() { return peers.back(); }

  std::int32_t credits = 8;
  bool refuse = false;
  std::size_t most_channels = 1000;
  srp::LoginReject reason = srp::LoginReject::unable_to_associate;
  bool immediate = true;
  std::deque<Peer> peers;
  int requests = 0;

 private:
  void on_request(std::unique_ptr<transport::ConnectRequest> request) override {
    ++requests;
    const auto login = srp::parse_login_rdma(request->private_data());
    ASSERT_TRUE(login.has_value());
    if (refuse || peers.size() >= most_channels) {
      const auto rejection = srp::build_login_rej({.tag = login->tag, .reason = reason});
      request->reject(wire::bytes_of(rejection));
      return;
    }
    Peer& peer = peers.emplace_back();
    peer.login = *login;
    peer.immediate = immediate;
    const auto response = srp::build_login_rsp(
        {.tag = login->tag,
         .req_lim_delta = credits,
         .max_initiator_iu = login->max_iu,
         .max_target_iu = 256,
         .flags = immediate ? wire::srp::immediate_supported : std::uint8_t{0}});
    request->accept(wire::bytes_of(response),
                    {.max_receive_iu = login->max_iu,
                     .receive_count = static_cast<std::uint32_t>(credits) + 2,
                     .inbound_reads = 0,
                     .outbound_reads = 4},
                    loop_, peer);
  }

  runtime::SimulatedLoop& loop_;
  std::unique_ptr<transport::Listener> listener_;
};

}  // namespace srpd::initiator
