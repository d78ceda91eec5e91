// One end of a connection as its connection manager sees it: the queue pair with its transitions,
// and the messages to the peer. RDMA/CM (rdma_endpoint.h) and our own manager (own_cm/) implement
// it.
#pragma once

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <cstdint>

#include "transport/transport.h"
#include "transport/verbs/cm.h"
#include "transport/verbs/loop_state.h"

namespace srpd::transport::verbs {

/// On one loop at a time. 0, or -1 with errno set, where nothing else is said.
class Endpoint {
 public:
  virtual ~Endpoint() = default;

  /// Events come on this loop from now on. None is being handled, and there is no handler.
  virtual int move_to(LoopState& state) = 0;
  /// None while null.
  virtual void set_handler(CmHandler* handler) = 0;
  virtual Address peer() const = 0;
  virtual Address local() const = 0;
  virtual std::uint8_t port() const = 0;

  /// Receives may be posted then. `attributes.cap` holds what was granted.
  virtual int create_queue_pair(ibv_pd& pd, ibv_qp_init_attr& attributes) = 0;
  virtual void destroy_queue_pair() = 0;
  /// Null before and after.
  virtual ibv_qp* queue_pair() const = 0;

  virtual int accept(rdma_conn_param& answer) = 0;
  virtual int connect(rdma_conn_param& request) = 0;
  /// The adapter says that the peer uses the connection (IBV_EVENT_COMM_EST).
  virtual void communication_established() = 0;
  /// An IU came before the event that ends the handshake.
  virtual void data_arrived() {}
  /// What is posted flushes, at the latest when the queue pair is set to its error state.
  virtual int disconnect() = 0;
};

}  // namespace srpd::transport::verbs
