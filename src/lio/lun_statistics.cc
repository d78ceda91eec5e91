// Statistics of LUNs and mapped LUNs: ENODEV as long as no link leads to a device.
#include "lio/lun_statistics.h"

#include <fmt/format.h>

#include "lio/acl.h"
#include "lio/device.h"
#include "lio/lun.h"
#include "lio/mapped_lun.h"
#include "lio/port.h"
#include "lio/tpg.h"

namespace srpd::lio {
namespace {

using Shown = Result<std::string>;

tl::unexpected<tree::Failure> no_device() {
  return fail(ENODEV, "no link in the LUN leads to a device", "make one");
}

// Of a LUN with a device.

Counters counters(const Lun& lun) {
  return lun.tpg().engine().lun_counters(lun.tpg().tpg_id(), lun.number());
}
std::string device_index(const Lun& lun) { return line(lun.device()->index()); }
std::string port_index(const Lun& lun) { return line(lun.tpg().rtpi()); }
std::string instance(const Lun& lun) { return line(lun.device()->hba_index() + 1); }
std::string role(const Lun& lun) { return fmt::format("Device{}\n", lun.device()->index()); }
std::string busy(const Lun& lun) { return line(counters(lun).busy); }
std::string commands(const Lun& lun) { return line(counters(lun).commands); }
std::string reads(const Lun& lun) { return mbytes(counters(lun).read_bytes); }
std::string writes(const Lun& lun) { return mbytes(counters(lun).written_bytes); }
std::string port_name(const Lun& lun) { return fmt::format("srptPort#{}\n", lun.tpg().rtpi()); }
std::string port_text(const Lun& lun) { return fmt::format("{}+t+1\n", lun.tpg().port().name()); }
std::string transport(const Lun&) { return "scsiTransportsrpt\n"; }
/// SPC-4 table 444: SRP.
std::string protocol(const Lun&) { return "4\n"; }
std::string unit_name(const Lun& lun) {
  const std::string& serial = lun.device()->identity().serial;
  return fmt::format("{}+{}\n", lun.tpg().port().name(),
                     serial.empty() ? lun.device()->identity().vendor : serial);
}

template <auto text>
Shown with_device(const Lun& lun) {
  if (!lun.device()) return no_device();
  return text(lun);
}
template <auto text>
consteval Attribute shown(std::string_view name) {
  return statistic<Lun, with_device<text>>(name);
}

constexpr Attribute scsi_port[] = {
    shown<instance>("inst"), shown<device_index>("dev"), shown<port_index>("indx"),
    shown<role>("role"),     shown<busy>("busy_count"),
};

constexpr Attribute scsi_tgt_port[] = {
    shown<instance>("inst"),       shown<device_index>("dev"),     shown<port_index>("indx"),
    shown<port_name>("name"),      shown<port_text>("port_index"), shown<commands>("in_cmds"),
    shown<writes>("write_mbytes"), shown<reads>("read_mbytes"),    shown<commands>("hs_in_cmds"),
};

constexpr Attribute scsi_transport[] = {
    shown<instance>("inst"),      shown<transport>("device"),  shown<port_index>("indx"),
    shown<unit_name>("dev_name"), shown<protocol>("proto_id"),
};

// Of a mapped LUN with a device.

Counters counters(const MappedLun& mapped) {
  const Tpg& tpg = mapped.acl().tpg();
  return tpg.engine().mapped_counters(tpg.tpg_id(), mapped.acl().name(), mapped.number());
}
std::string mapped_one(const MappedLun&) { return "1\n"; }
std::string mapped_zero(const MappedLun&) { return "0\n"; }
std::string mapped_device(const MappedLun& mapped) { return line(mapped.lun()->device()->index()); }
std::string mapped_port(const MappedLun& mapped) { return line(mapped.acl().tpg().rtpi()); }
std::string initiator_index(const MappedLun& mapped) { return line(mapped.acl().index()); }
std::string initiator_name(const MappedLun& mapped) { return mapped.acl().name() + '\n'; }
std::string mapped_commands(const MappedLun& mapped) { return line(counters(mapped).commands); }
std::string mapped_reads(const MappedLun& mapped) { return mbytes(counters(mapped).read_bytes); }
std::string mapped_writes(const MappedLun& mapped) {
  return mbytes(counters(mapped).written_bytes);
}
std::string mapped_creation(const MappedLun& mapped) { return line(mapped.creation_time()); }
std::string row_status(const MappedLun&) { return "Ready\n"; }

Shown of_session(const MappedLun& mapped, std::string (*text)(const SessionRow&)) {
  const Tpg& tpg = mapped.acl().tpg();
  const auto sessions = tpg.engine().sessions(tpg.tpg_id(), mapped.acl().name());
  if (sessions.empty()) return fail(ENODEV, "the initiator is not logged in");
  return text(sessions.front());
}
Shown session_index(const MappedLun& mapped) {
  return of_session(mapped, [](const SessionRow& session) { return line(session.id); });
}
Shown session_name(const MappedLun& mapped) {
  return of_session(mapped, [](const SessionRow& session) { return session.initiator + '\n'; });
}

template <auto text>
Shown with_lun(const MappedLun& mapped) {
  if (!mapped.lun()) return no_device();
  return text(mapped);
}
template <auto text>
consteval Attribute mapped(std::string_view name) {
  return statistic<MappedLun, with_lun<text>>(name);
}

constexpr Attribute scsi_auth_intr[] = {
    mapped<mapped_one>("inst"),
    mapped<mapped_device>("dev"),
    mapped<mapped_port>("port"),
    mapped<initiator_index>("indx"),
    mapped<mapped_port>("dev_or_port"),
    mapped<initiator_name>("intr_name"),
    mapped<mapped_zero>("map_indx"),
    mapped<mapped_one>("att_count"),
    mapped<mapped_commands>("num_cmds"),
    mapped<mapped_reads>("read_mbytes"),
    mapped<mapped_writes>("write_mbytes"),
    mapped<mapped_commands>("hs_num_cmds"),
    mapped<mapped_creation>("creation_time"),
    mapped<row_status>("row_status"),
};

constexpr Attribute scsi_att_intr_port[] = {
    mapped<mapped_one>("inst"),
    mapped<mapped_device>("dev"),
    mapped<mapped_port>("port"),
    mapped<session_index>("indx"),
    mapped<initiator_index>("port_auth_indx"),
    mapped<session_name>("port_ident"),
};

}  // namespace

LunStatistics::LunStatistics(const Lun& lun) {
  add_table("scsi_port", lun, scsi_port);
  add_table("scsi_tgt_port", lun, scsi_tgt_port);
  add_table("scsi_transport", lun, scsi_transport);
}

MappedLunStatistics::MappedLunStatistics(const MappedLun& lun) {
  add_table("scsi_auth_intr", lun, scsi_auth_intr);
  add_table("scsi_att_intr_port", lun, scsi_att_intr_port);
}

}  // namespace srpd::lio
