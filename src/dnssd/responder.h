// Which daemon of this machine speaks multicast DNS, as it comes and goes: Avahi, else
// systemd-resolved. Programs ask it over D-Bus and never speak mDNS themselves.
#pragma once

#include <cstdint>
#include <string>

#include "dnssd/bus.h"

namespace srpd::dnssd {

enum class Responder : std::uint8_t { none, avahi, resolved };

namespace avahi {
inline constexpr const char* name = "org.freedesktop.Avahi";
inline constexpr const char* server = "org.freedesktop.Avahi.Server";
inline constexpr const char* entry_group = "org.freedesktop.Avahi.EntryGroup";
inline constexpr const char* service_browser = "org.freedesktop.Avahi.ServiceBrowser";
/// "Any interface", "any protocol", and the protocols' numbers (avahi-common/address.h).
inline constexpr std::int32_t any = -1;
inline constexpr std::int32_t ipv4 = 0;
inline constexpr std::int32_t ipv6 = 1;
}  // namespace avahi

namespace resolved {
inline constexpr const char* name = "org.freedesktop.resolve1";
inline constexpr const char* path = "/org/freedesktop/resolve1";
inline constexpr const char* manager = "org.freedesktop.resolve1.Manager";
}  // namespace resolved

class ResponderWatch final : private Bus::Observer {
 public:
  class Observer {
   public:
    /// Once it is known, and whenever another daemon, or a new one of the same name, must be asked.
    /// What was asked of the former is void. `why` says why there is none.
    virtual void on_responder(Responder responder, const std::string& why) = 0;
    /// The place to subscribe to signals: they hold until the next one.
    virtual void on_connected() = 0;

   protected:
    ~Observer() = default;
  };

  /// `loop` and `observer` outlive it.
  ResponderWatch(runtime::Loop& loop, Observer& observer);

  void start() { bus_.start(); }
  Bus& bus() { return bus_; }
  Responder current() const { return current_; }

 private:
  void on_bus_up() override;
  void on_bus_down(const Error& why) override;
  void ask_for(const char* name, bool& there);
  void mdns_of_resolved(sd_bus_message* reply);
  void choose();

  Observer& observer_;
  Bus bus_;
  Responder current_ = Responder::none;
  bool avahi_ = false;
  bool resolved_ = false;
  bool resolved_speaks_ = false;  ///< with multicast DNS turned on
  unsigned asking_ = 0;           ///< answers that are missing
  bool anew_ = true;              ///< the daemon is another one even if its name is the same
};

}  // namespace srpd::dnssd
