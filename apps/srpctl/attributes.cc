#include "srpctl/attributes.h"

#include <algorithm>

namespace srpd::ctl {
namespace {

struct Help {
  std::string_view name, text;
};

constexpr Help helps[] = {
    {"alua_access_state",
     "0 active/optimized, 1 active/non-optimized, 2 standby, 3 unavailable, "
     "14 offline, 15 transitioning"},
    {"alua_access_status", "why: 0 none, 1 by a host, 2 by the target"},
    {"alua_access_type", "who may change it: 0 nobody, 1 the target, 2 hosts, 3 both"},
    {"alua_support", "1: hosts are told of target port groups"},
    {"block_size", "bytes of a logical block: 512, 1024, 2048 or 4096"},
    {"cmd_completion_affinity", "CPU of completions: -1 that of the command, -2 any, or a number"},
    {"emulate_3pc", "1: EXTENDED COPY is offered"},
    {"emulate_caw", "1: COMPARE AND WRITE is offered"},
    {"emulate_fua_write", "1: the FUA bit of writes is honoured"},
    {"emulate_model_alias", "1: the product id is the name of the object"},
    {"emulate_pr", "1: reservations are offered"},
    {"emulate_tas", "1: hosts are told of commands that others aborted"},
    {"emulate_tpu", "1: UNMAP is offered"},
    {"emulate_tpws", "1: WRITE SAME with UNMAP is offered"},
    {"emulate_ua_intlck_ctrl", "0, 1, 2: how long unit attentions stay (Control mode page)"},
    {"emulate_write_cache", "1: the write cache is on, so hosts flush"},
    {"enable", "1: hosts may log in or use it"},
    {"enforce_pr_isids", "1: registrations belong to a session, not to a host"},
    {"force_pr_aptpl", "1: registrations survive a power loss even if no host asked for it"},
    {"is_nonrot", "1: hosts take it for a solid state disk"},
    {"max_unmap_block_desc_count", "descriptors of one UNMAP"},
    {"max_unmap_lba_count", "blocks of one UNMAP"},
    {"max_write_same_len", "blocks of one WRITE SAME"},
    {"nonop_delay_msecs", "how long commands wait in active/non-optimized, in milliseconds"},
    {"optimal_sectors", "transfer length that hosts should prefer, in blocks"},
    {"pi_prot_format",
     "1: forgets the protection information of a file; blocks written later are checked"},
    {"pi_prot_type", "checks what is read: 0 no, 1 data and place, 3 data; set with no LUN"},
    {"pi_prot_verify", "1: application tags of others are errors, too"},
    {"preferred", "1: hosts should prefer this group"},
    {"queue_depth", "commands of one host at a time"},
    {"rdma_cm_port", "where RDMA/CM logins are taken, on all addresses; 0: nowhere"},
    {"srp_max_rdma_size", "largest transfer that hosts are told of, 65536 to 16777216"},
    {"srp_max_rsp_size", "longest response, 40 to 1024"},
    {"srp_sq_size", "commands of one channel at a time, 4 to 65535"},
    {"tag", "a name for the initiator, for people"},
    {"tg_pt_gp_id", "number of the target port group, set once"},
    {"trans_delay_msecs", "how long a change of state takes, in milliseconds"},
    {"unmap_granularity", "UNMAP works on that many blocks at once"},
    {"unmap_granularity_alignment", "first block at which that begins"},
    {"unmap_zeroes_data", "1: unmapped blocks read as zeros"},
    {"use_srq", "1: all channels share receive buffers; a change ends sessions"},
    {"vpd_unit_serial", "serial number, from which hosts make the disk's name"},
    {"write_protect", "1: this host cannot write"},
};

}  // namespace

std::vector<AttributeGroup> attribute_groups(const Node& node) {
  using Kind = Node::Kind;
  if (node.tree.empty()) return {};
  switch (node.kind) {
    case Kind::device:
      return {{"attribute", node.tree + "/attrib"},
              {"wwn", node.tree + "/wwn"},
              {"statistics", node.tree + "/statistics/scsi_lu"},
              {"", node.tree}};
    case Kind::target:
    case Kind::tpg: {
      const bool has_tpg = node.tree.find("/tpgt_") != std::string::npos;
      if (!has_tpg) return {{"parameter", node.tree + "/param"}};
      return {{"attribute", node.tree + "/attrib"},
              {"parameter", node.tree.substr(0, node.tree.rfind('/')) + "/param"},
              {"", node.tree}};
    }
    case Kind::fabric:
      return {{"discovery_auth", node.tree + "/discovery_auth"}};
    case Kind::lun:
      return {{"", node.tree}, {"statistics", node.tree + "/statistics/scsi_tgt_port"}};
    case Kind::group:
    case Kind::acl:
    case Kind::mapped_lun:
      return {{"", node.tree}};
    default:
      return {};
  }
}

std::string_view attribute_help(std::string_view name) {
  const auto* const found = std::find_if(std::begin(helps), std::end(helps),
                                         [&](const Help& each) { return each.name == name; });
  return found == std::end(helps) ? std::string_view() : found->text;
}

std::vector<std::string_view> known_attributes() {
  std::vector<std::string_view> names;
  for (const Help& each : helps) names.push_back(each.name);
  return names;
}

}  // namespace srpd::ctl
