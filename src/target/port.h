// A target port as the configuration describes it: its identity, its LUNs and who may see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
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

  /// `host`: the peer's verified address as transport::Address::host().
  bool matches(const scsi::PortId& initiator, std::string_view host) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::optional<scsi::PortId> port_id_;
  std::string guid_;
  std::string host_;
};

struct NodeAcl {
  AclKey key;
  std::vector<MappedLun> luns;
};

/// Everything a login needs to know. Immutable while served.
struct PortDescription {
  scsi::TargetPort scsi;  ///< name and identifier; ioc_guid and id_ext of the login must equal it
  bool any_identifier = true;  ///< accept whatever id_ext and ioc_guid the host was given
  bool enabled = true;
  bool open = false;  ///< no ACL matched: every LUN, read-write (closed by default)
  std::vector<scsi::LunMap::Entry> luns;
  std::vector<NodeAcl> acls;
};

/// Whether the LUNs and every ACL's mapped LUNs can be served.
Expected<void> check(const PortDescription& port);

/// The first ACL that names this initiator, or null. `host` as for AclKey::matches().
const NodeAcl* find_acl(const PortDescription& port, const scsi::PortId& initiator,
                        std::string_view host);

/// What an initiator sees with this ACL, and with none on an open port.
Expected<std::unique_ptr<scsi::LunMap>> make_lun_map(const PortDescription& port,
                                                     const NodeAcl& acl);
Expected<std::unique_ptr<scsi::LunMap>> make_open_lun_map(const PortDescription& port);

/// Lower case, two for each byte.
std::string hex_digits(std::span<const std::byte> bytes);

}  // namespace srpd::target
