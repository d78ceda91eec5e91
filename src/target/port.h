// A target port as the configuration describes it: its identity, its LUNs and who may see them.
// What it becomes while it is served is in exports.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"

namespace srpd::target {

/// One LUN of a node ACL: LUN `number` of the initiator is LUN `port_lun` of the port.
struct MappedLun {
  std::uint32_t number = 0;
  std::uint32_t port_lun = 0;
  bool write_protected = false;
};

/// Who may log in, in LIO's words: a 128-bit initiator port id ("0x" + hex digits, "ib." + hex
/// digits, or hex digits alone; shorter is filled with zeros in front), a GUID
/// "xxxx:xxxx:xxxx:xxxx" (the verified one, or the last eight bytes of the port id), or an
/// IPv4/IPv6 address. The text is kept for messages.
class AclKey {
 public:
  static Expected<AclKey> parse(std::string_view text);

  /// `host`: the peer's verified address as transport::Address::host(). No allocation.
  bool matches(const scsi::PortId& initiator, std::string_view host) const;
  const std::string& text() const { return text_; }
  /// Of the initiator port, but for the first unknown_bytes(), which are 0.
  scsi::PortId port_id() const;
  std::size_t unknown_bytes() const;

 private:
  using Guid = std::array<std::byte, 8>;

  std::string text_;
  std::optional<scsi::PortId> port_id_;
  std::optional<Guid> guid_;
  std::string host_;  ///< the address, or the GUID in lower case
};

struct NodeAcl {
  AclKey key;
  std::vector<MappedLun> luns;
};

/// A LUN of a port.
struct Lun {
  std::uint32_t number = 0;  ///< up to scsi::LunMap::max_number
  std::shared_ptr<scsi::Lu> lu;
  bool write_protected = false;  ///< for every initiator
  scsi::PortAccess access{};
};

/// ib_srpt's attributes of a port, as far as they mean something here; for logins to come.
struct PortLimits {
  std::uint32_t max_rsp_size = 256;     ///< longest IU to the host; sense data beyond it are cut
  std::uint32_t max_rdma_size = 65536;  ///< largest transfer that Device Management announces
  std::uint32_t sq_size = 4096;         ///< commands of one channel under way, at most
};

/// Within LIO's bounds: 40 to 1024, 65536 to 16777216, 4 to 65535.
Expected<void> check(const PortLimits& limits);

/// What a port begins with.
struct PortDescription {
  scsi::TargetPort scsi;  ///< name and identifier; ioc_guid and id_ext of the login must equal it
  bool any_identifier = true;  ///< accept whatever id_ext and ioc_guid the host was given
  /// With others that say so too: together they are one port of SRP, and a host comes to the first
  /// that lets it in.
  bool shares_identifier = false;
  bool enabled = true;
  bool open = false;  ///< no ACL matched: every LUN, read-write (closed by default)
  std::vector<Lun> luns;
  std::vector<NodeAcl> acls;
  PortLimits limits;
};

/// Lower case, two for each byte.
std::string hex_digits(std::span<const std::byte> bytes);

}  // namespace srpd::target
