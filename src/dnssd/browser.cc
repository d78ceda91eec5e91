#include "dnssd/browser.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "dnssd/pointer_record.h"

namespace srpd::dnssd {
namespace {

constexpr const char* local_domain = "local";
constexpr const char* no_link = "org.freedesktop.resolve1.NoNameServers";
constexpr std::uint16_t class_internet = 1;  // RFC 1035 3.2.4
constexpr std::uint16_t type_pointer = 12;   // RFC 1035 3.2.2
constexpr std::size_t max_items = 1024;      // of what the network says, so many are kept

std::string signal_match(const char* member) {
  return fmt::format("type='signal',sender='{}',interface='{}',member='{}'", avahi::name,
                     avahi::service_browser, member);
}

std::string text_of(const sd_bus_error* error) {
  if (error == nullptr) return "unknown error";
  return error->message != nullptr ? error->message : error->name;
}

/// aay: the entries of a TXT record.
Txt read_txt(sd_bus_message* message) {
  Txt txt;
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "ay") < 0) return txt;
  const void* bytes = nullptr;
  std::size_t size = 0;
  while (sd_bus_message_read_array(message, 'y', &bytes, &size) > 0)
    add_txt_entry(txt, {static_cast<const std::uint8_t*>(bytes), size});
  sd_bus_message_exit_container(message);
  return txt;
}

/// An address that only means something on one link carries the link's name.
std::string with_interface(std::string address, std::int32_t interface) {
  in6_addr ip;
  std::array<char, IF_NAMESIZE> name{};
  if (::inet_pton(AF_INET6, address.c_str(), &ip) != 1 || !IN6_IS_ADDR_LINKLOCAL(&ip))
    return address;
  if (interface <= 0 || ::if_indextoname(static_cast<unsigned>(interface), name.data()) == nullptr)
    return address;
  return address + "%" + name.data();
}

/// a(iiay): the addresses of a host.
std::vector<std::string> read_addresses(sd_bus_message* message) {
  std::vector<std::string> addresses;
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "(iiay)") < 0) return addresses;
  while (sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, "iiay") > 0) {
    std::int32_t interface = 0, family = 0;
    const void* bytes = nullptr;
    std::size_t size = 0;
    std::array<char, INET6_ADDRSTRLEN> text{};
    sd_bus_message_read(message, "ii", &interface, &family);
    sd_bus_message_read_array(message, 'y', &bytes, &size);
    const bool whole = size == (family == AF_INET6 ? sizeof(in6_addr) : sizeof(in_addr));
    if (whole && ::inet_ntop(family, bytes, text.data(), text.size()) != nullptr)
      addresses.push_back(with_interface(text.data(), interface));
    sd_bus_message_exit_container(message);
  }
  sd_bus_message_exit_container(message);
  return addresses;
}

}  // namespace

Browser::Browser(runtime::Loop& loop, Observer& observer)
    : observer_(observer), watch_(loop, *this) {}

void Browser::on_connected() {
  // Before a browser is asked for, so that nothing it says is missed.
  Bus& bus = watch_.bus();
  bus.subscribe(signal_match("ItemNew"), [this](auto* signal) { on_item(signal, true); });
  bus.subscribe(signal_match("ItemRemove"), [this](auto* signal) { on_item(signal, false); });
  bus.subscribe(signal_match("AllForNow"), [this](auto*) { on_all_for_now(); });
  bus.subscribe(signal_match("Failure"), [this](auto*) { settle("Avahi cannot browse"); });
}

void Browser::on_responder(Responder responder, const std::string& why) {
  ++generation_;
  resolving_ = 0;
  all_for_now_ = settled_ = false;
  if (!items_.empty()) {
    items_.clear();
    observer_.on_services();
  }
  if (responder == Responder::avahi) browse_avahi();
  if (responder == Responder::resolved) ask_resolved();
  if (responder == Responder::none) settle(why);
}

void Browser::refresh() {
  if (watch_.current() == Responder::resolved && resolving_ == 0) ask_resolved();
}

std::vector<Found> Browser::found() const {
  std::vector<Found> all;
  for (const auto& [item, services] : items_)
    for (const Found& service : services)
      if (std::find(all.begin(), all.end(), service) == all.end()) all.push_back(service);
  return all;
}

void Browser::browse_avahi() {
  const Message message =
      watch_.bus().method({avahi::name, "/", avahi::server, "ServiceBrowserNew"});
  if (message != nullptr)
    sd_bus_message_append(message.get(), "iissu", avahi::any, avahi::any, service_type, "", 0u);
  watch_.bus().call(message, [this, made = generation_](sd_bus_message* reply, const auto* error) {
    if (made == generation_ && reply == nullptr) settle("Avahi: " + text_of(error));
  });
}

void Browser::on_item(sd_bus_message* signal, bool appeared) {
  const char *name = nullptr, *type = nullptr, *domain = nullptr;
  Item item;
  std::uint32_t flags = 0;
  if (sd_bus_message_read(signal, "iisssu", &item.interface, &item.protocol, &name, &type, &domain,
                          &flags) < 0)
    return;
  item.name = name;
  item.type = type;
  item.domain = domain;
  if (appeared && items_.size() < max_items) return resolve(item);
  if (items_.erase(item) > 0) observer_.on_services();
}

void Browser::resolve(const Item& item) {
  const Message message = watch_.bus().method({avahi::name, "/", avahi::server, "ResolveService"});
  // An address of the protocol over which the service was found: so both kinds are.
  if (message != nullptr)
    sd_bus_message_append(message.get(), "iisssiu", item.interface, item.protocol,
                          item.name.c_str(), item.type.c_str(), item.domain.c_str(), item.protocol,
                          0u);
  ++resolving_;
  watch_.bus().call(message, [this, item, made = generation_](sd_bus_message* reply, const auto*) {
    if (made != generation_) return;
    if (reply != nullptr) on_resolved(item, reply);
    one_less();
  });
}

void Browser::on_resolved(const Item& item, sd_bus_message* reply) {
  std::int32_t interface = 0, protocol = 0, address_protocol = 0;
  const char *name = nullptr, *type = nullptr, *domain = nullptr, *host = nullptr,
             *address = nullptr;
  Found found;
  if (sd_bus_message_read(reply, "iissssisq", &interface, &protocol, &name, &type, &domain, &host,
                          &address_protocol, &address, &found.port) < 0)
    return;
  found.name = name;
  found.host = host;
  found.address = with_interface(address, interface);
  found.txt = read_txt(reply);
  add(item, {found});
}

void Browser::on_all_for_now() {
  all_for_now_ = true;
  if (resolving_ == 0) settle("");
}

void Browser::ask_resolved() {
  const Message message =
      watch_.bus().method({resolved::name, resolved::path, resolved::manager, "ResolveRecord"});
  const std::string name = std::string(service_type) + "." + local_domain;
  if (message != nullptr)
    sd_bus_message_append(message.get(), "isqqt", 0, name.c_str(), class_internet, type_pointer,
                          std::uint64_t{0});
  ++resolving_;
  watch_.bus().call(message, [this, made = generation_](sd_bus_message* reply, const auto* error) {
    if (made != generation_) return;
    items_.clear();
    if (sd_bus_error_has_name(error, no_link) != 0)
      settle("systemd-resolved does multicast DNS on no interface; resolvectl mdns INTERFACE yes");
    // Nobody there is an error of resolved's, and none here.
    if (reply != nullptr) on_pointers(reply);
    all_for_now_ = true;
    one_less();
    if (items_.empty()) observer_.on_services();
  });
}

void Browser::on_pointers(sd_bus_message* reply) {
  if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "(iqqay)") < 0) return;
  while (sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "iqqay") > 0) {
    std::int32_t interface = 0;
    std::uint16_t record_class = 0, type = 0;
    const void* bytes = nullptr;
    std::size_t size = 0;
    sd_bus_message_read(reply, "iqq", &interface, &record_class, &type);
    sd_bus_message_read_array(reply, 'y', &bytes, &size);
    const auto instance = instance_of_pointer({static_cast<const std::uint8_t*>(bytes), size});
    if (instance && resolving_ < max_items) resolve_by_name(*instance);
    sd_bus_message_exit_container(reply);
  }
}

void Browser::resolve_by_name(const std::string& instance) {
  const Message message =
      watch_.bus().method({resolved::name, resolved::path, resolved::manager, "ResolveService"});
  if (message != nullptr)
    sd_bus_message_append(message.get(), "isssit", 0, instance.c_str(), service_type, local_domain,
                          AF_UNSPEC, std::uint64_t{0});
  ++resolving_;
  watch_.bus().call(message,
                    [this, instance, made = generation_](sd_bus_message* reply, const auto*) {
                      if (made != generation_) return;
                      if (reply != nullptr) on_service(instance, reply);
                      one_less();
                    });
}

// a(qqqsa(iiay)s) aay s s s t: SRV records with their addresses, TXT, names, flags.
void Browser::on_service(const std::string& instance, sd_bus_message* reply) {
  std::vector<Found> services;
  if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "(qqqsa(iiay)s)") < 0) return;
  while (sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "qqqsa(iiay)s") > 0) {
    std::uint16_t priority = 0, weight = 0;
    const char *host = nullptr, *canonical = nullptr;
    Found found;
    found.name = instance;
    sd_bus_message_read(reply, "qqqs", &priority, &weight, &found.port, &host);
    if (host != nullptr) found.host = host;
    for (std::string& address : read_addresses(reply)) {
      services.push_back(found);
      services.back().address = std::move(address);
    }
    sd_bus_message_read(reply, "s", &canonical);
    sd_bus_message_exit_container(reply);
  }
  sd_bus_message_exit_container(reply);
  const Txt txt = read_txt(reply);
  for (Found& service : services) service.txt = txt;
  add({0, 0, instance, service_type, local_domain}, std::move(services));
}

void Browser::add(const Item& item, std::vector<Found> services) {
  items_[item] = std::move(services);
  observer_.on_services();
}

void Browser::one_less() {
  if (--resolving_ == 0 && all_for_now_) settle("");
}

void Browser::settle(const std::string& why) {
  if (!std::exchange(settled_, true)) observer_.on_settled(why);
}

}  // namespace srpd::dnssd
