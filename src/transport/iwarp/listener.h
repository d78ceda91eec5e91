// Accepts TCP connections and reads the MPA Request. Until that is complete a connection costs a
// few hundred bytes, has a deadline, and gives way to newer ones when there are too many.
#pragma once

#include <memory>

#include "runtime/bound.h"
#include "runtime/loop.h"
#include "transport/iwarp/linked_list.h"
#include "transport/iwarp/log_limit.h"
#include "transport/iwarp/negotiation.h"
#include "transport/iwarp/shared.h"
#include "transport/iwarp/socket.h"
#include "transport/transport.h"

namespace srpd::transport::iwarp {

class IwarpListener final : public Listener, private runtime::Watch {
 public:
  static Expected<std::unique_ptr<Listener>> open(std::shared_ptr<Shared> shared,
                                                  runtime::Loop& loop, const Address& address,
                                                  Handler& handler);
  ~IwarpListener() override;
  const Address& address() const override { return address_; }

 private:
  class Pending;
  friend class Pending;

  IwarpListener(std::shared_ptr<Shared> shared, runtime::Loop& loop, Socket socket, bool own,
                Handler& handler);

  void on_ready(std::uint32_t events) override;
  void accept_some();
  void admit(Socket socket);
  void pause(int error_number);
  void drop_expired();
  void watch_deadlines();
  void forget(Pending& pending);
  void complain(const Pending& pending, std::string_view what, std::string_view remedy);

  const std::shared_ptr<Shared> shared_;
  runtime::Loop& loop_;
  Socket socket_;
  const bool own_;  // nobody else listens on the socket
  Handler& handler_;
  const Address address_;
  LinkedList<Pending> pending_;  // oldest first, which is the order of the deadlines
  LogLimit complaints_{5};
  LogLimit overload_{1};
  runtime::Bound<runtime::Timer, IwarpListener, &IwarpListener::accept_some> accept_again_{*this};
  runtime::Bound<runtime::Timer, IwarpListener, &IwarpListener::drop_expired> deadline_{*this};
};

}  // namespace srpd::transport::iwarp
