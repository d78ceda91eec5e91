// The transmit side of DDP and RDMAP: which FPDU goes next, and its bytes as a list of pieces for
// one sendmsg; no I/O. Payloads are pointed at where the caller has them; headers, trailers and
// small payloads are gathered in the batch's scratch memory.
//
// Nothing of a batch survives the call that sends it: build() works on a copy of the position,
// sent() moves the position by what the socket took, and the next build() makes the rest again. So
// a connection keeps a few words instead of a buffer.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/iwarp/cursor.h"
#include "transport/iwarp/negotiation.h"
#include "transport/iwarp/receiver.h"
#include "transport/iwarp/ring.h"
#include "transport/transport.h"
#include "transport/work_queue.h"

namespace srpd::transport::iwarp {

/// One FPDU to be sent.
struct OutFpdu {
  enum class Kind : std::uint8_t {
    none,
    write,
    send,
    read_request,
    response,
    rtr_write,
    rtr_read,
    nothing,  ///< a work without bytes: completes in its turn
  };
  Kind kind = Kind::none;
  bool last = false;  ///< L bit
  std::uint32_t payload = 0;
  std::uint32_t size = 0;
  std::uint32_t crc = 0;
};

/// Scratch for one sendmsg; shared by all connections of a loop.
struct Batch {
  static constexpr std::size_t max_pieces = 512;
  static constexpr std::size_t max_fpdus = 256;
  static constexpr std::size_t scratch_size = 32768;
  static constexpr std::size_t enough_bytes = 512 * 1024;

  std::array<iovec, max_pieces> pieces;
  std::array<OutFpdu, max_fpdus> fpdus;
  std::array<std::byte, scratch_size> scratch;
  std::size_t first_piece = 0;
  std::size_t piece_count = 0;
  std::size_t fpdu_count = 0;
  std::size_t scratch_used = 0;
  std::size_t bytes = 0;  ///< in the pieces

  std::span<iovec> iov() {
    return std::span(pieces).subspan(first_piece, piece_count - first_piece);
  }
};

class Transmitter {
 public:
  struct Settings {
    bool crc = false;
    /// Longest FPDU.
    std::uint32_t max_fpdu = 65536;
    /// Not 0: no FPDU crosses a multiple of this from the start of its batch, which begins a TCP
    /// segment.
    std::uint32_t segment = 0;
    std::uint32_t read_depth = 0;
    /// Initiator in peer-to-peer mode: what to begin with.
    Rtr rtr = Rtr::none;
    /// Nothing leaves before open().
    bool wait_for_peer = false;
  };

  Transmitter(const Settings& settings, Ring<OutstandingRead>& outstanding,
              Ring<InboundRead>& inbound);
  Transmitter(const Transmitter&) = delete;
  Transmitter& operator=(const Transmitter&) = delete;

  void post(SendWork& work);
  /// False when it needs no request and is complete: result in `cookie`, 0 or -EIO (no reads
  /// possible).
  bool post(ReadWork& work);
  void open() { open_ = true; }
  bool is_open() const { return open_; }

  /// Fills `batch`; false when there is nothing to send now.
  bool build(Batch& batch);
  /// The socket took `bytes` of it. Completed works go to `done`.
  void sent(const Batch& batch, std::size_t bytes, WorkQueue<SendWork>& done);

  /// The last response of the oldest read work arrived; removes and returns it.
  ReadWork* read_done();
  bool has_reads() const { return !reads_.empty(); }
  /// False when a Read Request of the peer would have to be answered from `stag`, which is about to
  /// be withdrawn: the connection cannot go on.
  bool memory_withdrawn(std::uint32_t stag);

  /// Bytes posted and not yet taken by the socket, roughly: when to send at once.
  std::size_t queued_bytes() const { return queued_bytes_; }
  /// True when an FPDU is partly sent: no Terminate can follow.
  bool inside_fpdu() const { return partial_sent_ > 0; }

  /// Takes all works out.
  void abandon_reads(WorkQueue<ReadWork>& out);
  void abandon_sends(WorkQueue<SendWork>& out);

 private:
  enum class Tagged : std::uint8_t { none, write, response };

  /// Where in the queues the next FPDU comes from.
  struct Position {
    SendWork* work = nullptr;
    std::size_t remote = 0;
    std::uint32_t remote_done = 0;
    std::uint32_t write_left = 0;
    std::uint32_t send_done = 0;
    std::uint32_t send_msn = 1;
    Cursor local;

    ReadWork* read = nullptr;
    std::size_t source = 0;
    std::uint32_t source_done = 0;
    std::uint32_t read_left = 0;
    std::uint32_t read_msn = 1;
    std::size_t outstanding = 0;
    Cursor sink;

    std::size_t response = 0;
    std::uint32_t response_done = 0;

    Rtr rtr = Rtr::none;
    Tagged tagged = Tagged::none;  ///< the tagged message that is under way
    bool sending = false;          ///< a Send is under way
    bool prefer_response = true;   ///< they take turns with works
  };

  static void start_work(Position& at, SendWork* work);
  static void start_read(Position& at, ReadWork* read);
  OutFpdu choose(Position& at);
  OutFpdu next_write(const Position& at) const;
  OutFpdu next_send(const Position& at) const;
  OutFpdu next_response(const Position& at);
  bool fits(const Batch& batch, const OutFpdu& fpdu, std::uint32_t fill) const;
  void emit(Batch& batch, OutFpdu& fpdu, const Position& at, bool crc_known);
  std::size_t write_header(std::byte* out, const OutFpdu& fpdu, const Position& at);
  std::size_t read_request_header(std::byte* out, const OutFpdu& fpdu, const Position& at) const;
  Cursor payload_of(const OutFpdu& fpdu, const Position& at, iovec& one);
  /// Moves `at` behind `fpdu`; true when that completes at.work.
  bool advance(Position& at, const OutFpdu& fpdu);
  OutstandingRead outstanding_of(const Position& at) const;

  const Settings settings_;
  const std::uint32_t max_tagged_;
  const std::uint32_t max_untagged_;
  Ring<OutstandingRead>& outstanding_;
  Ring<InboundRead>& inbound_;
  bool open_;

  WorkQueue<SendWork> works_;
  WorkQueue<ReadWork> reads_;
  Position position_;
  OutFpdu partial_;  // the FPDU that is partly sent
  std::size_t partial_sent_ = 0;
  std::size_t queued_bytes_ = 0;
};

}  // namespace srpd::transport::iwarp
