#include "srpd/server.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "directory/address.h"
#include "runtime/thread.h"
#include "srpd/interfaces.h"

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
  auto wanted = wanted_addresses(options_, sockets_);
  if (!wanted) return tl::make_unexpected(wanted.error());
  waiting_ = std::move(wanted->waiting);
  for (const transport::Address& address : wanted->addresses) {
    if (auto listens = listen_now_or_later(address); !listens) return listens;
  }
  if (const std::uint16_t port = std::exchange(rdma_cm_port_, 0); port != 0) {
    if (auto listens = listen_for_rdma_cm(port); !listens) return listens;
  }
  if (listening_.empty() && waiting_.empty()) {
    const auto address = transport::Address::parse(default_listener, default_port);
    if (auto listens = listen_now_or_later(*address); !listens) return listens;
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

Expected<void> Server::listen(const transport::Address& address, bool again) {
  auto bound = listen_at(address, target_, transports_, sockets_, again);
  if (!bound) return tl::make_unexpected(bound.error());
  listening_.push_back(*bound);
  const auto found = discovery_ ? discovery_->add(*bound) : Expected<void>{};
  if (found || !again) return found;
  log::warning("{}", found.error().text());
  return {};
}

// Whoever manages srpd asks it what is wrong: it is there to be asked.
Expected<void> Server::listen_now_or_later(const transport::Address& address) {
  auto listens = listen(address);
  if (listens || !options_.manage) return listens;
  log::warning("{}; trying again", listens.error().text());
  waiting_.push_back({address.text(), listens.error()});
  return {};
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

void Server::try_again(const std::string& text, const Expected<transport::Address>& address) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const WaitingListener& each) { return each.text == text; });
  if (found == waiting_.end()) return;
  const auto listens = address ? listen(*address, true) : tl::make_unexpected(address.error());
  if (listens) {
    log::info("listen {}: it works now, on {}", text, listening_.back().text());
    waiting_.erase(found);
  } else if (listens.error().text() != found->why.text()) {
    log::warning("listen {}: still waiting: {}", text, listens.error().text());
    found->why = listens.error();
  }
}

std::vector<Error> Server::waiting() const {
  std::vector<Error> missing;
  for (const WaitingListener& each : waiting_)
    missing.push_back(
        {"listen " + each.text, "it is waited for: " + each.why.cause, each.why.remedy});
  for (const transport::Address& address : listening_) {
    if (!directory::is_ip(address) || is_there(directory::gid_of(address))) continue;
    missing.push_back({address.text(), "it is waited for: no interface has this address",
                       "give it to an interface ('ip address' shows what they have); hosts can log "
                       "in as soon as it is there"});
  }
  return missing;
}

void Server::tell_ports() {
  const auto ports = target_.list_ports();
  discovery_->serve(ports);
  device_management_.serve(ports, listening_);
}

std::vector<transport::Address> Server::discovery_addresses() const {
  return discovery_ ? discovery_->addresses() : std::vector<transport::Address>();
}

observe::Sources Server::metrics() {
  return {.target = target_,
          .loops = loops_.all(),
          .completion_vectors =
              [this] {
                return runtime::run_on(loops_.home(),
                                       [this] { return transports_.completion_vectors(); });
              },
          .version = SRPD_VERSION};
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
