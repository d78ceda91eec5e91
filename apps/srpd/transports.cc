#include "srpd/transports.h"

#include <utility>

#include "transport/iwarp/transport.h"
#include "transport/registry.h"
#include "transport/verbs/transport.h"

namespace srpd::app {

transport::Transport& Transports::for_address(const transport::Address& address) {
  const std::string_view name = transport::transport_for(address).name;
  auto& transport = made_[name];
  if (transport == nullptr) {
    transport = make(name);
    for (runtime::PinnableMemory* const memory : memory_) transport->lend_memory(*memory);
  }
  return *transport;
}

void Transports::lend(runtime::PinnableMemory& memory) {
  memory_.push_back(&memory);
  for (const auto& [name, transport] : made_) transport->lend_memory(memory);
}

void Transports::take_back(runtime::PinnableMemory& memory) {
  std::erase(memory_, &memory);
  for (const auto& [name, transport] : made_) transport->take_memory_back(memory);
}

std::vector<transport::CompletionVectorCount> Transports::completion_vectors() const {
  std::vector<transport::CompletionVectorCount> all;
  for (const auto& [name, made] : made_)
    for (auto& each : made->completion_vectors()) all.push_back(std::move(each));
  return all;
}

std::unique_ptr<transport::Transport> Transports::make(std::string_view name) const {
  if (name == "verbs") return transport::verbs::make_transport(options_.verbs);
  if (name == "iwarp") {
    transport::iwarp::IwarpOptions iwarp;
    iwarp.free_bind = waits_for_addresses(options_);
    iwarp.take_socket = [this](const transport::Address& address) {
      return sockets_.take(address.storage);
    };
    return transport::iwarp::make_transport(iwarp);
  }
  return transport::find_transport(name)->make();
}

}  // namespace srpd::app
