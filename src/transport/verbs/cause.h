// What a work request that failed says about the connection.
#pragma once

#include <infiniband/verbs.h>

#include "transport/transport.h"

namespace srpd::transport::verbs {

struct Cause {
  CloseReason::Kind kind;
  const char* text;
  bool certain = true;  ///< false: something else is the reason, and will tell
};

inline Cause cause_of(ibv_wc_status status) {
  using Kind = CloseReason::Kind;
  switch (status) {
    case IBV_WC_WR_FLUSH_ERR:
      return {Kind::peer_reset, "the connection was lost", false};
    case IBV_WC_RETRY_EXC_ERR:
      return {Kind::peer_reset, "the peer does not answer any more"};
    case IBV_WC_RNR_RETRY_EXC_ERR:
      return {Kind::peer_reset, "the peer has no receive buffers"};
    case IBV_WC_REM_ACCESS_ERR:
      return {Kind::peer_terminate, "the peer refused an access to its memory"};
    case IBV_WC_REM_INV_REQ_ERR:
    case IBV_WC_REM_OP_ERR:
    case IBV_WC_REM_ABORT_ERR:
      return {Kind::peer_terminate, "the peer refused an operation"};
    case IBV_WC_LOC_LEN_ERR:
      return {Kind::protocol_error, "the peer sent a longer IU than agreed"};
    default:
      return {Kind::local, ::ibv_wc_status_str(status)};
  }
}

}  // namespace srpd::transport::verbs
