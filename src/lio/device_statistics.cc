#include "lio/device_statistics.h"

#include <fmt/format.h>

#include "lio/device.h"

namespace srpd::lio {
namespace {

Counters counters(const Device& device) {
  if (!device.enabled()) return {};
  return device.engine().device_counters(device.device_id());
}

std::string index(const Device& device) { return line(device.index()); }
/// LIO counts its own HBA too.
std::string instance(const Device& device) { return line(device.hba_index() + 1); }
std::string one(const Device&) { return "1\n"; }
std::string zero(const Device&) { return "0\n"; }
std::string ports(const Device& device) { return line(device.link_count()); }
std::string role(const Device&) { return "Target\n"; }
std::string creation(const Device& device) { return line(device.creation_time()); }
std::string type(const Device& device) { return line(device.properties().device_type); }
std::string queue_full(const Device& device) { return line(counters(device).task_set_full); }
std::string commands(const Device& device) { return line(counters(device).commands); }
std::string reads(const Device& device) { return mbytes(counters(device).read_bytes); }
std::string writes(const Device& device) { return mbytes(counters(device).written_bytes); }
std::string resets(const Device& device) { return line(counters(device).resets); }
std::string aborts(const Device& device) { return line(counters(device).aborts_complete); }
std::string not_aborted(const Device& device) { return line(counters(device).aborts_no_task); }
std::string state_bit(const Device&) { return "exposed\n"; }

std::string lu_name(const Device& device) {
  const std::string& serial = device.identity().serial;
  return (serial.empty() ? "None" : serial) + '\n';
}
std::string vendor(const Device& device) {
  return fmt::format("{:<8}\n", device.identity().vendor);
}
std::string product(const Device& device) {
  return fmt::format("{:<16}\n", device.identity().product);
}
std::string revision(const Device& device) {
  return fmt::format("{:<4}\n", device.identity().revision);
}
std::string lu_status(const Device& device) {
  return device.exported() ? "available\n" : "notavailable\n";
}
/// LIO ends this one without a newline.
std::string target_status(const Device& device) {
  return device.exported() ? "activated" : "deactivated";
}
std::string inaccessible(const Device& device) { return line(device.exported() ? 0 : 1); }

template <auto text>
consteval Attribute shown(std::string_view name) {
  return statistic<Device, text>(name);
}

constexpr Attribute scsi_dev[] = {
    shown<index>("indx"),
    shown<instance>("inst"),
    shown<ports>("ports"),
    shown<role>("role"),
};

constexpr Attribute scsi_tgt_dev[] = {
    shown<index>("indx"),
    shown<instance>("inst"),
    shown<one>("num_lus"),
    shown<inaccessible>("non_access_lus"),
    shown<target_status>("status"),
    shown<resets>("resets"),
    shown<aborts>("aborts_complete"),
    shown<not_aborted>("aborts_no_task"),
};

constexpr Attribute scsi_lu[] = {
    shown<creation>("creation_time"),
    shown<index>("dev"),
    shown<type>("dev_type"),
    shown<queue_full>("full_stat"),
    shown<commands>("hs_num_cmds"),
    shown<one>("indx"),
    shown<instance>("inst"),
    shown<lu_name>("lu_name"),
    shown<zero>("lun"),
    shown<commands>("num_cmds"),
    shown<product>("prod"),
    shown<reads>("read_mbytes"),
    shown<resets>("resets"),
    shown<revision>("rev"),
    shown<state_bit>("state_bit"),
    shown<lu_status>("status"),
    shown<vendor>("vend"),
    shown<writes>("write_mbytes"),
};

}  // namespace

DeviceStatistics::DeviceStatistics(const Device& device) {
  add_table("scsi_dev", device, scsi_dev);
  add_table("scsi_tgt_dev", device, scsi_tgt_dev);
  add_table("scsi_lu", device, scsi_lu);
}

}  // namespace srpd::lio
