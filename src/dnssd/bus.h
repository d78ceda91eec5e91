// A connection to the system's D-Bus that lives on a loop. It may be absent, break and come back:
// its observer is told, and starts from nothing each time.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/loop.h"

namespace srpd::dnssd {

struct MessageUnref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageUnref>;

/// Who is called and how.
struct Method {
  const char* destination;
  std::string path;
  const char* interface;
  const char* member;
};

class Bus final : private runtime::Watch {
 public:
  class Observer {
   public:
    virtual void on_bus_up() = 0;
    /// Every pending call and subscription is gone, without a word.
    virtual void on_bus_down(const Error& why) = 0;

   protected:
    ~Observer() = default;
  };
  /// Called with the reply, or with null and the error that came instead.
  using Reply = std::function<void(sd_bus_message* reply, const sd_bus_error* error)>;
  using Signal = std::function<void(sd_bus_message* signal)>;

  /// `loop` and `observer` outlive the bus.
  Bus(runtime::Loop& loop, Observer& observer);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Connects; from then on the bus tries again by itself. The observer is told inline or later.
  void start();
  bool up() const { return bus_ != nullptr; }

  // While it is up:
  /// Null when there is no memory or an argument is no D-Bus name.
  Message method(const Method& method);
  void call(const Message& message, Reply reply);
  void subscribe(const std::string& match, Signal signal);
  /// Waits until what was called has left, for the end of a program.
  void flush();

 private:
  struct Call {
    Bus& bus;
    Reply reply;
    sd_bus_slot* slot = nullptr;
    std::list<Call>::iterator self{};
  };
  struct Subscription {
    Signal signal;
    sd_bus_slot* slot = nullptr;
  };
  struct Alarm : runtime::Timer {
    Alarm(Bus& owner, void (Bus::*on_expiry)())
        : Timer([](Timer& self) {
            auto& alarm = static_cast<Alarm&>(self);
            (alarm.bus.*alarm.function)();
          }),
          bus(owner),
          function(on_expiry) {}
    Bus& bus;
    void (Bus::*function)();
  };

  void on_ready(std::uint32_t events) override;
  void connect();
  void process();
  void arm_timeout();
  void drop(int error_number);
  void close();
  static int on_reply(sd_bus_message* message, void* context, sd_bus_error*);
  static int on_signal(sd_bus_message* message, void* context, sd_bus_error*);

  runtime::Loop& loop_;
  Observer& observer_;
  sd_bus* bus_ = nullptr;
  bool watched_ = false;
  bool processing_ = false;
  std::list<Call> calls_;
  std::list<Subscription> subscriptions_;
  Alarm retry_{*this, &Bus::connect};
  Alarm timeout_{*this, &Bus::process};
};

}  // namespace srpd::dnssd
