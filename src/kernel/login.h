// Logging the kernel's initiator in and out.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kernel/files.h"
#include "kernel/login_string.h"
#include "kernel/ports.h"
#include "kernel/sessions.h"

namespace srpd::kernel {

struct LoggedIn {
  unsigned host = 0;     ///< number of the SCSI host
  bool already = false;  ///< it was there before
};

/// Blocks as long as the kernel does, which is until the connection stands or fails. What ib_srp
/// has to say against it is read from the kernel's log.
Expected<LoggedIn> log_in(const Files& files, const LoginString& login, const Port& port);

/// Ends the session of a SCSI host and waits until it is gone.
Expected<void> log_out(const Files& files, const Session& session,
                       std::chrono::milliseconds patience);

/// Until every unit of the host that is a disk has a block device with a size, and udev has named
/// it where udev runs; at most `patience`.
std::vector<Disk> wait_for_disks(const Files& files, unsigned host,
                                 std::chrono::milliseconds patience);

/// Why add_target failed: from the error number and what ib_srp logged meanwhile.
Error explain_login_failure(int error_number, const LoginString& login, const Port& port,
                            const std::vector<std::string>& kernel_log);

}  // namespace srpd::kernel
