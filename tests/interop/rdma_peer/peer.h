// One end of a connection made with librdmacm, below everything that the product does: it sends
// whatever it is told to, and stops wherever it is told to.
#pragma once

#include <netinet/in.h>
#include <rdma/rdma_cma.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace srpd::test {

/// What RDMA/CM made of a request.
struct Outcome {
  enum class Kind { accepted, rejected, unreachable };
  Kind kind = Kind::unreachable;
  int status = 0;  ///< rejected: the CM's reason; unreachable: -errno
  std::vector<std::byte> private_data;
};

struct Endpoint {
  std::string address;                   ///< HOST:PORT or [HOST]:PORT
  std::string source;                    ///< from this address; empty: any
  std::uint8_t responder_resources = 4;  ///< RDMA Reads that we answer at a time
};

/// A call of rdma-core failed.
struct Failure : std::runtime_error {
  Failure(const std::string& what, int error);
};

class Peer {
 public:
  /// Resolves the address and makes a queue pair for `commands` IUs each way.
  Peer(const Endpoint& endpoint, std::uint32_t commands);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Sends the connection request. `complete_by_hand`: the answer of the other side is seen but
  /// never acknowledged.
  void request(std::span<const std::byte> private_data, bool complete_by_hand = false);
  Outcome outcome();
  /// Waits for the answer that request() with `complete_by_hand` leaves alone.
  void wait_for_answer();

  /// IUs of up to 128 bytes. All at once, in order.
  void send(std::span<const std::vector<std::byte>> ius);
  /// The next IU that arrives, `commands` in all; it stays where it is.
  std::span<const std::byte> receive(std::chrono::milliseconds limit);
  /// Memory that the other side may read and write.
  ibv_mr* expose(std::size_t length);
  void withdraw(ibv_mr* region);
  /// The queue pair answers nothing any more, and nobody is told.
  void break_queue_pair();

  void disconnect();
  /// True when the other side ended the connection within this time.
  bool wait_closed(std::chrono::milliseconds limit);

 private:
  static constexpr std::size_t iu_size = 256;

  struct Region {
    std::unique_ptr<std::byte[]> memory;
    ibv_mr* mr = nullptr;
  };

  void resolve(const Endpoint& endpoint);
  void make_queue_pair();
  void post_receives();
  std::optional<rdma_cm_event_type> next_event(std::chrono::milliseconds limit,
                                               Outcome* outcome = nullptr);
  void expect(rdma_cm_event_type wanted);
  Region& add_region(std::size_t length, int access);

  const std::uint32_t commands_;
  const std::uint8_t responder_resources_;
  const std::byte* received_ = nullptr;  ///< where IUs arrive
  rdma_event_channel* events_ = nullptr;
  rdma_cm_id* id_ = nullptr;
  ibv_pd* pd_ = nullptr;
  ibv_cq* cq_ = nullptr;
  ibv_qp* own_qp_ = nullptr;  ///< completed by hand; otherwise it belongs to id_
  std::vector<Region> regions_;
};

}  // namespace srpd::test
