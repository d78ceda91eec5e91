// The system call of a FileOperation, for the loops that have no asynchronous one.
#pragma once

#include "runtime/loop.h"

namespace srpd::runtime {

/// Makes the call and waits for it. Bytes, 0 or -errno.
int perform(const FileOperation& operation);

/// A read that the page cache can answer whole; -EAGAIN when it would wait, or cannot tell.
int perform_without_waiting(const FileOperation& operation);

/// 0, or -errno for arguments that a system call would take for something else.
int check_arguments(const FileOperation& operation);

}  // namespace srpd::runtime
