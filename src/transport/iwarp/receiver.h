// The receive side of MPA, DDP and RDMAP as a state machine over bytes (RFC 5044 4-6, RFC 5041 5-7,
// RFC 5040 4-7); no I/O. Bytes come in two ways: consume() parses what was read into a staging
// buffer; direct() names the final places of the payload in progress, so that a large one is read
// there without a copy, and placed() says how much was.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "transport/iwarp/crc32c.h"
#include "transport/iwarp/cursor.h"
#include "transport/iwarp/fault.h"
#include "transport/iwarp/ring.h"
#include "transport/iwarp/stag_table.h"
#include "transport/transport.h"
#include "wire/rdmap.h"

namespace srpd::transport::iwarp {

/// A Read Request of ours whose response has not arrived completely. Responses come in the order of
/// the requests, so only the oldest is ever being filled.
struct OutstandingRead {
  ReadWork* work = nullptr;
  Cursor sink;
  std::uint32_t stag = 0;    ///< names the sink to the peer
  std::uint32_t offset = 0;  ///< of the next byte; sinks are zero based
  std::uint32_t left = 0;
  bool last_of_work = false;
};

/// A Read Request of the peer that waits for its response.
struct InboundRead {
  std::span<const std::byte> source;
  std::uint32_t source_stag = 0;
  std::uint32_t sink_stag = 0;
  std::uint64_t sink_offset = 0;
};

class Receiver {
 public:
  class Owner {
   public:
    /// A buffer for a Send, or null when the peer sent more than it may. `whole`: the message has
    /// exactly `length` bytes; otherwise more FPDUs follow.
    virtual Iu* take_iu(std::uint32_t length, bool whole) = 0;
    /// The message is complete; the owner has the buffer now.
    virtual void deliver(Iu& iu) = 0;
    /// All bytes of the oldest outstanding read are placed; it has been removed.
    virtual void read_placed(const OutstandingRead& read) = 0;
    /// The peer asks for memory; the table allowed it. A zero-length request names none.
    virtual void read_requested(const InboundRead& request) = 0;
    /// Once: what a responder waits for before it sends.
    virtual void first_fpdu_arrived() = 0;

   protected:
    ~Owner() = default;
  };

  struct Settings {
    bool crc = false;
    std::uint32_t max_receive_iu = 0;
    std::uint32_t inbound_reads = 0;
  };

  Receiver(const Settings& settings, Owner& owner, StagTable& stags,
           Ring<OutstandingRead>& outstanding, Ring<InboundRead>& inbound)
      : settings_(settings),
        owner_(owner),
        stags_(stags),
        outstanding_(outstanding),
        inbound_(inbound) {}
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Takes all of `bytes` (keeping the beginning of a header for itself), or up to the end: false
  /// when the peer broke the protocol (fault()), sent a Terminate (peer_terminated()), or stop()
  /// was called.
  bool consume(std::span<const std::byte> bytes);

  /// Where the rest of the current payload goes: the number of pieces written to `pieces`, 0 when
  /// no payload is in progress.
  std::size_t direct(std::span<iovec> pieces) const;
  std::uint32_t payload_left() const { return state_ == State::payload ? payload_left_ : 0; }
  /// So many bytes of direct() arrived.
  void placed(std::size_t bytes);

  /// True between the FPDUs of a tagged message and inside one: more payload for the same place is
  /// to come.
  bool in_tagged_message() const { return writing_ || responding_; }

  /// Memory of `stag` is about to be withdrawn: nothing may be placed there any more.
  void memory_withdrawn(std::uint32_t stag);
  /// No more callbacks, nothing is placed any more. From inside a callback too.
  void stop() { state_ = State::stopped; }
  /// The buffer of the message in progress, for the owner to take back after the end.
  Iu* take_unfinished() { return std::exchange(iu_, nullptr); }

  const Fault& fault() const { return fault_; }
  bool peer_terminated() const { return terminated_; }
  /// Of the received Terminate.
  std::span<const std::byte> terminate_control() const {
    return std::span(terminate_).first(terminate_length_);
  }

 private:
  enum class State : std::uint8_t { header, payload, trailer, stopped };
  using Opcode = wire::rdmap::Opcode;
  using ErrorCode = wire::rdmap::ErrorCode;

  const std::byte* take_header(const std::byte* from, const std::byte* end);
  const std::byte* take_payload(const std::byte* from, const std::byte* end);
  const std::byte* take_trailer(const std::byte* from, const std::byte* end);
  void begin_fpdu(const std::byte* header);
  void begin_write(const std::byte* header);
  void begin_read_response(const std::byte* header);
  void begin_send(const std::byte* header);
  void begin_read_request(const std::byte* header);
  void begin_terminate(const std::byte* header);
  void end_fpdu();
  void end_read_response();
  void end_send();
  void end_read_request();
  void end_terminate();
  void fail(ErrorCode code, const char* text, const std::byte* header = nullptr,
            std::size_t header_length = 0);

  const Settings settings_;
  Owner& owner_;
  StagTable& stags_;
  Ring<OutstandingRead>& outstanding_;
  Ring<InboundRead>& inbound_;

  State state_ = State::header;
  bool first_done_ = false;
  bool last_ = false;          // L bit of this FPDU
  bool writing_ = false;       // an RDMA Write goes on with the next FPDU
  bool writing_next_ = false;  // ... after this one
  bool responding_ = false;    // a Read Response goes on with the next FPDU
  bool terminated_ = false;
  Opcode opcode_{};
  std::uint8_t have_ = 0;          // bytes in partial_
  std::uint8_t trailer_size_ = 0;  // pad and CRC field
  std::uint8_t terminate_length_ = 0;
  Crc32c crc_;

  std::uint32_t payload_left_ = 0;
  Cursor to_;
  iovec one_{};  // what to_ walks over when the place is in one piece

  // The tagged message in progress.
  std::uint32_t write_stag_ = 0;
  std::uint64_t write_offset_ = 0;
  std::uint32_t response_bytes_ = 0;  // of this FPDU

  // The Send in progress.
  Iu* iu_ = nullptr;
  bool sending_ = false;
  Opcode send_opcode_{};
  std::uint32_t send_stag_ = 0;
  std::uint32_t send_offset_ = 0;
  std::uint32_t send_msn_ = 1;
  std::uint32_t read_msn_ = 1;
  wire::rdmap::ReadRequest request_{};  // valid while its FPDU ends

  Fault fault_;
  // The beginning of a header, or the trailer.
  std::array<std::byte, sizeof(wire::rdmap::ReadRequest)> partial_{};
  std::array<std::byte, 8> terminate_{};
};

}  // namespace srpd::transport::iwarp
