// A request slot: one SRP_CMD from its arrival to the end of its answer. It moves the data the SCSI
// core asks for and builds the SRP_RSP.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "scsi/command.h"
#include "srp/iu.h"
#include "target/bound.h"
#include "target/segments.h"
#include "transport/transport.h"

namespace srpd::target {

class Session;
class Request;

/// What the host hears of a command that was aborted.
enum class AbortReport : std::uint8_t {
  none,        ///< it knows
  at_the_end,  ///< TASK ABORTED, when the core has let go of the command
  at_once,     ///< TASK ABORTED, when no transfer is under way, although the store may hold on
};

/// One transfer under way. Pooled per loop.
class Move {
 public:
  /// `transfer` may be null (data ahead of a response that nobody waits for).
  Move(Request& request, scsi::Transfer* wanted) : transfer(wanted), request_(request) {}

  void start_read(std::span<const RemoteSegment> remote, std::uint64_t offset,
                  std::span<const iovec> local, std::uint32_t length);
  void start_write(std::span<const RemoteSegment> remote, std::uint64_t offset,
                   std::span<const iovec> local, std::uint32_t length);

  scsi::Transfer* const transfer;
  bool out = false;
  Move* next = nullptr;

 private:
  friend class Request;
  void done(int result);

  Request& request_;
  BoundWork<transport::ReadWork, Move, &Move::done> read_{*this};
  BoundWork<transport::SendWork, Move, &Move::done> write_{*this};
  std::array<RemoteSegment, 8> adjusted_;
  void* table_ = nullptr;  ///< for an adjusted list that is longer
};

class Request final : public scsi::Command {
 public:
  /// `iu` is released by the request.
  Request(Session& session, transport::Iu& iu);
  ~Request();
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  /// Parses and runs the IU: an answer follows, or the end of the session. False, with nothing
  /// done, when the IU is too short to be answered.
  bool start(std::uint32_t immediate_offset);

  // scsi::Command
  std::span<const std::byte> immediate_data_out() const override { return immediate_; }
  void fetch(scsi::Transfer& transfer) override { this->transfer(transfer, true); }
  void deliver(scsi::Transfer& transfer) override { this->transfer(transfer, false); }
  void abort_preempted(std::uint32_t preemption, runtime::Completion& done) override;
  void on_complete() override;

  /// Aborting takes three steps, over all requests concerned: what shall become of it, then
  /// TaskSet::abort_if(), then the transfers that have not started fail.
  void prepare_abort(AbortReport report);
  void after_abort();

  /// The answer was handed to the channel: too late to abort.
  bool answered() const { return answered_; }
  /// The core has not let go of it.
  bool held() const { return submitted_ && !completed_; }
  bool submitted() const { return submitted_; }
  /// Data or the answer are under way.
  bool busy() const { return posted_ != 0; }
  std::uint64_t sequence() const { return sequence_; }
  Session& session() const { return session_; }

  /// A descriptor table may be fetched now.
  void table_granted();

  Request* previous_of_session = nullptr;  ///< Session: all its requests
  Request* next_of_session = nullptr;      ///< Session: all its requests
  Request* next_waiting = nullptr;         ///< Session: waits for a table; Shard: ends

 private:
  friend class Move;
  struct TableFetch;

  enum class Tables : std::uint8_t { ready, waiting, fetching, bad };

  struct Direction {
    std::span<const RemoteSegment> segments;
    RemoteSegment single;   ///< of a direct descriptor; or the table while it is external
    bool external = false;  ///< the segments have to be fetched first
  };

  void describe(const srp::Command& parsed);
  void describe(const srp::DataBuffer& data, Direction& direction);
  bool needs_iu(const srp::Command& parsed) const;
  bool tables_fit() const;
  void answer_fault(srp::CmdFault fault);
  void submit();

  void fetch_table(Direction& direction, transport::ReadWork& work, iovec& local, std::byte* to);
  void table_fetched(int result);
  bool adopt_table(Direction& direction, std::uint64_t length, std::byte* at);
  void flush_waiting_moves();

  void transfer(scsi::Transfer& transfer, bool out);
  void copy_immediate(scsi::Transfer& transfer) const;
  void start(Move& move);
  void moved(Move& move, int result);
  void complete(Move& move, int result);

  void conclude();
  void answer();
  void answer_aborted();
  std::size_t build_response();
  void attach_data_in();
  void answer_sent(int result);
  void unposted();
  void try_end();
  /// Why nothing may be moved any more, 0 when it may.
  int refusal() const;

  Session& session_;
  transport::Iu* iu_;
  const std::uint64_t sequence_;
  const runtime::Time taken_;
  std::span<const std::byte> immediate_;
  Direction out_;
  Direction in_;
  std::uint32_t posted_ = 0;  ///< works handed to the channel and not completed
  Tables tables_ = Tables::ready;
  std::uint8_t tables_missing_ = 0;
  std::uint8_t sol_not_ = 0;
  bool submitted_ = false;
  bool completed_ = false;
  bool answered_ = false;
  AbortReport report_ = AbortReport::none;
  bool bad_table_used_ = false;
  bool ending_ = false;
  TableFetch* table_ = nullptr;
  Move* waiting_moves_ = nullptr;
  BoundWork<transport::SendWork, Request, &Request::answer_sent> response_{*this};
  RemoteSegment adjusted_;
  std::array<std::byte, 32> cdb_;
  std::array<std::byte, srp::rsp_size_max(scsi::max_sense_length)> response_iu_;

 public:
  /// Size of what a descriptor table takes from Shard::tables().
  static const std::size_t table_piece_size;
};

}  // namespace srpd::target
