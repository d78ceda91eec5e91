#include "directory/address.h"

#include <netinet/in.h>

#include <cstring>

#include "wire/endian.h"

namespace srpd::directory {
namespace {

const sockaddr_in& ipv4(const transport::Address& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
const sockaddr_in6& ipv6(const transport::Address& address) {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

}  // namespace

bool is_ip(const transport::Address& address) {
  const int family = address.storage.ss_family;
  return address.length != 0 && (family == AF_INET || family == AF_INET6);
}

std::uint16_t port_of(const transport::Address& address) {
  return ntohs(address.storage.ss_family == AF_INET6 ? ipv6(address).sin6_port
                                                     : ipv4(address).sin_port);
}

transport::Address with_port(transport::Address address, std::uint16_t port) {
  if (address.storage.ss_family == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  return address;
}

discovery::Gid gid_of(const transport::Address& address) {
  discovery::Gid gid{};
  if (address.storage.ss_family == AF_INET6) {
    std::memcpy(gid.data(), &ipv6(address).sin6_addr, gid.size());
  } else {
    gid[10] = gid[11] = std::byte{0xff};
    std::memcpy(&gid[12], &ipv4(address).sin_addr, sizeof(in_addr));
  }
  return gid;
}

bool is_ipv4(const discovery::Gid& address) {
  in6_addr ip;
  std::memcpy(&ip, address.data(), sizeof ip);
  return IN6_IS_ADDR_V4MAPPED(&ip);
}

bool is_link_local(const discovery::Gid& address) {
  in6_addr ip;
  std::memcpy(&ip, address.data(), sizeof ip);
  return IN6_IS_ADDR_LINKLOCAL(&ip);
}

std::string scope_of(const transport::Address& address) {
  const std::string host = address.host();
  const std::size_t scope = host.find('%');
  return scope == std::string::npos ? "" : host.substr(scope + 1);
}

discovery::ServedPort served_port(std::span<const std::byte, 16> id) {
  struct PortId {
    wire::be64 id_ext, ioc_guid;
  };
  const auto& halves = *wire::view<PortId>(id);
  return {halves.id_ext, halves.ioc_guid, halves.ioc_guid};
}

}  // namespace srpd::directory
