// The line that tells the kernel's initiator ib_srp where to log in, as it is written to add_target
// (the kernel's Documentation/ABI/stable/sysfs-driver-ib_srp). Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "discovery/text.h"

namespace srpd::kernel {

using discovery::Gid;

/// A login through InfiniBand's own connection manager.
struct InfinibandPath {
  Gid dgid{};
  std::uint16_t pkey = 0xffff;
  std::uint64_t service_id = 0;

  friend bool operator==(const InfinibandPath&, const InfinibandPath&) = default;
};

struct LoginString {
  using Option = std::pair<std::string, std::string>;

  std::uint64_t id_ext = 0;
  std::uint64_t ioc_guid = 0;
  /// "IP:PORT" of a login through RDMA/CM; empty where `path` is set.
  std::string dest;
  std::optional<InfinibandPath> path;
  std::vector<Option> options;  ///< the rest, such as queue_size, in order

  /// id_ext=...,ioc_guid=...,dest=IP:PORT or id_ext=...,ioc_guid=...,dgid=...,pkey=...,service_id=
  std::string text() const;
  /// What of it says where: dest=... or dgid=...,pkey=...,service_id=...
  std::string place() const;

  friend bool operator==(const LoginString&, const LoginString&) = default;
};

/// Either form, in any order, as ib_srp takes it.
Expected<LoginString> parse_login_string(std::string_view text);

/// "queue_size=64,ch_count=4". Names that ib_srp does not know, and those that say where to log in,
/// are errors.
Expected<std::vector<LoginString::Option>> parse_login_options(std::string_view text);

/// 32 hex digits, or the colon form of an IPv6 address.
std::optional<Gid> parse_gid(std::string_view text);

}  // namespace srpd::kernel
