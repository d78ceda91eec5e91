#include "dnssd/responder.h"

#include <cstring>
#include <utility>

namespace srpd::dnssd {
namespace {

constexpr const char* dbus_name = "org.freedesktop.DBus";
constexpr const char* dbus_path = "/org/freedesktop/DBus";

std::string name_owner_match(const char* name) {
  return std::string(
             "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
             "member='NameOwnerChanged',arg0='") +
         name + "'";
}

/// True when the name has an owner now.
bool new_owner(sd_bus_message* signal) {
  const char *name = nullptr, *before = nullptr, *after = nullptr;
  return sd_bus_message_read(signal, "sss", &name, &before, &after) >= 0 && *after != '\0';
}

}  // namespace

ResponderWatch::ResponderWatch(runtime::Loop& loop, Observer& observer)
    : observer_(observer), bus_(loop, *this) {}

void ResponderWatch::on_bus_up() {
  anew_ = true;
  struct Known {
    const char* name;
    bool* there;
  };
  for (const Known known : {Known{avahi::name, &avahi_}, Known{resolved::name, &resolved_}}) {
    bus_.subscribe(name_owner_match(known.name), [this, known](auto* signal) {
      *known.there = new_owner(signal);
      if (known.there == &avahi_) anew_ = true;
      if (!*known.there || known.there == &avahi_) return choose();
      anew_ = current_ != Responder::avahi;
      ask_for(known.name, *known.there);
    });
    ask_for(known.name, *known.there);
  }
  observer_.on_connected();
}

void ResponderWatch::on_bus_down(const Error& why) {
  avahi_ = resolved_ = false;
  asking_ = 0;
  current_ = Responder::none;
  observer_.on_responder(Responder::none, why.text());
}

void ResponderWatch::ask_for(const char* name, bool& there) {
  ++asking_;
  Message message = bus_.method({dbus_name, dbus_path, dbus_name, "NameHasOwner"});
  if (message != nullptr) sd_bus_message_append(message.get(), "s", name);
  bus_.call(message, [this, &there](sd_bus_message* reply, const sd_bus_error*) {
    int owned = 0;
    there = reply != nullptr && sd_bus_message_read(reply, "b", &owned) >= 0 && owned != 0;
    if (&there != &resolved_ || !resolved_) {
      --asking_;
      return choose();
    }
    Message get =
        bus_.method({resolved::name, resolved::path, "org.freedesktop.DBus.Properties", "Get"});
    if (get != nullptr) sd_bus_message_append(get.get(), "ss", resolved::manager, "MulticastDNS");
    bus_.call(get, [this](sd_bus_message* value, const sd_bus_error*) { mdns_of_resolved(value); });
  });
}

void ResponderWatch::mdns_of_resolved(sd_bus_message* reply) {
  const char* mode = nullptr;
  resolved_speaks_ = reply != nullptr && sd_bus_message_read(reply, "v", "s", &mode) >= 0 &&
                     std::strcmp(mode, "yes") == 0;
  --asking_;
  choose();
}

void ResponderWatch::choose() {
  if (asking_ > 0) return;
  const bool use_resolved = resolved_ && resolved_speaks_;
  const Responder now = avahi_         ? Responder::avahi
                        : use_resolved ? Responder::resolved
                                       : Responder::none;
  if (now == current_ && !anew_) return;
  current_ = now;
  anew_ = false;
  observer_.on_responder(now, resolved_ ? "systemd-resolved does not do multicast DNS; set "
                                          "MulticastDNS=yes in resolved.conf, or start "
                                          "avahi-daemon"
                                        : "neither avahi-daemon nor systemd-resolved is running");
}

}  // namespace srpd::dnssd
