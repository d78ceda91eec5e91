// The end of a connection of our own connection manager: takes the queue pair through its states as
// the messages say (volume 1, 12.9.6 and 10.3.1).
#pragma once

#include <memory>

#include "transport/verbs/endpoint.h"
#include "transport/verbs/own_cm/agent.h"

namespace srpd::transport::verbs {

/// What a request says about both ends.
Address requester_of(const ibcm::Request& request);
Address responder_of(const ibcm::Request& request);

class OwnEndpoint final : public Endpoint {
 public:
  OwnEndpoint(std::shared_ptr<Agent> agent, std::shared_ptr<ibv_context> context,
              ibcm::Handle handle, const ibcm::Request& request);
  ~OwnEndpoint() override;

  int move_to(LoopState& state) override;
  void set_handler(CmHandler* handler) override { sink_->handler = handler; }
  Address peer() const override { return requester_of(request_); }
  Address local() const override { return responder_of(request_); }
  std::uint8_t port() const override { return static_cast<std::uint8_t>(agent_->name().number); }
  int create_queue_pair(ibv_pd& pd, ibv_qp_init_attr& attributes) override;
  void destroy_queue_pair() override;
  ibv_qp* queue_pair() const override { return queue_pair_; }
  int accept(rdma_conn_param& answer) override;
  int connect(rdma_conn_param& request) override;
  void communication_established() override { agent_->data_arrived(handle_); }
  void data_arrived() override { agent_->data_arrived(handle_); }
  int disconnect() override;

 private:
  int initialize();
  int make_ready(const rdma_conn_param& answer);
  void tell_peer();

  // Last to go: the device, behind the queue pair and what else there is of it.
  const std::shared_ptr<ibv_context> context_;
  const std::shared_ptr<Agent> agent_;
  const ibcm::Handle handle_;
  const ibcm::Request request_;
  const std::shared_ptr<EventSink> sink_ = std::make_shared<EventSink>();
  const std::uint32_t psn_;  // that the peer begins with
  runtime::Loop* home_ = nullptr;
  ibv_qp* queue_pair_ = nullptr;
  bool shares_receives_ = false;
  bool told_ = false;  // that it is over
};

}  // namespace srpd::transport::verbs
