// An identifier of RDMA/CM as the end of a connection.
#pragma once

#include <utility>

#include "transport/verbs/endpoint.h"

namespace srpd::transport::verbs {

class RdmaEndpoint final : public Endpoint {
 public:
  /// `id` has a device.
  explicit RdmaEndpoint(CmId id) : id_(std::move(id)) {}

  int move_to(LoopState& state) override { return state.adopt(*id_) ? 0 : -1; }
  void set_handler(CmHandler* handler) override { verbs::set_handler(*id_, handler); }
  Address peer() const override { return peer_address(*id_); }
  Address local() const override { return local_address(*id_); }
  std::uint8_t port() const override { return id_->port_num; }
  int create_queue_pair(ibv_pd& pd, ibv_qp_init_attr& attributes) override {
    return ::rdma_create_qp(id_.get(), &pd, &attributes);
  }
  void destroy_queue_pair() override {
    if (id_->qp != nullptr) ::rdma_destroy_qp(id_.get());
  }
  ibv_qp* queue_pair() const override { return id_->qp; }
  int accept(rdma_conn_param& answer) override { return ::rdma_accept(id_.get(), &answer); }
  int connect(rdma_conn_param& request) override { return ::rdma_connect(id_.get(), &request); }
  void communication_established() override {
    static_cast<void>(::rdma_notify(id_.get(), IBV_EVENT_COMM_EST));
  }
  int disconnect() override { return ::rdma_disconnect(id_.get()); }

 private:
  const CmId id_;
};

}  // namespace srpd::transport::verbs
