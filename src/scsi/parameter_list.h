// The parameter list that comes with a command: all of it in the command's buffer before anything
// of it is looked at.
#pragma once

#include <cstdint>

#include "runtime/bound.h"
#include "runtime/completion.h"
#include "scsi/block_io.h"
#include "scsi/command.h"

namespace srpd::scsi {

/// Awaited in a command's coroutine: 0, or -errno of the transfer; then it is in command.buffer.
/// Where the command was aborted before its turn for a buffer came, nothing is fetched: look at
/// `aborted`.
class ParameterList : public runtime::Completion {
 public:
  /// `length`: 1 .. BufferPool::largest bytes, all of which the host sends.
  void start(Command& command, std::uint32_t length);

 private:
  void lent(int result);
  void fetched(int result);

  Command* command_ = nullptr;
  std::uint32_t length_ = 0;
  runtime::BoundWork<BufferRequest, ParameterList, &ParameterList::lent> request_{*this};
  runtime::BoundWork<DataMove, ParameterList, &ParameterList::fetched> move_{*this};
};

}  // namespace srpd::scsi
