// What can be set on software iWARP; the defaults suit srpd and libsrp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "transport/transport.h"

namespace srpd::transport::iwarp {

struct IwarpOptions {
  /// Ask for CRC32C. It is on when either side asks for it.
  bool crc = false;
  /// As initiator: the MPA revision to begin with (1 or 2). Revision 2 falls back to 1 when the
  /// peer resets the connection on it.
  std::uint8_t mpa_revision = 2;
  /// As initiator: ask for peer-to-peer mode and offer these kinds of RTR (RFC 6581). What hardware
  /// adapters do.
  bool offer_rtr_write = false;
  bool offer_rtr_read = false;
  /// Longest FPDU sent to a software peer, MPA header and CRC included. Hardware-like peers get
  /// FPDUs of one TCP segment at most.
  std::uint32_t max_fpdu = 65536;
  /// Connections that have not sent a complete MPA Request yet; beyond it the oldest is dropped.
  std::size_t max_unauthenticated = 1024;
  int backlog = 1024;
  /// Listen on addresses that no interface has (yet).
  bool free_bind = false;
  /// Gives away a listening, non-blocking socket that somebody else has opened at the address and
  /// goes on using, or -1: then a listener opens its own. Empty: there are none. Outlives the
  /// transport.
  std::function<int(const Address& address)> take_socket;

  std::chrono::milliseconds request_timeout{5'000};  ///< for a complete MPA Request
  std::chrono::milliseconds close_timeout{2'000};  ///< for what is queued to leave and FIN to come
  std::chrono::milliseconds user_timeout{30'000};  ///< TCP_USER_TIMEOUT: sent, not acknowledged
  /// An RDMA Read of which nothing arrives for so long, up to half as much more, ends the
  /// connection.
  std::chrono::milliseconds read_timeout{30'000};
  std::chrono::seconds keepalive_idle{10};
  std::chrono::seconds keepalive_interval{5};
  int keepalive_count = 3;
};

}  // namespace srpd::transport::iwarp
