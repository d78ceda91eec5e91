// What ib_srp is logged in to, and the disks that came of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/files.h"
#include "kernel/login_string.h"

namespace srpd::kernel {

struct Session {
  unsigned host = 0;  ///< number of the SCSI host
  std::uint64_t id_ext = 0;
  std::uint64_t ioc_guid = 0;
  std::string device;  ///< RDMA device and port: "siw0:1"
  std::string state;   ///< of the transport: running, blocked, fail-fast, lost
  /// dest=... or dgid=...: sysfs says only the latter; the former is known of sessions that srp
  /// made. Empty: made by others.
  std::string place;

  std::string host_name() const { return "host" + std::to_string(host); }
};

/// By host number.
std::vector<Session> sessions(const Files& files);

struct Disk {
  std::string lun;   ///< decimal, as the kernel names it
  std::string name;  ///< of the block device; empty while there is none
  std::string vendor, model;
  std::uint64_t bytes = 0;
  std::string by_id;  ///< /dev/disk/by-id/..., where udev has made one
};

/// Of a SCSI host, by LUN. Devices that are no disks are left out.
std::vector<Disk> disks(const Files& files, unsigned host);

/// Remembers where a session leads; survives this program, not the machine's restart.
void remember(const Files& files, unsigned host, const LoginString& login);
/// Drops what is remembered of hosts that are no more.
void forget_gone(const Files& files);

}  // namespace srpd::kernel
