#include "dm/agents.h"

#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace srpd::dm {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto scan_interval = 1s;
/// How late news and the end may come: only the descriptors of the ports are waited for, because
/// the file of a simulated fabric is none that can be waited for beside others.
constexpr auto poll_interval = 200ms;

std::vector<pollfd> descriptors(const std::vector<std::unique_ptr<PortAgent>>& agents) {
  std::vector<pollfd> fds;
  for (const auto& agent : agents) {
    if (agent->fd() >= 0) fds.push_back({agent->fd(), POLLIN, 0});
  }
  return fds;
}

}  // namespace

Agents::Agents(std::unique_ptr<Fabric> fabric, Offer offer)
    : fabric_(std::move(fabric)), news_(true), offer_(std::move(offer)) {
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "dm");
}

Agents::~Agents() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Agents::serve(Offer offer) {
  {
    const std::lock_guard lock(mutex_);
    offer_ = std::move(offer);
    news_ = true;
  }
  changed_.notify_all();
}

void Agents::run() {
  Clock::time_point next_scan{};
  for (;;) {
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    if (std::exchange(news_, false) || Clock::now() >= next_scan) {
      const Offer offer = offer_;
      lock.unlock();
      scan(offer);
      next_scan = Clock::now() + scan_interval;
    } else if (descriptors(agents_).empty()) {
      changed_.wait_until(lock, next_scan, [this] { return stopping_ || news_; });
    } else {
      lock.unlock();
      answer();
    }
  }
}

void Agents::scan(const Offer& offer) {
  const std::vector<Port> ports = fabric_->ports();
  const auto same = [](const Port& a, const Port& b) {
    return a.device == b.device && a.number == b.number;
  };
  std::erase_if(agents_, [&](const auto& agent) {
    const bool gone = std::none_of(ports.begin(), ports.end(),
                                   [&](const Port& port) { return same(port, agent->port()); });
    if (gone) log::info("{}: gone; hosts can no longer ask there", agent->port().text());
    return gone;
  });
  for (const Port& port : ports) {
    auto agent = std::find_if(agents_.begin(), agents_.end(),
                              [&](const auto& a) { return same(port, a->port()); });
    if (agent == agents_.end())
      agent = agents_.insert(agents_.end(), std::make_unique<PortAgent>(*fabric_, port));
    (*agent)->refresh(port, offer);
  }
}

void Agents::answer() {
  std::vector<pollfd> fds = descriptors(agents_);
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(poll_interval.count()));
  if (ready <= 0) return;
  for (const pollfd& fd : fds) {
    if (fd.revents == 0) continue;
    for (const auto& agent : agents_) {
      if (agent->fd() == fd.fd) agent->answer();
    }
  }
}

}  // namespace srpd::dm
