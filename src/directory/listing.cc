#include "directory/listing.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

#include "directory/address.h"

namespace srpd::directory {
namespace {

bool leads_to(const Listener& listener, std::uint64_t ioc_guid, const discovery::IoUnit& unit) {
  if (listener.slot == 0) return true;
  const auto controller = unit.controllers.find(listener.slot);
  return controller != unit.controllers.end() && controller->second.guid == ioc_guid;
}

std::string line(discovery::Login login, const Listener& listener) {
  if (listener.form == LoginForm::rdma_cm)
    return discovery::login_by_address(login, address_text(listener));
  if (listener.service_id != 0) login.service_id = listener.service_id;
  return discovery::login_by_gid(login, listener.address, listener.pkey);
}

}  // namespace

std::string ip_text(const Gid& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_ipv4(address))
    ::inet_ntop(AF_INET, &address[12], text.data(), text.size());
  else
    ::inet_ntop(AF_INET6, address.data(), text.data(), text.size());
  return text.data();
}

std::string address_text(const Listener& listener) {
  const std::string ip = ip_text(listener.address);
  const std::string scope = listener.scope.empty() ? "" : "%" + listener.scope;
  return (is_ipv4(listener.address) ? ip : "[" + ip + scope + "]") + ":" +
         std::to_string(listener.port);
}

void set_scope(Listing& listing, const transport::Address& asked) {
  const std::string scope = scope_of(asked);
  std::erase_if(listing.listeners, [&](const Listener& listener) {
    return listener.form == LoginForm::rdma_cm && is_link_local(listener.address) && scope.empty();
  });
  for (Listener& listener : listing.listeners) {
    if (listener.form == LoginForm::rdma_cm && is_link_local(listener.address))
      listener.scope = scope;
  }
}

std::vector<LoginLine> login_lines(const Listing& listing) {
  std::vector<LoginLine> lines;
  const auto logins = discovery::logins(listing.unit);
  for (const Listener& listener : listing.listeners) {
    for (const discovery::Login& login : logins) {
      if (!leads_to(listener, login.ioc_guid, listing.unit)) continue;
      std::string text = line(login, listener);
      // TCP and RDMA adapters may have the same address and port; the host's device decides.
      const bool known = std::any_of(lines.begin(), lines.end(),
                                     [&](const LoginLine& each) { return each.text == text; });
      if (!known) lines.push_back({std::move(text), &listener});
    }
  }
  return lines;
}

std::string block(const Listing& listing) {
  const Gid gid = listing.listeners.empty() ? Gid{} : listing.listeners.front().address;
  return discovery::block(listing.unit, discovery::infiniband_place(listing.lid, gid));
}

}  // namespace srpd::directory
