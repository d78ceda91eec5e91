// The discovery service as it stands on the wire (docs/discovery.md): private data of a connection
// to it, and the attributes beside those of Device Management. Layouts and names only; the rules
// are in src/directory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/endian.h"
#include "wire/mad.h"

namespace srpd::wire::directory {

inline constexpr char magic[8] = {'S', 'R', 'P', '-', 'D', 'I', 'S', 'C'};
inline constexpr std::uint8_t version = 1;

/// Private data of the connection request.
struct Hello {
  char magic[8];
  std::uint8_t version;
  std::uint8_t reserved[7];
};
static_assert(sizeof(Hello) == 16 && offsetof(Hello, version) == 8);

/// Private data of the acceptance.
struct Welcome {
  char magic[8];
  std::uint8_t version;
  std::uint8_t reserved[3];
  be16 window;    ///< requests that may be under way
  be16 requests;  ///< answered on this connection before the server ends it
};
static_assert(sizeof(Welcome) == 16 && offsetof(Welcome, window) == 12);

enum class Refusal : std::uint8_t {
  malformed = 1,    ///< no Hello
  bad_version = 2,  ///< another one than `version` of this structure
  busy = 3,         ///< too many connections, from this address or at all; try again later
};

/// Private data of the rejection.
struct Rejection {
  char magic[8];
  std::uint8_t version;
  Refusal reason;
  std::uint8_t reserved[6];
};
static_assert(sizeof(Rejection) == 16 && offsetof(Rejection, reason) == 9);

// Attributes, from the range that is left to vendors.
inline constexpr auto node_info = static_cast<mad::Attribute>(0xff10);
inline constexpr auto listener_info = static_cast<mad::Attribute>(0xff11);

struct NodeInfo {
  be16 change_id;  ///< as in IOUnitInfo
  std::uint8_t listeners;
  std::uint8_t reserved[5];
  char node[64];      ///< name of the machine, zero padded
  char software[64];  ///< "srpd 0.1.0", zero padded
};
static_assert(sizeof(NodeInfo) == 136 && offsetof(NodeInfo, node) == 8);

enum class LoginForm : std::uint8_t {
  rdma_cm = 1,  ///< dest=IP:PORT
  ib_cm = 2,    ///< dgid, pkey and service_id
};

/// Modifier: number of the listener, from 1.
struct ListenerInfo {
  LoginForm form;
  std::uint8_t slot;  ///< of the only controller it leads to; 0: every one
  be16 port;          ///< rdma_cm
  std::uint8_t reserved1[4];
  std::byte address[16];  ///< rdma_cm: IPv6 or ::ffff:a.b.c.d; ib_cm: GID
  be64 service_id;        ///< ib_cm
  be16 pkey;              ///< ib_cm
  std::uint8_t reserved2[6];
  char transport[16];  ///< "iwarp", "verbs", zero padded
  char device[64];     ///< interface or RDMA device, zero padded; for people
};
static_assert(sizeof(ListenerInfo) == 120 && offsetof(ListenerInfo, address) == 8);
static_assert(offsetof(ListenerInfo, service_id) == 24 && offsetof(ListenerInfo, transport) == 40);

}  // namespace srpd::wire::directory
