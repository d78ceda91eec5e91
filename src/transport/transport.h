// The transport seam. It is RDMA-shaped: a Listener accepts a connection with private data and a
// verified peer address; a Channel then moves IUs and does RDMA Read and Write. Software iWARP,
// verbs and the in-process local transport implement it; SRP and SCSI never know which.
//
// Threads: a Channel lives on one loop (its home); all its members and callbacks run there.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/completion.h"
#include "runtime/loop.h"
#include "runtime/pinnable_memory.h"

namespace srpd::transport {

/// Which form the login request in the private data has: of RDMA/CM 56 bytes, of the InfiniBand CM
/// 64 bytes.
enum class LoginForm : std::uint8_t { rdma_cm, ib_cm };

/// An IP address with port, one of InfiniBand (AF_IB: a GID and a service ID), or the name of a
/// local endpoint ("local:NAME").
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  std::string local_name;
  bool rdma = false;    ///< an IP address as the RDMA connection manager uses it, not TCP
  bool own_cm = false;  ///< of InfiniBand, through our own connection manager
  std::string device;   ///< and only at the ports of this adapter; empty: of all

  /// "192.0.2.1:5555", "[2001:db8::1]:5555", the same behind "rdma:", "ib:5555",
  /// "ib:[fe80::1]:5555", "ibcm:0002c903000e8acc[@mlx4_0]" or "local:NAME".
  std::string text() const;
  /// The host part only, as LIO's ACLs name it: "192.0.2.1", "2001:db8::1" (IPv4-mapped printed as
  /// IPv4), and for InfiniBand the port GUID "0002:c903:000e:8acd".
  std::string host() const;
  /// What a connection to it begins with.
  LoginForm login_form() const;
  /// HOST[:PORT] with a literal IPv4 or [IPv6] address or a resolvable name; rdma:HOST[:PORT],
  /// where HOST may be * for every device; ib[:PORT] for every InfiniBand port, ib:[GID][:PORT] for
  /// one; ibcm:ID[@DEVICE] with a service ID of 16 hex digits for our own connection manager.
  static Expected<Address> parse(std::string_view text, std::uint16_t default_port);
};

/// The service ID that a port stands for on InfiniBand without IP: of those that RDMA/CM gives out,
/// the ones that cannot collide with listeners over IP.
constexpr std::uint64_t infiniband_service_id(std::uint16_t port) {
  return std::uint64_t{0x013f0000} | port;
}

/// A piece of the peer's memory as it announced it. SRP memory descriptor, r16a 6.3.2.
struct RemoteSegment {
  std::uint64_t address = 0;
  std::uint32_t key = 0;  ///< R_Key or STag
  std::uint32_t length = 0;
};

/// What the connection can do; fixed after it is established.
struct Limits {
  std::uint32_t max_send_iu = 0;     ///< longest IU the peer can be sent (UINT32_MAX: unknown)
  std::uint32_t max_receive_iu = 0;  ///< longest IU that can arrive
  std::uint32_t read_depth = 0;      ///< RDMA Reads kept outstanding; the channel queues beyond it
};

/// Why a channel ended; for the log and the state of its session.
struct CloseReason {
  enum class Kind : std::uint8_t {
    peer_closed,     ///< orderly end by the peer
    peer_reset,      ///< connection lost: reset, keep-alive or time-out
    peer_terminate,  ///< the peer reported an error of ours (iWARP Terminate)
    protocol_error,  ///< the peer broke the protocol
    local,           ///< disconnect() was called
  };
  Kind kind = Kind::local;
  std::string text;
};

/// A received IU. Lent to the handler until Channel::release(); its data stay in place meanwhile,
/// so immediate data needs no copy. `data` is placed so that data + 68 (the usual immediate data
/// offset) is 4096-aligned where the transport owns the placement.
struct Iu {
  std::byte* data = nullptr;
  std::uint32_t length = 0;
  Iu* next = nullptr;  ///< for the holder

  std::span<const std::byte> bytes() const { return {data, length}; }
};

/// "Writes, then Send": RDMA Writes the first `length` bytes of `local` to `remote` in order, then
/// sends `iu`. length == 0: no write; iu empty: no send. Spans and what they point to stay in place
/// until completion, which means that the buffers may be reused (not that the peer has seen the
/// data). -ECONNRESET when the channel ends.
struct SendWork : runtime::Completion {
  using Completion::Completion;
  std::span<const RemoteSegment> remote;
  std::span<const iovec> local;
  std::uint32_t length = 0;
  std::span<const std::byte> iu;
  bool solicited = false;

  SendWork* next = nullptr;  ///< for the channel
  std::uint64_t cookie = 0;  ///< for the channel
};

/// RDMA Read of `length` bytes: the concatenation of `remote` from `remote_offset` on goes to
/// `local` in order. Completes when all bytes are placed (result 0), or -ECONNRESET, -EIO when the
/// channel ends.
struct ReadWork : runtime::Completion {
  using Completion::Completion;
  std::span<const RemoteSegment> remote;
  std::uint64_t remote_offset = 0;
  std::span<const iovec> local;
  std::uint32_t length = 0;

  ReadWork* next = nullptr;  ///< for the channel
  std::uint64_t cookie = 0;  ///< for the channel
};

enum class Access : std::uint8_t { remote_read = 1, remote_write = 2, both = 3 };

class Channel {
 public:
  class Handler {
   public:
    /// The handler owns `iu` until it releases it.
    virtual void on_iu(Iu& iu) = 0;
    /// The last callback: every posted work has completed. The handler destroys the channel
    /// afterwards, not from inside this call.
    virtual void on_closed(const CloseReason& reason) = 0;

   protected:
    ~Handler() = default;
  };

  virtual ~Channel() = default;

  /// Begins delivery; once. `handler` outlives on_closed. IUs that arrived before are delivered now
  /// or later, never inline.
  virtual void start(Handler& handler) = 0;
  virtual void release(Iu& iu) = 0;

  /// In order. Never completes inline. Nothing leaves before the transport allows it (iWARP: before
  /// the first FPDU of the initiator arrived, a responder's Sends wait inside). After the end:
  /// completes with -ECONNRESET.
  virtual void send(SendWork& work) = 0;
  /// Any number may be posted; the channel keeps at most Limits::read_depth outstanding. Never
  /// completes inline.
  virtual void read(ReadWork& work) = 0;

  /// Registers memory for the peer; the result goes into SRP descriptors. Key and address are valid
  /// until withdraw(); keys are not reused soon. No allocation in steady state.
  virtual RemoteSegment expose(std::span<std::byte> memory, Access access) = 0;
  virtual void withdraw(std::uint32_t key) = 0;

  /// Ends the connection; on_closed follows, not inline. What is already being sent may still leave
  /// when `graceful`. Repeating it does nothing.
  virtual void disconnect(std::string_view why, bool graceful = true) = 0;

  virtual const Limits& limits() const = 0;
  virtual const Address& peer() const = 0;
  virtual const Address& local() const = 0;
  virtual runtime::Loop& loop() = 0;
  /// For status output: "iwarp, CRC, FPDU 1424".
  virtual std::string description() const = 0;
};

/// Connection parameters of one side.
struct ChannelParameters {
  std::uint32_t max_receive_iu = 8260;  ///< size of receive buffers
  std::uint32_t receive_count = 130;    ///< IUs the peer may have under way (credits and answers)
  std::uint32_t max_send_iu = UINT32_MAX;
  std::uint32_t inbound_reads = 0;  ///< RDMA Reads we accept outstanding (IRD, responder resources)
  std::uint32_t outbound_reads = 16;  ///< RDMA Reads we want outstanding (ORD, initiator depth);
                                      ///< lowered to what the peer accepts
};

/// A connection that asks to be let in. Lives on the listener's loop until accept or reject.
class ConnectRequest {
 public:
  class Established {
   public:
    /// On the home loop given to accept().
    virtual void on_channel(std::unique_ptr<Channel> channel) = 0;
    /// The connection was lost before it came up; nothing else follows.
    virtual void on_lost(const CloseReason& reason) = 0;

   protected:
    ~Established() = default;
  };

  virtual ~ConnectRequest() = default;
  virtual std::span<const std::byte> private_data() const = 0;
  virtual const Address& peer() const = 0;
  virtual const Address& local() const = 0;
  virtual LoginForm login_form() const = 0;
  virtual std::string_view transport() const = 0;
  /// True where the peer's port identifier is not unique by itself (iWARP), so that its address
  /// must be part of the nexus.
  virtual bool address_is_identity() const = 0;

  /// Exactly one of these, once; `private_data` is copied. Consumes the request.
  virtual void accept(std::span<const std::byte> private_data, const ChannelParameters& parameters,
                      runtime::Loop& home, Established& established) = 0;
  virtual void reject(std::span<const std::byte> private_data) = 0;
};

class Listener {
 public:
  class Handler {
   public:
    virtual void on_request(std::unique_ptr<ConnectRequest> request) = 0;

   protected:
    ~Handler() = default;
  };
  virtual ~Listener() = default;
  /// With the port the kernel chose when 0 was asked for.
  virtual const Address& address() const = 0;
};

/// An outgoing connection attempt; destroying it cancels. Exactly one callback of its handler.
class Connector {
 public:
  class Handler {
   public:
    virtual void on_connected(std::unique_ptr<Channel> channel,
                              std::span<const std::byte> private_data) = 0;
    virtual void on_rejected(std::span<const std::byte> private_data) = 0;
    virtual void on_failed(const Error& error) = 0;

   protected:
    ~Handler() = default;
  };
  virtual ~Connector() = default;
};

/// What the completion queues at one vector of a device brought to one loop: the vector is what the
/// device would interrupt.
struct CompletionVectorCount {
  std::string device;
  int vector = 0;
  const runtime::Loop* loop = nullptr;
  std::uint64_t completions = 0;
  std::uint64_t events = 0;  ///< announcements, each of which woke the loop
};

struct ConnectOptions {
  Address peer;
  std::optional<Address> source;
  std::span<const std::byte> private_data;  ///< copied
  ChannelParameters parameters;
  std::chrono::milliseconds timeout{10'000};
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// "iwarp", "local", "verbs".
  virtual std::string_view name() const = 0;
  /// Connections arrive on `loop`. `handler` outlives the listener.
  virtual Expected<std::unique_ptr<Listener>> listen(runtime::Loop& loop, const Address& address,
                                                     Listener::Handler& handler) = 0;
  /// Callbacks on `loop`, not inline.
  virtual std::unique_ptr<Connector> connect(runtime::Loop& loop, const ConnectOptions& options,
                                             Connector::Handler& handler) = 0;
  /// Accepted connections will live on `loop`: what they have in common is made there when
  /// listening begins, not for the first of them. Before the listener.
  virtual void serve_on(runtime::Loop& loop) { static_cast<void>(loop); }
  /// Since the device was opened; nothing where a transport knows no completion queues. Any thread.
  virtual std::vector<CompletionVectorCount> completion_vectors() { return {}; }
  /// Local memory of many works to come, besides the data buffers of the loops: transports that
  /// register memory do so piece by piece when it is first used. Any thread, at any time before
  /// works use the memory.
  virtual void lend_memory(runtime::PinnableMemory& memory) { static_cast<void>(memory); }
  /// Before it goes, unless the transport went first. No work uses it any more. Any thread.
  virtual void take_memory_back(runtime::PinnableMemory& memory) { static_cast<void>(memory); }
};

}  // namespace srpd::transport
