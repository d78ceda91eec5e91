#include "dnssd/publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace srpd::dnssd {
namespace {

// States of Avahi's server and of its entry groups (avahi-common/defs.h).
constexpr std::int32_t server_running = 2;
constexpr std::int32_t group_established = 2;
constexpr std::int32_t group_collision = 3;
constexpr std::int32_t group_failure = 4;

constexpr const char* avahi_collision = "org.freedesktop.Avahi.CollisionError";
constexpr const char* resolved_exists = "org.freedesktop.resolve1.DnssdServiceExists";
constexpr unsigned max_renames = 10;

std::int32_t protocol_of(Family family) {
  if (family == Family::ipv4) return avahi::ipv4;
  return family == Family::ipv6 ? avahi::ipv6 : avahi::any;
}

std::string text_of(const sd_bus_error* error) {
  if (error == nullptr) return "unknown error";
  return error->message != nullptr ? error->message : error->name;
}

bool is(const sd_bus_error* error, const char* name) {
  return error != nullptr && error->name != nullptr && std::strcmp(error->name, name) == 0;
}

void append_bytes(sd_bus_message* message, std::string_view bytes) {
  sd_bus_message_append_array(message, 'y', bytes.data(), bytes.size());
}

std::string signal_match(const char* interface, const char* member) {
  return fmt::format("type='signal',sender='{}',interface='{}',member='{}'", avahi::name, interface,
                     member);
}

/// An identifier of resolved's: letters, digits and dashes.
std::string id_of(const Announcement& service) {
  std::string id = fmt::format("srpd-{}-{}", service.port, service.name);
  for (char& c : id) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain) c = '-';
  }
  return id;
}

/// resolved reads '%' as the start of a specifier.
std::string escaped(const std::string& name) {
  std::string text;
  for (const char c : name) text += c == '%' ? std::string("%%") : std::string(1, c);
  return text;
}

Message unregister(Bus& bus, const std::string& id) {
  char* path = nullptr;
  sd_bus_path_encode("/org/freedesktop/resolve1/dnssd", id.c_str(), &path);
  Message message =
      bus.method({resolved::name, resolved::path, resolved::manager, "UnregisterService"});
  if (message != nullptr && path != nullptr) sd_bus_message_append(message.get(), "o", path);
  std::free(path);
  return message;
}

}  // namespace

Publisher::Publisher(runtime::Loop& loop, std::vector<Announcement> services)
    : services_(std::move(services)), watch_(loop, *this) {}

// Avahi takes back what a client announced when its connection ends, resolved does not.
Publisher::~Publisher() { unregister_services(true); }

void Publisher::on_connected() {
  Bus& bus = watch_.bus();
  bus.subscribe(signal_match(avahi::server, "StateChanged"), [this](sd_bus_message* signal) {
    std::int32_t state = 0;
    if (sd_bus_message_read(signal, "i", &state) >= 0) on_server_state(state);
  });
  bus.subscribe(signal_match(avahi::entry_group, "StateChanged"), [this](sd_bus_message* signal) {
    std::int32_t state = 0;
    const char* error = "";
    if (group_ == sd_bus_message_get_path(signal) &&
        sd_bus_message_read(signal, "is", &state, &error) >= 0)
      on_group_state(state, error);
  });
}

void Publisher::on_responder(Responder responder, const std::string& why) {
  ++generation_;
  group_.clear();
  group_asked_ = false;
  registered_ = 0;
  renamed_ = 0;
  if (responder == Responder::none) {
    if (!std::exchange(told_absent_, true)) log::info("not announced by mDNS: {}", why);
    return;
  }
  told_absent_ = false;
  if (responder == Responder::resolved) return register_services();
  const Message message = watch_.bus().method({avahi::name, "/", avahi::server, "GetState"});
  watch_.bus().call(message, [this, made = generation_](sd_bus_message* reply, const auto* error) {
    std::int32_t state = 0;
    if (made != generation_) return;
    if (reply == nullptr || sd_bus_message_read(reply, "i", &state) < 0)
      return give_up(text_of(error));
    on_server_state(state);
  });
}

// While Avahi finds a host name for itself nothing may be announced under the old one.
void Publisher::on_server_state(std::int32_t state) {
  if (watch_.current() != Responder::avahi) return;
  if (state == server_running && group_.empty()) return make_group();
  if (group_.empty()) return;
  watch_.bus().call(watch_.bus().method(group_method("Reset")), [](auto*, const auto*) {});
  if (state == server_running) add_services();
}

void Publisher::make_group() {
  if (std::exchange(group_asked_, true)) return;
  const Message message = watch_.bus().method({avahi::name, "/", avahi::server, "EntryGroupNew"});
  watch_.bus().call(message, [this, made = generation_](sd_bus_message* reply, const auto* error) {
    const char* path = nullptr;
    if (made != generation_) return;
    if (reply == nullptr || sd_bus_message_read(reply, "o", &path) < 0)
      return give_up(text_of(error));
    group_ = path;
    add_services();
  });
}

void Publisher::add_services() {
  ++generation_;
  for (const Announcement& service : services_) {
    watch_.bus().call(add_service(service),
                      [this, made = generation_](sd_bus_message* reply, const auto* error) {
                        if (made != generation_ || reply != nullptr) return;
                        if (is(error, avahi_collision)) return rename();
                        give_up(text_of(error));
                      });
  }
  commit();
}

Message Publisher::add_service(const Announcement& service) {
  Message message = watch_.bus().method(group_method("AddService"));
  if (message == nullptr) return message;
  sd_bus_message* const m = message.get();
  sd_bus_message_append(m, "iiussssq", service.interface > 0 ? service.interface : avahi::any,
                        protocol_of(service.family), std::uint32_t{0}, name_of(service).c_str(),
                        service_type, "", "", service.port);
  sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "ay");
  for (const std::string& entry : txt_entries(service.txt)) append_bytes(m, entry);
  sd_bus_message_close_container(m);
  return message;
}

void Publisher::commit() {
  watch_.bus().call(watch_.bus().method(group_method("Commit")),
                    [this, made = generation_](sd_bus_message* reply, const auto* error) {
                      if (made == generation_ && reply == nullptr) give_up(text_of(error));
                    });
}

void Publisher::on_group_state(std::int32_t state, const char* error) {
  if (state == group_established) announced();
  if (state == group_collision) rename();
  if (state == group_failure) give_up(error);
}

void Publisher::rename() {
  if (++renamed_ > max_renames) return give_up("every name is taken");
  watch_.bus().call(watch_.bus().method(group_method("Reset")), [](auto*, const auto*) {});
  add_services();
}

void Publisher::give_up(const std::string& why) {
  ++generation_;
  log::warning("not announced by mDNS: {}; see the log of the mDNS responder", why);
}

void Publisher::announced() {
  std::string names;
  for (const Announcement& service : services_) names += " \"" + name_of(service) + "\"";
  log::info("announced by mDNS as{} ({})", names, service_type);
}

void Publisher::register_services() {
  for (std::size_t i = 0; i < services_.size(); ++i) register_service(i, false);
}

void Publisher::register_service(std::size_t index, bool again) {
  const Announcement& service = services_[index];
  Message message =
      watch_.bus().method({resolved::name, resolved::path, resolved::manager, "RegisterService"});
  if (message == nullptr) return;
  sd_bus_message* const m = message.get();
  sd_bus_message_append(m, "sssqqq", id_of(service).c_str(), escaped(service.name).c_str(),
                        service_type, service.port, 0, 0);
  sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "a{say}");
  sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{say}");
  for (const auto& [key, value] : service.txt) {
    sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "say");
    sd_bus_message_append(m, "s", key.c_str());
    append_bytes(m, value);
    sd_bus_message_close_container(m);
  }
  sd_bus_message_close_container(m);
  sd_bus_message_close_container(m);
  watch_.bus().call(
      message, [this, index, again, made = generation_](sd_bus_message* reply, const auto* error) {
        if (made != generation_) return;
        if (reply != nullptr) {
          if (++registered_ == services_.size()) announced();
        } else if (is(error, resolved_exists) && !again) {
          // Left over from a daemon of ours that ended without a word.
          watch_.bus().call(unregister(watch_.bus(), id_of(services_[index])),
                            [this, index](auto*, const auto*) { register_service(index, true); });
        } else {
          give_up(text_of(error));
        }
      });
}

void Publisher::unregister_services(bool wait) {
  if (watch_.current() != Responder::resolved || !watch_.bus().up()) return;
  for (const Announcement& service : services_)
    watch_.bus().call(unregister(watch_.bus(), id_of(service)), [](auto*, const auto*) {});
  if (wait) watch_.bus().flush();
}

std::string Publisher::name_of(const Announcement& service) const {
  if (renamed_ == 0) return service.name;
  const std::string suffix = fmt::format(" #{}", renamed_ + 1);
  return instance_name(service.name.substr(0, 63 - suffix.size())) + suffix;
}

Method Publisher::group_method(const char* member) const {
  return {avahi::name, group_, avahi::entry_group, member};
}

}  // namespace srpd::dnssd
