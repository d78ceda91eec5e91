// RDMA/CM identifiers and their events. An event is acknowledged before it is handed on, so that
// the handler may destroy the identifier (rdma_destroy_id(3) waits for unacknowledged events).
#pragma once

#include <rdma/rdma_cma.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "transport/transport.h"

namespace srpd::transport::verbs {

/// Longest private data of any CM message.
inline constexpr std::size_t max_private_data = 256;

struct CmEvent {
  rdma_cm_event_type type{};
  int status = 0;
  rdma_cm_id* id = nullptr;  ///< CONNECT_REQUEST: a new one, the handler's from now on
  rdma_conn_param parameters{};
  std::array<std::byte, max_private_data> data;
  std::size_t data_length = 0;

  std::span<const std::byte> private_data() const { return std::span(data).first(data_length); }
};

class CmHandler {
 public:
  virtual void on_cm_event(const CmEvent& event) = 0;

 protected:
  ~CmHandler() = default;
};

struct DestroyCmId {
  void operator()(rdma_cm_id* id) const { ::rdma_destroy_id(id); }
};
/// Its events go to the CmHandler in `context`, none while that is null.
using CmId = std::unique_ptr<rdma_cm_id, DestroyCmId>;

inline void set_handler(rdma_cm_id& id, CmHandler* handler) { id.context = handler; }

Address local_address(rdma_cm_id& id);
Address peer_address(rdma_cm_id& id);

/// "the peer did not answer (RDMA_CM_EVENT_UNREACHABLE, -110)".
std::string describe(const CmEvent& event);

}  // namespace srpd::transport::verbs
