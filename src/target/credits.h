// The request limit of one channel (SRP r16a 5.5.2). Credits in circulation are held by the host,
// by requests being served, or are waiting here for the next answer:
//   limit = host + busy + pending.
// Pure; every change of the limit goes through one of the two functions that give credits out.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace srpd::target {

class Credits {
 public:
  /// What the login response announces.
  explicit Credits(std::uint32_t initial) : limit_(initial), host_(initial) {}

  std::uint32_t limit() const { return limit_; }
  std::uint32_t host() const { return host_; }
  std::uint32_t busy() const { return busy_; }
  std::uint32_t pending() const { return pending_; }

  /// An IU that needs a credit arrived. False: the host had none, which breaks the protocol.
  bool consume() {
    if (host_ == 0) return false;
    --host_;
    ++busy_;
    return true;
  }

  /// A request ended without an answer (it was aborted): its credit goes with a later one.
  void carry() {
    CHECK(busy_ > 0);
    --busy_;
    ++pending_;
  }

  /// REQUEST LIMIT DELTA for the answer to a request: its credit, those carried, and what `wanted`
  /// says the limit should become. Credits are withheld, never taken back, so that the delta is not
  /// negative.
  std::int32_t answer(std::uint32_t wanted) {
    carry();
    return give(wanted);
  }

  /// The same for an IU that answers nothing (SRP_CRED_REQ, SRP_AER_REQ).
  std::int32_t give(std::uint32_t wanted) {
    if (limit_ > wanted) {
      const std::uint32_t withheld = std::min(pending_, limit_ - wanted);
      pending_ -= withheld;
      limit_ -= withheld;
    } else {
      pending_ += wanted - limit_;
      limit_ = wanted;
    }
    const std::uint32_t given = pending_;
    host_ += given;
    pending_ = 0;
    return static_cast<std::int32_t>(given);
  }

  /// Credits wait and no answer is under way that could carry them.
  bool stranded() const { return pending_ > 0 && busy_ == 0; }

  /// The host uses nearly all it has: more would be used, too.
  bool scarce() const { return host_ < limit_ / 4; }

 private:
  std::uint32_t limit_;
  std::uint32_t host_;
  std::uint32_t busy_ = 0;
  std::uint32_t pending_ = 0;
};

}  // namespace srpd::target
