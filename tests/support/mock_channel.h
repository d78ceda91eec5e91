// A channel and a transport whose other end is the test: it hands in IUs, sees what is sent, owns
// the host's memory, and decides when a posted work completes or fails.
#pragma once

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "runtime/loop.h"
#include "transport/transport.h"

namespace srpd::test {

using Bytes = std::vector<std::byte>;

/// What a host remembers of one connection; outlives the channel.
struct MockHost {
  /// Memory by key; addresses count from 0.
  std::map<std::uint32_t, Bytes> memory;
  std::deque<Bytes> received;       ///< IUs from the target
  std::vector<bool> solicited;      ///< for each of them
  std::vector<std::string> trace;   ///< "read KEY", "write KEY", "send OPCODE", "disconnect"
  std::set<const std::byte*> lent;  ///< receive buffers the target holds
  bool record = true;               ///< keep `trace`, `received` and `solicited`
  std::uint32_t sends = 0;
  bool hold_sends = false;  ///< posted works wait for complete_*()
  bool hold_reads = false;
  bool disconnected = false;  ///< the target called disconnect()
  bool graceful = false;
  bool closed = false;     ///< on_closed was delivered
  bool destroyed = false;  ///< the channel is gone
  bool violation = false;  ///< RDMA outside the memory above
  bool lies = false;       ///< its descriptors may point anywhere: that is no violation
};

class MockChannel final : public transport::Channel {
 public:
  MockChannel(runtime::Loop& loop, MockHost& host, transport::Address peer)
      : loop_(loop), host_(host), peer_(std::move(peer)) {}
  ~MockChannel() override {
    CHECK(host_.lent.empty());  // every receive buffer came back
    CHECK(host_.closed);
    host_.destroyed = true;
    while (spare_ != nullptr) delete std::exchange(spare_, static_cast<OwnedIu*>(spare_->next));
  }

  /// As if the IU had just arrived.
  void arrive(std::span<const std::byte> bytes) {
    CHECK(handler_ != nullptr);
    OwnedIu* iu = spare_;
    if (iu != nullptr)
      spare_ = static_cast<OwnedIu*>(iu->next);
    else
      iu = new OwnedIu;
    // Exactly as long as the IU, so that a sanitizer sees every step behind it.
    if (iu->bytes.size() != bytes.size()) iu->bytes = Bytes(bytes.size());
    std::copy(bytes.begin(), bytes.end(), iu->bytes.begin());
    iu->data = iu->bytes.data();
    iu->length = static_cast<std::uint32_t>(bytes.size());
    iu->next = nullptr;
    if (host_.record) host_.lent.insert(iu->data);
    handler_->on_iu(*iu);
  }

  /// The connection ends; everything posted completes with an error.
  void close(transport::CloseReason::Kind kind) {
    if (closing_) return;
    closing_ = true;
    reason_ = {kind, "closed by the test"};
    loop_.defer(work_);
  }

  /// Lets the works complete that are held.
  void complete_all() {
    sends_.take_over(held_sends_);
    reads_.take_over(held_reads_);
    loop_.defer(work_);
  }
  bool holds_sends() const { return held_sends_.first != nullptr; }
  bool holds_reads() const { return held_reads_.first != nullptr; }

  // transport::Channel
  void start(Handler& handler) override { handler_ = &handler; }
  void release(transport::Iu& iu) override {
    CHECK(!host_.record || host_.lent.erase(iu.data) == 1);  // once
    iu.next = spare_;
    spare_ = static_cast<OwnedIu*>(&iu);
  }
  void send(transport::SendWork& work) override {
    (host_.hold_sends ? held_sends_ : sends_).push(work);
    loop_.defer(work_);
  }
  void read(transport::ReadWork& work) override {
    (host_.hold_reads ? held_reads_ : reads_).push(work);
    loop_.defer(work_);
  }
  transport::RemoteSegment expose(std::span<std::byte>, transport::Access) override { return {}; }
  void withdraw(std::uint32_t) override {}
  void disconnect(std::string_view, bool graceful) override {
    if (host_.disconnected) return;
    host_.disconnected = true;
    host_.graceful = graceful;
    if (host_.record) host_.trace.emplace_back("disconnect");
    close(transport::CloseReason::Kind::local);
  }
  const transport::Limits& limits() const override { return limits_; }
  const transport::Address& peer() const override { return peer_; }
  const transport::Address& local() const override { return peer_; }
  runtime::Loop& loop() override { return loop_; }
  std::string description() const override { return "mock"; }

 private:
  struct OwnedIu : transport::Iu {
    Bytes bytes;
  };
  template <class Posted>
  struct Queue {
    void push(Posted& work) {
      work.next = nullptr;
      (first == nullptr ? first : last->next) = &work;
      last = &work;
    }
    Posted* pop() {
      Posted* const work = first;
      if (work != nullptr) first = work->next;
      return work;
    }
    void take_over(Queue& other) {
      while (Posted* const work = other.pop()) push(*work);
    }
    Posted* first = nullptr;
    Posted* last = nullptr;
  };
  struct Work : runtime::Deferred {
    explicit Work(MockChannel& channel) : Deferred(&run), owner(channel) {}
    ~Work() { owner.loop_.cancel_deferred(*this); }
    static void run(Deferred& self) { static_cast<Work&>(self).owner.progress(); }
    MockChannel& owner;
  };

  void progress() {
    if (closing_) {
      sends_.take_over(held_sends_);
      reads_.take_over(held_reads_);
    }
    while (auto* const work = sends_.pop()) work->complete(carry_out(*work));
    while (auto* const work = reads_.pop()) work->complete(carry_out(*work));
    if (sends_.first != nullptr) return loop_.defer(work_);
    if (!closing_ || host_.closed) return;
    host_.closed = true;
    if (handler_ != nullptr) handler_->on_closed(reason_);
  }

  int carry_out(transport::SendWork& work) {
    // A graceful end lets what was posted before it leave.
    if (closing_ && !(host_.disconnected && host_.graceful)) return -ECONNRESET;
    move(work.remote, 0, work.local, work.length, true);
    if (work.iu.empty()) return 0;
    ++host_.sends;
    if (!host_.record) return 0;
    host_.trace.push_back("send " + std::to_string(std::to_integer<int>(work.iu[0])));
    host_.received.emplace_back(work.iu.begin(), work.iu.end());
    host_.solicited.push_back(work.solicited);
    return 0;
  }

  int carry_out(transport::ReadWork& work) {
    if (closing_) return -ECONNRESET;
    move(work.remote, work.remote_offset, work.local, work.length, false);
    return 0;
  }

  // The bytes of `remote` from `offset` on, to or from `local`.
  void move(std::span<const transport::RemoteSegment> remote, std::uint64_t offset,
            std::span<const iovec> local, std::uint32_t length, bool to_remote) {
    std::size_t segment = 0, piece = 0, in_piece = 0;
    while (length > 0) {
      while (segment < remote.size() && offset >= remote[segment].length)
        offset -= remote[segment++].length;
      while (piece < local.size() && in_piece >= local[piece].iov_len) ++piece, in_piece = 0;
      if (segment == remote.size() || piece == local.size()) return violate();
      const auto part = static_cast<std::uint32_t>(std::min<std::uint64_t>(
          {length, remote[segment].length - offset, local[piece].iov_len - in_piece}));
      if (!touch(remote[segment], offset, static_cast<std::byte*>(local[piece].iov_base) + in_piece,
                 part, to_remote))
        return violate();
      offset += part;
      in_piece += part;
      length -= part;
    }
  }

  bool touch(const transport::RemoteSegment& segment, std::uint64_t offset, std::byte* local,
             std::uint32_t length, bool to_remote) {
    const auto memory = host_.memory.find(segment.key);
    if (memory == host_.memory.end()) return false;
    const std::uint64_t at = segment.address + offset;
    if (at > memory->second.size() || length > memory->second.size() - at) return false;
    std::byte* const there = memory->second.data() + at;
    if (host_.record)
      host_.trace.push_back((to_remote ? "write " : "read ") + std::to_string(segment.key));
    std::memcpy(to_remote ? there : local, to_remote ? local : there, length);
    return true;
  }

  void violate() { host_.violation = !host_.lies; }

  runtime::Loop& loop_;
  MockHost& host_;
  transport::Address peer_;
  transport::Limits limits_{};
  Handler* handler_ = nullptr;
  OwnedIu* spare_ = nullptr;
  Queue<transport::SendWork> sends_, held_sends_;
  Queue<transport::ReadWork> reads_, held_reads_;
  bool closing_ = false;
  transport::CloseReason reason_;
  Work work_{*this};
};

/// One login attempt and what came of it.
struct MockLogin {
  MockHost host;
  MockChannel* channel = nullptr;  ///< null: refused or lost
  bool accepted = false;
  bool rejected = false;
  bool lose = false;  ///< the connection is lost before it is up
  Bytes answer;
  transport::ChannelParameters parameters;
  runtime::Loop* loop = nullptr;
};

class MockConnectRequest final : public transport::ConnectRequest {
 public:
  MockConnectRequest(MockLogin& login, Bytes private_data, transport::Address peer,
                     bool address_is_identity,
                     transport::LoginForm form = transport::LoginForm::rdma_cm)
      : login_(login),
        private_data_(std::move(private_data)),
        peer_(std::move(peer)),
        address_is_identity_(address_is_identity),
        form_(form) {}

  std::span<const std::byte> private_data() const override { return private_data_; }
  const transport::Address& peer() const override { return peer_; }
  const transport::Address& local() const override { return peer_; }
  transport::LoginForm login_form() const override { return form_; }
  std::string_view transport() const override { return "mock"; }
  bool address_is_identity() const override { return address_is_identity_; }

  void accept(std::span<const std::byte> private_data,
              const transport::ChannelParameters& parameters, runtime::Loop& home,
              Established& established) override {
    CHECK(!login_.accepted && !login_.rejected);
    login_.accepted = true;
    login_.answer.assign(private_data.begin(), private_data.end());
    login_.parameters = parameters;
    login_.loop = &home;
    // Ends by itself, on the home loop.
    home.post(*new Delivery(login_, established, peer_));
  }
  void reject(std::span<const std::byte> private_data) override {
    CHECK(!login_.accepted && !login_.rejected);
    login_.rejected = true;
    login_.answer.assign(private_data.begin(), private_data.end());
  }

 private:
  struct Delivery : runtime::Mail {
    Delivery(MockLogin& attempt, Established& to, transport::Address from)
        : Mail(&deliver), login(attempt), established(to), peer(std::move(from)) {}
    static void deliver(Mail& self) {
      const std::unique_ptr<Delivery> mine(static_cast<Delivery*>(&self));
      if (mine->login.lose)
        return mine->established.on_lost({transport::CloseReason::Kind::peer_reset, "lost"});
      auto channel = std::make_unique<MockChannel>(*mine->login.loop, mine->login.host, mine->peer);
      mine->login.channel = channel.get();
      mine->established.on_channel(std::move(channel));
    }
    MockLogin& login;
    Established& established;
    transport::Address peer;
  };

  MockLogin& login_;
  Bytes private_data_;
  transport::Address peer_;
  bool address_is_identity_;
  transport::LoginForm form_;
};

/// Gives the test the handler of the listener.
class MockTransport final : public transport::Transport {
 public:
  std::string_view name() const override { return "mock"; }
  Expected<std::unique_ptr<transport::Listener>> listen(
      runtime::Loop&, const transport::Address& address,
      transport::Listener::Handler& handler) override {
    handler_ = &handler;
    return std::make_unique<MockListener>(address);
  }
  std::unique_ptr<transport::Connector> connect(runtime::Loop&, const transport::ConnectOptions&,
                                                transport::Connector::Handler&) override {
    return nullptr;
  }
  transport::Listener::Handler& handler() { return *handler_; }

 private:
  struct MockListener final : transport::Listener {
    explicit MockListener(const transport::Address& at) : bound(at) {}
    const transport::Address& address() const override { return bound; }
    transport::Address bound;
  };
  transport::Listener::Handler* handler_ = nullptr;
};

}  // namespace srpd::test
