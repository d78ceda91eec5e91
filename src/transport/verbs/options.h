// What can be set on the verbs transport; the defaults suit srpd and libsrp.
#pragma once

#include <chrono>
#include <cstdint>

namespace srpd::transport::verbs {

struct VerbsOptions {
  /// Most receive buffers that the connections of one device and loop share (ib_srpt's
  /// srpt_srq_size). 0: every connection has its own.
  std::uint32_t shared_receives = 4095;
  /// Size of those buffers. A connection with longer IUs has its own.
  std::uint32_t shared_receive_size = 8260;
  /// Send work requests of a connection that the adapter has at the same time; more wait inside.
  std::uint32_t send_queue = 127;
  std::uint32_t send_pieces = 8;     ///< scatter/gather entries of a work request
  std::uint32_t inline_bytes = 128;  ///< IUs up to this go with the work request, if granted
  int backlog = 1024;

  std::chrono::milliseconds close_timeout{
      2'000};  ///< for what is posted to leave at a graceful end
  std::chrono::milliseconds retry_interval{
      1'000};  ///< listeners on addresses that are not there yet
  std::chrono::milliseconds removal_interval{
      1'000};  ///< after which is looked whether a device is still there
  /// A connection on which nothing has completed for so long is asked for a sign of life;
  std::chrono::milliseconds keep_alive_idle{10'000};
  /// and it ends when something posted has not completed for so long. Both take up to half of the
  /// former longer.
  std::chrono::milliseconds answer_timeout{30'000};
};

}  // namespace srpd::transport::verbs
