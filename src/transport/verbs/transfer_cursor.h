// Cuts a transfer between scattered local memory and scattered remote memory into RDMA operations:
// one remote piece each, gathered from (or scattered to) a few local ones.
#pragma once

#include <infiniband/verbs.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "transport/transport.h"

namespace srpd::transport::verbs {

/// What the adapter allows in one operation.
struct OperationLimits {
  std::uint32_t pieces = 1;
  std::uint32_t bytes = UINT32_MAX;
};

class TransferCursor {
 public:
  struct Operation {
    std::uint64_t address = 0;
    std::uint32_t key = 0;
    std::uint32_t length = 0;
    std::uint32_t pieces = 0;
  };

  TransferCursor() = default;
  /// `length` bytes from `offset` of the remote segments on, which are at least that long, as is
  /// `local`.
  TransferCursor(std::span<const RemoteSegment> remote, std::uint64_t offset,
                 std::span<const iovec> local, std::uint32_t length)
      : remote_(remote), local_(local), remote_at_(offset), left_(length) {}

  bool done() const { return left_ == 0; }
  std::uint32_t left() const { return left_; }

  /// The next operation; not when done(). `resolve(std::byte* at, std::uint32_t length, ibv_sge&)`
  /// describes local memory from `at` on to the adapter, `length` bytes or fewer, and returns false
  /// when it cannot; then so does this, and the transfer is over.
  template <class Resolve>
  bool next(const OperationLimits& limits, std::span<ibv_sge> pieces, Operation& operation,
            Resolve&& resolve) {
    skip_to_segment();
    const RemoteSegment& segment = remote_.front();
    const auto most = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({left_, segment.length - remote_at_, std::uint64_t{limits.bytes}}));
    operation = {segment.address + remote_at_, segment.key, 0, 0};
    while (operation.length < most && operation.pieces < limits.pieces) {
      skip_to_local();
      const iovec& from = local_.front();
      const auto part = static_cast<std::uint32_t>(
          std::min<std::size_t>(most - operation.length, from.iov_len - local_at_));
      ibv_sge& piece = pieces[operation.pieces];
      if (!resolve(static_cast<std::byte*>(from.iov_base) + local_at_, part, piece)) return false;
      DCHECK(piece.length > 0 && piece.length <= part);
      local_at_ += piece.length;
      operation.length += piece.length;
      ++operation.pieces;
    }
    remote_at_ += operation.length;
    left_ -= operation.length;
    return true;
  }

 private:
  void skip_to_segment() {
    CHECK(!remote_.empty());
    while (remote_at_ >= remote_.front().length) {
      remote_at_ -= remote_.front().length;
      remote_ = remote_.subspan(1);
      CHECK(!remote_.empty());
    }
  }
  void skip_to_local() {
    CHECK(!local_.empty());
    while (local_at_ >= local_.front().iov_len) {
      local_at_ -= local_.front().iov_len;
      local_ = local_.subspan(1);
      CHECK(!local_.empty());
    }
  }

  std::span<const RemoteSegment> remote_;
  std::span<const iovec> local_;
  std::uint64_t remote_at_ = 0;  // in the first segment, or beyond it
  std::size_t local_at_ = 0;
  std::uint32_t left_ = 0;
};

}  // namespace srpd::transport::verbs
