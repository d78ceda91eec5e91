#include "srpd/server.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "srpd/listen.h"

namespace srpd::app {
namespace {

constexpr const char* default_listener = "127.0.0.1";

target::TargetOptions target_options(const Options& options, const std::string& acl_remedy) {
  target::TargetOptions made;
  made.acl_remedy = acl_remedy;
  if (options.max_request_iu != 0) made.max_request_iu = options.max_request_iu;
  return made;
}

std::string rdma_cm_text(std::uint16_t port) { return "rdma:*:" + std::to_string(port); }

}  // namespace

Server::Server(const Options& options, Loops& loops, const std::string& acl_remedy)
    : options_(options),
      loops_(loops),
      sockets_(service::PassedSockets::from_environment()),
      transports_(options, sockets_),
      target_(loops.all(), target_options(options, acl_remedy)),
      device_management_(options) {}

Server::~Server() { target_.watch_ports({}); }

Expected<void> Server::open() {
  open_ = true;
  const auto wanted = wanted_addresses(options_, sockets_);
  if (!wanted) return tl::make_unexpected(wanted.error());
  for (const transport::Address& address : *wanted) {
    if (auto listens = listen(address); !listens) return listens;
  }
  if (const std::uint16_t port = std::exchange(rdma_cm_port_, 0); port != 0) {
    if (auto listens = listen_for_rdma_cm(port); !listens) return listens;
  }
  if (listening_.empty()) {
    if (auto listens = listen(*transport::Address::parse(default_listener, default_port)); !listens)
      return listens;
  }
  for (const auto& unused : sockets_.sockets())
    log::warning("passed socket '{}' is not used; name it with --listen fd:{}", unused.name,
                 unused.name);
  auto discovery = Discovery::start(options_, target_.list_ports(), listening_, loops_.home());
  if (!discovery) return tl::make_unexpected(discovery.error());
  discovery_ = std::move(*discovery);
  tell_ports();
  target_.watch_ports([this] { tell_ports(); });
  return {};
}

Expected<void> Server::listen(const transport::Address& address) {
  auto bound = listen_at(address, target_, transports_, sockets_);
  if (!bound) return tl::make_unexpected(bound.error());
  listening_.push_back(*bound);
  return discovery_ ? discovery_->add(*bound) : Expected<void>{};
}

Expected<void> Server::listen_for_rdma_cm(std::uint16_t port) {
  if (port == rdma_cm_port_) return {};
  if (rdma_cm_) {
    target_.stop_listening(*rdma_cm_);
    if (discovery_) discovery_->remove(*rdma_cm_);
    std::erase_if(listening_,
                  [&](const auto& address) { return address.text() == rdma_cm_->text(); });
    rdma_cm_.reset();
  }
  rdma_cm_port_ = port;
  const std::string text = rdma_cm_text(port);
  const bool listens_anyway = std::any_of(options_.listen.begin(), options_.listen.end(),
                                          [&](const auto& each) { return each == text; });
  if (!open_ || port == 0 || listens_anyway) return {};
  auto listens = listen(*transport::Address::parse(text, port));
  if (listens) {
    rdma_cm_ = listening_.back();
  } else {
    rdma_cm_port_ = 0;
  }
  return listens;
}

void Server::tell_ports() {
  const auto ports = target_.list_ports();
  discovery_->serve(ports);
  device_management_.serve(ports, listening_);
}

std::vector<transport::Address> Server::discovery_addresses() const {
  return discovery_ ? discovery_->addresses() : std::vector<transport::Address>();
}

void Server::shut_down(std::function<void()> done) {
  target_.watch_ports({});
  const auto ended = [this, done = std::move(done)] { target_.shutdown(done); };
  if (discovery_) {
    discovery_->shut_down(ended);
  } else {
    ended();
  }
}

}  // namespace srpd::app
