#include "target/request.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "scsi/execute.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "target/preemption.h"
#include "target/session.h"
#include "target/shard.h"

namespace srpd::target {
namespace {

// SPC-5 annex F: 0E/01 INFORMATION UNIT TOO SHORT, 0E/03 INVALID FIELD IN COMMAND INFORMATION UNIT.
scsi::Result result_of(srp::CmdFault fault) {
  const std::uint8_t ascq = fault == srp::CmdFault::too_short ? 0x01 : 0x03;
  return {.status = scsi::Status::check_condition,
          .sense = {.key = scsi::SenseKey::illegal_request,
                    .asc = 0x0e,
                    .ascq = ascq,
                    .information = {},
                    .field = {}}};
}

}  // namespace

// Move

void Move::start_read(std::span<const RemoteSegment> remote, std::uint64_t offset,
                      std::span<const iovec> local, std::uint32_t length) {
  read_.remote = remote;
  read_.remote_offset = offset;
  read_.local = local;
  read_.length = length;
  request_.session_.channel().read(read_);
}

void Move::start_write(std::span<const RemoteSegment> remote, std::uint64_t offset,
                       std::span<const iovec> local, std::uint32_t length) {
  const Slice part = slice(remote, offset, length);
  write_.remote = part.segments;
  if (part.skip != 0) {
    RemoteSegment* to = adjusted_.data();
    if (part.segments.size() > adjusted_.size()) {
      table_ = request_.session_.shard().tables().take();
      to = static_cast<RemoteSegment*>(table_);
    }
    write_.remote = materialize(part, to);
  }
  write_.local = local;
  write_.length = length;
  request_.session_.channel().send(write_);
}

void Move::done(int result) { request_.moved(*this, result); }

// Descriptor tables outside the IU

// Taken for the life of the request: the tables of both directions, one behind the other.
struct Request::TableFetch {
  explicit TableFetch(Request& request) : out(request), in(request) {}

  BoundWork<transport::ReadWork, Request, &Request::table_fetched> out;
  BoundWork<transport::ReadWork, Request, &Request::table_fetched> in;
  iovec out_local{};
  iovec in_local{};
  alignas(RemoteSegment)
      std::byte bytes[Shard::max_table_descriptors * sizeof(wire::srp::MemoryDescriptor)];
};

const std::size_t Request::table_piece_size = sizeof(TableFetch);

// Request

Request::Request(Session& session, transport::Iu& iu)
    : session_(session),
      iu_(&iu),
      sequence_(session.shard().next_sequence()),
      taken_(session.shard().loop().now()) {}

Request::~Request() {
  if (iu_ != nullptr) session_.channel().release(*iu_);
  if (table_ != nullptr) {
    table_->~TableFetch();
    session_.shard().tables().give(table_);
    session_.table_returned();
  }
}

bool Request::start(std::uint32_t immediate_offset) {
  srp::Command parsed;
  const srp::CmdFault fault = srp::parse_cmd(iu_->bytes(), immediate_offset, parsed);
  if (fault == srp::CmdFault::header_too_short) return false;
  describe(parsed);
  if (fault != srp::CmdFault::ok) {
    answer_fault(fault);
    return true;
  }
  describe(parsed.data_out, out_);
  describe(parsed.data_in, in_);
  if (!tables_fit()) {
    answer_fault(srp::CmdFault::table_too_long);
    return true;
  }
  data_out_length = parsed.data_out.length;
  data_in_length = parsed.data_in.length;
  immediate_ = parsed.data_out.immediate;
  if (needs_iu(parsed)) {
    cdb = parsed.cdb;
  } else {
    // The receive buffer is free for the next IU, warm in the cache.
    std::memcpy(cdb_.data(), parsed.cdb.data(), parsed.cdb.size());
    cdb = std::span(cdb_).first(parsed.cdb.size());
    session_.channel().release(*std::exchange(iu_, nullptr));
  }
  if (out_.external || in_.external) {
    tables_ = Tables::waiting;
    session_.request_table(*this);
  }
  submit();
  return true;
}

void Request::describe(const srp::Command& parsed) {
  loop = &session_.shard().loop();
  loop_index = session_.shard().index();
  nexus = &session_.nexus();
  lun = parsed.lun;
  itl = nexus->luns().find(lun);
  tag = wire::srp::to_integer(parsed.tag);
  attribute = static_cast<scsi::TaskAttribute>(parsed.task_attribute);
  sol_not_ = parsed.sol_not;
}

void Request::describe(const srp::DataBuffer& data, Direction& direction) {
  if (data.format == srp::Format::direct) {
    direction.single = to_segment(data.descriptors[0]);
    direction.segments = {&direction.single, 1};
  } else if (data.external()) {
    direction.single = to_segment(data.table);
    direction.external = true;
  } else if (data.format == srp::Format::indirect && !data.descriptors.empty()) {
    // The head of the descriptor, before the list, has been read and may be overwritten.
    const auto at = reinterpret_cast<const std::byte*>(data.descriptors.data()) - iu_->data;
    direction.segments = convert_in_place(iu_->data + at, data.descriptors.size());
  }
}

bool Request::needs_iu(const srp::Command& parsed) const {
  const auto lies_in_iu = [](const srp::DataBuffer& data, const Direction& direction) {
    return data.format == srp::Format::indirect && !direction.external;
  };
  return !immediate_.empty() || parsed.cdb.size() > cdb_.size() ||
         lies_in_iu(parsed.data_out, out_) || lies_in_iu(parsed.data_in, in_);
}

bool Request::tables_fit() const {
  const std::uint64_t bytes = (out_.external ? std::uint64_t{out_.single.length} : 0) +
                              (in_.external ? std::uint64_t{in_.single.length} : 0);
  return bytes <= sizeof(TableFetch::bytes);
}

// The header could be read, so that the host can be told, and the connection goes on.
void Request::answer_fault(srp::CmdFault fault) {
  session_.count_bad_iu(fault);
  result = result_of(fault);
  answer();
}

void Request::submit() {
  submitted_ = true;
  session_.task_set().submit(*this);
}

void Request::table_granted() {
  table_ = new (session_.shard().tables().take()) TableFetch(*this);
  tables_ = Tables::fetching;
  const std::size_t out_bytes = out_.external ? out_.single.length : 0;
  if (out_.external) fetch_table(out_, table_->out, table_->out_local, table_->bytes);
  if (in_.external) fetch_table(in_, table_->in, table_->in_local, table_->bytes + out_bytes);
}

void Request::fetch_table(Direction& direction, transport::ReadWork& work, iovec& local,
                          std::byte* to) {
  local = {to, direction.single.length};
  work.remote = {&direction.single, 1};
  work.local = {&local, 1};
  work.length = direction.single.length;
  ++tables_missing_;
  ++posted_;
  session_.channel().read(work);
}

void Request::table_fetched(int result_of_read) {
  --tables_missing_;
  if (result_of_read != 0) tables_ = Tables::bad;
  if (tables_missing_ == 0) {
    const std::size_t out_bytes = out_.external ? out_.single.length : 0;
    const bool good = tables_ != Tables::bad && adopt_table(out_, data_out_length, table_->bytes) &&
                      adopt_table(in_, data_in_length, table_->bytes + out_bytes);
    tables_ = good ? Tables::ready : Tables::bad;
    if (!good) session_.count_bad_iu(srp::CmdFault::lengths_disagree);
  }
  unposted();
  if (tables_missing_ == 0) {
    flush_waiting_moves();
    if (completed_ && !answered_) conclude();
  }
  try_end();
}

bool Request::adopt_table(Direction& direction, std::uint64_t length, std::byte* at) {
  if (!direction.external) return true;
  direction.segments = convert_in_place(at, direction.single.length / sizeof(RemoteSegment));
  return total_length(direction.segments) >= length;
}

// Moving data

int Request::refusal() const {
  if (session_.ending()) return -ECONNRESET;
  return aborted ? -ECANCELED : 0;
}

void Request::transfer(scsi::Transfer& transfer, bool out) {
  const std::uint64_t size = out ? data_out_length : data_in_length;
  CHECK(transfer.offset <= size && transfer.length <= size - transfer.offset);
  if (const int refused = refusal(); refused != 0 || transfer.length == 0) {
    transfer.complete(refused);
    return;
  }
  if (out && !immediate_.empty()) {
    copy_immediate(transfer);
    transfer.complete(0);
    return;
  }
  auto& move = *new (session_.shard().moves().take()) Move(*this, &transfer);
  move.out = out;
  if (tables_ == Tables::waiting || tables_ == Tables::fetching) {
    Move** end = &waiting_moves_;
    while (*end != nullptr) end = &(*end)->next;
    *end = &move;
  } else {
    start(move);
  }
}

void Request::copy_immediate(scsi::Transfer& transfer) const {
  auto from = immediate_.subspan(transfer.offset, transfer.length);
  for (const iovec& to : transfer.local) {
    const std::size_t part = std::min(to.iov_len, from.size());
    if (part != 0) std::memcpy(to.iov_base, from.data(), part);
    from = from.subspan(part);
  }
}

void Request::start(Move& move) {
  int refused = refusal();
  if (refused == 0 && tables_ == Tables::bad) {
    bad_table_used_ = true;
    refused = -EIO;
  }
  if (refused != 0) return complete(move, refused);
  const scsi::Transfer& wanted = *move.transfer;
  ++posted_;
  if (move.out)
    move.start_read(out_.segments, wanted.offset, wanted.local, wanted.length);
  else
    move.start_write(in_.segments, wanted.offset, wanted.local, wanted.length);
}

void Request::moved(Move& move, int result_of_move) {
  unposted();
  // What arrived for an aborted command is of no use to it.
  const int refused = refusal();
  complete(move, refused != 0 ? refused : result_of_move);
  try_end();
}

void Request::complete(Move& move, int result_of_move) {
  scsi::Transfer* const wanted = move.transfer;
  Shard& shard = session_.shard();
  if (move.table_ != nullptr) shard.tables().give(move.table_);
  move.~Move();
  shard.moves().give(&move);
  if (wanted != nullptr) wanted->complete(result_of_move);
}

void Request::flush_waiting_moves() {
  Move* move = std::exchange(waiting_moves_, nullptr);
  while (move != nullptr) {
    Move& current = *move;
    move = move->next;
    start(current);
  }
}

// The end

void Request::abort_preempted(std::uint32_t preemption, runtime::Completion& done) {
  Preemption::start(*this, preemption, done);
}

void Request::on_complete() {
  completed_ = true;
  session_.shard().latencies().add(
      session_.latencies(),
      itl == nullptr ? nullptr : &itl->cells[loop_index].latencies_of(scsi::io_class_of(*this)),
      taken_);
  conclude();
}

// The core is through: answer, unless that has to wait for a table or nobody waits for an answer.
void Request::conclude() {
  if (answered_ || session_.ending() || (aborted && report_ == AbortReport::none)) return try_end();
  // The host may withdraw a table once it has the answer: table_fetched() comes back here.
  if (tables_missing_ != 0) return;
  if (aborted) return answer_aborted();
  if (data_in_size != 0) {
    if (tables_ == Tables::waiting || tables_ == Tables::fetching) return;
    if (tables_ == Tables::bad) bad_table_used_ = true;
  }
  if (bad_table_used_) {
    result = result_of(srp::CmdFault::lengths_disagree);
    moved_in -= data_in_size;
    data_in_size = 0;
  }
  answer();
}

void Request::answer_aborted() {
  result = {.status = scsi::Status::task_aborted, .sense = {}};
  data_in_size = 0;
  answer();
}

void Request::answer() {
  if (tables_ == Tables::waiting) session_.forget_table_request(*this);
  answered_ = true;
  session_.count_moved(moved_out, moved_in);
  const std::size_t size = build_response();
  response_.iu = std::span(response_iu_).first(size);
  if (data_in_size != 0) attach_data_in();
  ++posted_;
  session_.channel().send(response_);
}

std::size_t Request::build_response() {
  std::array<std::byte, scsi::max_sense_length> sense;
  srp::Response response;
  response.tag = wire::srp::to_tag(tag);
  response.req_lim_delta = session_.credit_for_answer();
  response.status = static_cast<std::uint8_t>(result.status);
  response.residual = srp::residual_of({data_out_length, wanted_out, moved_out},
                                       {data_in_length, wanted_in, moved_in});
  if (result.status == scsi::Status::check_condition) {
    const std::size_t room = session_.setup().max_target_iu - sizeof(wire::srp::Rsp);
    const std::span<const std::byte> all = sense_data(sense);
    response.sense = all.first(std::min(all.size(), room));
  }
  const std::uint8_t wanted = result.good() ? wire::srp::scsolnt : wire::srp::ucsolnt;
  response.solicited = (sol_not_ & wanted) != 0;
  response_.solicited = response.solicited;
  return srp::build_rsp(response, response_iu_);
}

// The rest of the data-in goes in one chain with the response. Only where it begins inside one of
// several segments it goes by itself, just ahead.
void Request::attach_data_in() {
  CHECK(data_in_offset <= data_in_length && data_in_size <= data_in_length - data_in_offset);
  const Slice part = slice(in_.segments, data_in_offset, data_in_size);
  if (part.skip != 0 && part.segments.size() > 1) {
    auto& move = *new (session_.shard().moves().take()) Move(*this, nullptr);
    ++posted_;
    move.start_write(in_.segments, data_in_offset, data_in, data_in_size);
    return;
  }
  response_.remote = part.skip == 0 ? part.segments : materialize(part, &adjusted_);
  response_.local = data_in;
  response_.length = data_in_size;
}

void Request::answer_sent(int) {
  unposted();
  // The usual end, at once: nobody walks the requests while the channel completes works.
  if (posted_ != 0 || ending_ || held()) return;
  ending_ = true;
  if (tables_ == Tables::waiting) session_.forget_table_request(*this);
  session_.end(*this);
}

void Request::unposted() {
  CHECK(posted_ > 0);
  if (--posted_ == 0 && session_.shard().has_watchers()) session_.shard().quiet(*this);
}

void Request::try_end() {
  if (report_ == AbortReport::at_once && aborted && !answered_ && posted_ == 0 &&
      !session_.ending())
    return answer_aborted();
  if (ending_ || posted_ != 0 || held() || waiting_moves_ != nullptr) return;
  if (!answered_ && !session_.ending() && (!aborted || report_ != AbortReport::none)) return;
  ending_ = true;
  if (tables_ == Tables::waiting) session_.forget_table_request(*this);
  session_.shard().end_later(*this);
}

// What another nexus aborted may be aborted by its own as well: then nothing may follow the answer
// to that, also no TASK ABORTED.
void Request::prepare_abort(AbortReport report) {
  if (aborted && (report_ == AbortReport::none || report == AbortReport::at_the_end)) return;
  report_ = report;
  if (report == AbortReport::none) session_.carry_credit();
}

void Request::after_abort() {
  // The core no longer knows a request it has completed.
  aborted = true;
  if (tables_ == Tables::waiting) {
    session_.forget_table_request(*this);
    tables_ = Tables::bad;
  }
  flush_waiting_moves();
  if (completed_ && !answered_) conclude();
  try_end();
}

}  // namespace srpd::target
