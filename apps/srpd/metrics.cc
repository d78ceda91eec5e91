#include "srpd/metrics.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "runtime/thread.h"
#include "transport/transport.h"

namespace srpd::app {
namespace {

constexpr int backlog = 64;
constexpr mode_t socket_mode = 0660;

/// A port alone is one of loopback.
std::string with_host(const std::string& where) {
  const bool port_only =
      std::all_of(where.begin(), where.end(), [](char c) { return c >= '0' && c <= '9'; });
  return port_only ? "127.0.0.1:" + where : where;
}

Expected<rpc::Descriptor> listen_on(const std::string& where) {
  const auto address = transport::Address::parse(with_host(where), 0);
  if (!address)
    return failure("--metrics " + where, address.error().cause, "write [ADDRESS:]PORT or a path");
  const auto& storage = address->storage;
  const bool ip = storage.ss_family == AF_INET || storage.ss_family == AF_INET6;
  if (!ip || address->rdma || address->own_cm)
    return failure("--metrics " + where, "this is no TCP port", "write [ADDRESS:]PORT or a path");
  rpc::Descriptor made(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  if (made.get() < 0 ||
      ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
      ::bind(made.get(), reinterpret_cast<const sockaddr*>(&storage), address->length) != 0 ||
      ::listen(made.get(), backlog) != 0)
    return failure("--metrics " + where, errno_text(errno),
                   "choose a free port of an address of this machine");
  return made;
}

}  // namespace

Metrics::~Metrics() {
  server_.reset();
  if (is_path() && open_) ::unlink(where_.c_str());
}

Expected<void> Metrics::open() {
  if (where_.empty()) return {};
  auto made = is_path() ? rpc::listen_at(where_, socket_mode, std::nullopt) : listen_on(where_);
  if (!made) return tl::unexpected(made.error());
  ::fcntl(made->get(), F_SETFL, ::fcntl(made->get(), F_GETFL) | O_NONBLOCK);
  listening_ = std::move(*made);
  open_ = true;
  transport::Address bound;
  bound.length = sizeof(bound.storage);
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.length);
  if (!is_path()) bound_ = bound.text();
  return {};
}

Expected<void> Metrics::start() {
  if (listening_.get() < 0) return {};
  auto started = observe::HttpServer::start(listening_.release(), "--metrics " + where_,
                                            [this] { return observe::page(sources_); });
  if (!started) return tl::unexpected(started.error());
  server_ = std::move(*started);
  log::info("metrics at {}", is_path() ? where_ : "http://" + bound_ + "/metrics");
  return {};
}

void Metrics::shut_down(std::function<void()> done) {
  if (server_ == nullptr) return done();
  server_->stop([&home = *sources_.loops.front(), done = std::move(done)] {
    runtime::run_later(home, done);
  });
}

}  // namespace srpd::app
