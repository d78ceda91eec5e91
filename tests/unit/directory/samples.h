// Listings for the tests of the discovery service.
#pragma once

#include <cstdint>
#include <vector>

#include "directory/listing.h"

namespace srpd::directory {

inline Gid mapped_ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Gid gid{};
  gid[10] = gid[11] = std::byte{0xff};
  gid[12] = std::byte{a};
  gid[13] = std::byte{b};
  gid[14] = std::byte{c};
  gid[15] = std::byte{d};
  return gid;
}

/// `targets` target ports at two addresses, and one of them through InfiniBand's CM.
inline Listing sample(unsigned targets = 1) {
  std::vector<discovery::ServedPort> ports;
  for (unsigned i = 0; i < targets; ++i) {
    const std::uint64_t guid = std::uint64_t{0x0002c903000e8acc} + i;
    ports.push_back({guid, guid, guid});
  }
  Listing listing;
  discovery::update(listing.unit, discovery::controllers_of(ports)).value();
  listing.node = "storage1";
  listing.software = "srpd 0.1.0";
  Listener ipv4, ipv6, infiniband;
  ipv4.address = mapped_ipv4(192, 0, 2, 10);
  ipv6.address[0] = std::byte{0x20};
  ipv6.address[1] = std::byte{0x01};
  ipv6.address[15] = std::byte{1};
  ipv4.port = ipv6.port = 5555;
  ipv4.transport = ipv6.transport = "iwarp";
  ipv4.device = "eth0";
  infiniband.form = LoginForm::ib_cm;
  infiniband.slot = 1;
  infiniband.address[0] = std::byte{0xfe};
  infiniband.address[1] = std::byte{0x80};
  infiniband.address[15] = std::byte{9};
  infiniband.service_id = 0x00000000013f15b3;
  infiniband.transport = "verbs";
  infiniband.device = "mlx4_0:1";
  listing.listeners = {ipv4, ipv6, infiniband};
  return listing;
}

}  // namespace srpd::directory
