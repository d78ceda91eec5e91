#include "transport/verbs/find_devices.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <infiniband/ib.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

namespace srpd::transport::verbs {
namespace {

constexpr const char* device_folder = "/sys/class/infiniband";

// A device that was removed and is back has another inode.
std::string device_summary() {
  std::string all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(device_folder), &::closedir);
  if (folder == nullptr) return all;
  while (const dirent* const entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    all += std::string(entry->d_name) + ' ' + std::to_string(entry->d_ino) + '\n';
  }
  return all;
}

std::string first_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

Address address_of_gid(const in6_addr& gid) {
  sockaddr_ib at{};
  at.sib_family = AF_IB;
  at.sib_pkey = htons(0xffff);
  std::memcpy(&at.sib_addr, &gid, sizeof gid);
  Address address;
  std::memcpy(&address.storage, &at, sizeof at);
  address.length = sizeof at;
  return address;
}

std::vector<Address> ip_addresses() {
  std::vector<Address> all;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return all;
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_LOOPBACK) != 0) continue;
    Address address;
    address.rdma = true;
    if (each->ifa_addr->sa_family == AF_INET) {
      address.length = sizeof(sockaddr_in);
    } else if (each->ifa_addr->sa_family == AF_INET6) {
      address.length = sizeof(sockaddr_in6);
    } else {
      continue;
    }
    std::memcpy(&address.storage, each->ifa_addr, address.length);
    all.push_back(std::move(address));
  }
  ::freeifaddrs(list);
  return all;
}

}  // namespace

std::vector<Address> infiniband_addresses(const std::string& devices) {
  namespace fs = std::filesystem;
  std::vector<Address> all;
  std::error_code gone;
  for (fs::directory_iterator device(devices, gone), end; !gone && device != end;
       device.increment(gone)) {
    std::error_code none;
    for (fs::directory_iterator port(device->path() / "ports", none); !none && port != end;
         port.increment(none)) {
      if (first_line(port->path() / "link_layer") != "InfiniBand") continue;
      in6_addr gid{};
      if (::inet_pton(AF_INET6, first_line(port->path() / "gids/0").c_str(), &gid) == 1)
        all.push_back(address_of_gid(gid));
    }
  }
  return all;
}

Surroundings find_devices(int family) {
  Surroundings found;
  found.summary = device_summary();
  // Without devices there is nothing to look for.
  if (found.summary.empty()) return found;
  found.addresses = family == AF_IB ? infiniband_addresses(device_folder) : ip_addresses();
  for (const Address& each : found.addresses) found.summary += each.text() + '\n';
  return found;
}

}  // namespace srpd::transport::verbs
