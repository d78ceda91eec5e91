// A D-Bus of its own for LIO's tools: targetcli does not start without one, and on the machine's it
// would find the handlers of tcmu-runner, which know nothing of our tree. On this one is the
// service org.kernel.TCMUService1 with our handlers.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/error.h"

struct sd_bus;

namespace srpd::ns {

class Bus {
 public:
  /// Its socket and configuration are put into `directory`, which nobody else uses.
  static Expected<std::unique_ptr<Bus>> start(const std::string& directory);
  /// Ends it.
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// For DBUS_SYSTEM_BUS_ADDRESS.
  const std::string& address() const { return address_; }

  /// When this is readable, or the time has come, serve() has work.
  int fd() const;
  int timeout_ms() const;
  /// Answers what has been asked. False when the bus is gone.
  bool serve();

 private:
  Bus() = default;
  Expected<void> launch(const std::string& directory);
  Expected<void> offer();

  pid_t daemon_ = 0;
  std::string address_;
  sd_bus* bus_ = nullptr;
};

}  // namespace srpd::ns
