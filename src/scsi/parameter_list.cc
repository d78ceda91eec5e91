#include "scsi/parameter_list.h"

namespace srpd::scsi {

void ParameterList::start(Command& command, std::uint32_t length) {
  reset();
  command_ = &command;
  length_ = length;
  request_.start(command, length);
}

void ParameterList::lent(int) {
  command_->buffer = request_.buffer;
  if (command_->aborted) return complete(0);
  move_.fetch(*command_, 0, length_, command_->buffer.data);
}

void ParameterList::fetched(int result) {
  if (result >= 0) command_->moved_out = length_;
  complete(result < 0 ? result : 0);
}

}  // namespace srpd::scsi
