// Tells when a SCSI host comes or goes: the kernel's uevents.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "runtime/loop.h"

namespace srpd::kernel {

/// True when a uevent ("ACTION@PATH", then "KEY=VALUE", each ended by a zero) is about a SCSI host
/// or an RDMA device that was added or removed.
bool concerns_sessions(std::string_view uevent);

class Uevents final : private runtime::Watch {
 public:
  /// `on_change` on `loop`, which outlives it. The kernel sends uevents of SCSI hosts to the
  /// initial network namespace alone; elsewhere nothing ever comes.
  static Expected<std::unique_ptr<Uevents>> make(runtime::Loop& loop,
                                                 std::function<void()> on_change);
  ~Uevents();

 private:
  Uevents(runtime::Loop& loop, std::function<void()> on_change, int fd)
      : loop_(loop), on_change_(std::move(on_change)), fd_(fd) {}
  void on_ready(std::uint32_t events) override;

  runtime::Loop& loop_;
  std::function<void()> on_change_;
  int fd_;
  bool watched_ = false;
};

}  // namespace srpd::kernel
