// What connectors of networks have in common: a copy of what was asked for, and one timer, which
// first begins the attempt and then is its deadline.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/transport.h"

namespace srpd::transport {

/// `Derived` has begin() and timed_out(), and lets this class call them.
template <class Derived>
class ConnectorBase : public Connector {
 protected:
  /// begin() comes from the next iteration on, so that no callback comes from inside connect().
  ConnectorBase(runtime::Loop& loop, const ConnectOptions& options, Handler& handler)
      : loop_(loop),
        handler_(handler),
        peer_(options.peer),
        source_(options.source),
        private_data_(options.private_data.begin(), options.private_data.end()),
        parameters_(options.parameters),
        deadline_(loop.now() + options.timeout) {
    loop_.start_timer(alarm_, loop_.now());
  }
  ~ConnectorBase() override { cancel_deadline(); }

  /// timed_out() comes then.
  void start_deadline() { loop_.start_timer(alarm_, deadline_); }
  void cancel_deadline() { loop_.cancel_timer(alarm_); }
  /// The handler may destroy *this.
  void report_failure(std::string cause, std::string remedy) {
    handler_.on_failed(Error{"connect " + peer_.text(), std::move(cause), std::move(remedy)});
  }

  runtime::Loop& loop_;
  Handler& handler_;
  const Address peer_;
  const std::optional<Address> source_;
  const std::vector<std::byte> private_data_;
  const ChannelParameters parameters_;
  const runtime::Time deadline_;

 private:
  void alarm() {
    auto& derived = static_cast<Derived&>(*this);
    if (std::exchange(begun_, true)) return derived.timed_out();
    derived.begin();
  }

  bool begun_ = false;
  runtime::Bound<runtime::Timer, ConnectorBase, &ConnectorBase::alarm> alarm_{*this};
};

}  // namespace srpd::transport
