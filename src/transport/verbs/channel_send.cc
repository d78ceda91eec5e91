// What a VerbsChannel sends: works become chains of work requests, several of them in one post. The
// last request of a work asks for a completion, and so do RDMA Reads and now and then a write of a
// long work, so that its places in the send queue become free.
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "transport/verbs/cause.h"
#include "transport/verbs/channel.h"

namespace srpd::transport::verbs {

void VerbsChannel::send(SendWork& work) {
  defer_turn();
  if (phase_ > Phase::open) return finish(work, -ECONNRESET);
  if (work.length == 0 && work.iu.empty()) return finish(work, 0);
  sends_.push(work);
}

void VerbsChannel::read(ReadWork& work) {
  defer_turn();
  if (phase_ > Phase::open) return finish(work, -ECONNRESET);
  if (work.length == 0) return finish(work, 0);
  // A peer that answers no RDMA Reads would let them wait for ever.
  if (limits_.read_depth == 0) return finish(work, -EIO);
  reads_.push(work);
}

void VerbsChannel::pump() {
  bool more = peer_ready_;
  while (more && (phase_ == Phase::open || phase_ == Phase::flushing)) {
    std::size_t count = 0;
    while (count < LoopContext::batch && ring_->room() > 0 && build(count)) ++count;
    more = count == LoopContext::batch;
    // Also when something went wrong: what was built before it counts as posted.
    if (count > 0) post(count);
  }
}

// Reads first: they are few, and the answers they wait for take a while.
bool VerbsChannel::build(std::size_t at) {
  if (phase_ != Phase::open && phase_ != Phase::flushing) return false;
  if (!reads_.empty() && reads_posted_ < limits_.read_depth) return build_read(at);
  if (sends_.empty()) return false;
  SendWork& work = sends_.front();
  if (!write_begun_) {
    write_begun_ = true;
    write_cursor_ = TransferCursor(work.remote, 0, work.local, work.length);
  }
  return write_cursor_.done() ? build_send(at) : build_write(at);
}

bool VerbsChannel::build_read(std::size_t at) {
  ReadWork& work = reads_.front();
  if (!read_begun_) {
    read_begun_ = true;
    read_cursor_ = TransferCursor(work.remote, work.remote_offset, work.local, work.length);
  }
  Posted posted;
  posted.is_read = true;
  if (!build_rdma(at, read_cursor_, read_pieces_, posted)) return false;
  context_->requests[at].opcode = IBV_WR_RDMA_READ;
  ++reads_posted_;
  if (read_cursor_.done()) {
    posted.read = reads_.pop();
    read_begun_ = false;
  }
  queue(at, posted);
  return true;
}

bool VerbsChannel::build_write(std::size_t at) {
  Posted posted;
  if (!build_rdma(at, write_cursor_, operation_.pieces, posted)) return false;
  context_->requests[at].opcode = IBV_WR_RDMA_WRITE;
  if (write_cursor_.done() && sends_.front().iu.empty()) {
    posted.send = sends_.pop();
    write_begun_ = false;
  }
  queue(at, posted);
  return true;
}

bool VerbsChannel::build_rdma(std::size_t at, TransferCursor& cursor, std::uint32_t most_pieces,
                              Posted& posted) {
  ibv_send_wr& request = context_->requests[at];
  auto& pieces = context_->pieces[at];
  request = {};
  TransferCursor::Operation operation;
  const bool good = cursor.next({most_pieces, operation_.bytes}, pieces, operation,
                                [&](std::byte* memory, std::uint32_t length, ibv_sge& piece) {
                                  return resolve(memory, length, piece, posted);
                                });
  if (!good) {
    forget(posted);
    return false;
  }
  request.sg_list = pieces.data();
  request.num_sge = static_cast<int>(operation.pieces);
  request.wr.rdma.remote_addr = operation.address;
  request.wr.rdma.rkey = operation.key;
  return true;
}

// Memory that nobody announced is registered for the time of the operation.
bool VerbsChannel::resolve(std::byte* memory, std::uint32_t length, ibv_sge& piece,
                           Posted& posted) {
  const auto answer = context_->memory().resolve(memory, length, piece);
  if (answer == MemoryMap::Answer::known) return true;
  if (answer == MemoryMap::Answer::unknown) {
    // Of memory that is only read from, nobody may ask to be written to: it may be read-only.
    auto registration = Registration::make(device_->pd(), {memory, length},
                                           posted.is_read ? device_->local_access() : 0);
    if (registration) {
      piece = {reinterpret_cast<std::uintptr_t>(memory), length, registration.lkey()};
      posted.temporaries = new Temporary{std::move(registration), posted.temporaries};
      return true;
    }
  }
  fail(CloseReason::Kind::local, registration_error("", length, errno).text());
  return false;
}

bool VerbsChannel::build_send(std::size_t at) {
  SendWork& work = sends_.front();
  ibv_send_wr& request = context_->requests[at];
  request = {};
  Posted posted;
  if (!place_iu(work.iu, at, posted)) {
    forget(posted);
    return false;
  }
  request.opcode = IBV_WR_SEND;
  if (work.solicited) request.send_flags |= IBV_SEND_SOLICITED;
  posted.send = sends_.pop();
  write_begun_ = false;
  queue(at, posted);
  return true;
}

// Small IUs go into the work request, or are copied to memory that the adapter knows.
bool VerbsChannel::place_iu(std::span<const std::byte> iu, std::size_t at, Posted& posted) {
  ibv_send_wr& request = context_->requests[at];
  ibv_sge& piece = context_->pieces[at][0];
  auto* const memory = const_cast<std::byte*>(iu.data());
  const auto length = static_cast<std::uint32_t>(iu.size());
  request.sg_list = &piece;
  request.num_sge = 1;
  if (length <= inline_bytes_) {
    piece = {reinterpret_cast<std::uintptr_t>(memory), length, 0};
    request.send_flags = IBV_SEND_INLINE;
    return true;
  }
  if (length <= SendSlots::slot_size) {
    posted.slot = context_->slots().take();
    if (posted.slot == nullptr) {
      fail(CloseReason::Kind::local, registration_error("", SendSlots::slot_size, errno).text());
      return false;
    }
    std::memcpy(posted.slot->data, memory, length);
    piece = {reinterpret_cast<std::uintptr_t>(posted.slot->data), length, posted.slot->key};
    return true;
  }
  if (length <= runtime::BufferPool::largest) posted.copy = loop_.buffers().try_acquire(length);
  if (!posted.copy) {
    if (!resolve(memory, length, piece, posted)) return false;
  } else {
    std::memcpy(posted.copy.data, memory, length);
    if (!resolve(posted.copy.data, length, piece, posted)) return false;
  }
  CHECK(piece.length == length);
  return true;
}

// Nothing is moved, so that no memory of the peer is concerned; its adapter answers all the same,
// or the request fails (IBTA C9-88; over iWARP these are the messages that RFC 6581 begins
// connections with). On iWARP a write is complete when it has left, so that it has to be a read, if
// the peer answers any.
void VerbsChannel::ask() {
  if (phase_ != Phase::open || !peer_ready_) return;
  ibv_send_wr& request = context_->requests[0];
  request = {};
  Posted posted;
  posted.awaited = true;
  posted.is_read = device_->iwarp() && limits_.read_depth > 0;
  request.opcode = posted.is_read ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE;
  if (posted.is_read) {
    // A read of nothing has a place for it nevertheless (siw).
    context_->pieces[0][0] = {};
    request.sg_list = context_->pieces[0].data();
    request.num_sge = 1;
    ++reads_posted_;
  }
  queue(0, posted);
  post(1);
}

void VerbsChannel::queue(std::size_t at, Posted posted) {
  ibv_send_wr& request = context_->requests[at];
  // A read has to be seen to complete before the next one may begin.
  posted.awaited |= posted.send != nullptr || posted.is_read;
  if (posted.awaited) ring_->signaled();
  if (posted.awaited || ring_->must_signal()) request.send_flags |= IBV_SEND_SIGNALED;
  request.wr_id = LoopContext::send_id(seat_, ring_->push(posted));
  if (at > 0) context_->requests[at - 1].next = &request;
}

void VerbsChannel::post(std::size_t count) {
  context_->requests[count - 1].next = nullptr;
  ibv_send_wr* refused = nullptr;
  const int rc = ::ibv_post_send(queue_pair_, context_->requests.data(), &refused);
  // What was not taken stays in the ring until the queue pair is gone, as does what was.
  if (rc != 0)
    fail(CloseReason::Kind::peer_reset, "the connection takes no more work: " + errno_text(rc),
         false);
}

// A completion stands for itself, and a send's or write's for the writes before it that asked for
// none. Reads have completions of their own, since some devices (siw) let what follows a read
// complete before it.
void VerbsChannel::on_sent(std::uint32_t number, const ibv_wc& completion) {
  if (!ring_->contains(number)) return;
  const bool good = completion.status == IBV_WC_SUCCESS;
  if (good) {
    moved();
  } else {
    const Cause cause = cause_of(completion.status);
    fail(cause.kind, cause.text, cause.certain);
  }
  Posted& posted = (*ring_)[number];
  if (!posted.is_read) covered_ = number;
  settle(posted, good ? 0 : -ECONNRESET);
  retire();
  defer_turn();
}

void VerbsChannel::retire() {
  while (!ring_->empty()) {
    Posted& oldest = ring_->front();
    const bool covered =
        !oldest.awaited && static_cast<std::int32_t>(covered_ - ring_->first()) >= 0;
    if (!oldest.settled && !covered) return;
    settle(oldest, 0);
    ring_->pop();
  }
}

// What was kept for it.
void VerbsChannel::forget(const Posted& posted) {
  for (Temporary* each = posted.temporaries; each != nullptr;) {
    const std::unique_ptr<Temporary> done(each);
    each = each->next;
  }
  if (posted.slot != nullptr) context_->slots().give(*posted.slot);
  if (posted.copy) loop_.buffers().release(posted.copy);
}

// Once; the place in the ring may be taken for something else only afterwards.
void VerbsChannel::settle(Posted& posted, int result) {
  if (posted.settled) return;
  posted.settled = true;
  forget(posted);
  if (posted.is_read) --reads_posted_;
  if (posted.send != nullptr) posted.send->complete(result);
  if (posted.read != nullptr) posted.read->complete(result);
}

}  // namespace srpd::transport::verbs
