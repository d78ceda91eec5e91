// Parameter data to the host that grow with what there is: they ask for a buffer of their own size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/task.h"
#include "scsi/command.h"

namespace srpd::scsi {

/// Writes as much of the data as fits into `out`, and returns how long all of it is. Called first
/// with an empty `out`, for the room that it wants. When it is called again there is at most one
/// buffer of the pool, and things may have changed.
using BuildData = std::size_t (*)(Command& command, std::span<std::byte> out);

/// Serves the command with them, cut to the allocation length.
runtime::Task<Result> send_sized(Command& command, BuildData build,
                                 std::uint64_t allocation_length);

}  // namespace srpd::scsi
