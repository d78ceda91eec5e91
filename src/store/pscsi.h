// A SCSI device of this machine as a unit (LIO: pscsi): a disk, a tape, a changer, whatever it is.
// Commands reach it by SG_IO, through its sg node or, for disks and CDs, its block device. Who else
// uses the device is not asked: reservations and unit attentions are the device's own.
#pragma once

#include <scsi/sg.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "store/backstore.h"
#include "store/new_size.h"
#include "store/pass_through.h"
#include "store/sg_workers.h"
#include "store/specification.h"

namespace srpd::store {

Expected<std::unique_ptr<Backstore>> open_pscsi(const Specification& specification,
                                                runtime::Loop& home);

/// The system call; 0 or -errno. Tests have one of their own.
using SgIo = std::function<int(int fd, sg_io_hdr& header)>;
int sg_io(int fd, sg_io_hdr& header);

/// What opening it has found out about a device.
struct OpenedDevice {
  int fd = -1;  ///< owned by the PscsiStore made of it
  std::string name, path;
  std::string folder;      ///< in sysfs
  std::uint64_t size = 0;  ///< bytes, of disks; 0: not known
  PassThrough::Identity identity;
  Properties properties;
};

class PscsiStore final : public Backstore, public PassThrough {
 public:
  PscsiStore(OpenedDevice device, SgIo sg_io);
  ~PscsiStore() override;

  const Properties& properties() const override { return device_.properties; }
  std::uint64_t size() const override { return size_.load(std::memory_order_relaxed); }
  std::string description() const override;
  /// There are no blocks behind this seam.
  void submit(runtime::Loop& loop, Operation& operation) override;
  PassThrough* pass_through() override { return this; }
  /// Lets the kernel ask the device again.
  Expected<std::uint64_t> resize(const NewSize& wanted) override;
  void set_observer(Observer* observer) override { observer_.set(observer); }

  const Identity& identity() const override { return device_.identity; }
  void submit(runtime::Loop& loop, ScsiOperation& operation) override;
  void cancel(ScsiOperation& operation) override { workers_.cancel(operation); }

 private:
  void perform(ScsiOperation& operation);

  OpenedDevice device_;
  std::atomic<std::uint64_t> size_;
  ObserverSlot observer_;
  SgIo sg_io_;
  SgWorkers workers_;
};

/// "disk", "tape", ... (SPC-5 table 147).
const char* device_type_name(std::uint8_t type);

/// Makes one command of `device` with SG_IO and waits; its outcome.
int perform(const OpenedDevice& device, const SgIo& sg_io, ScsiOperation& operation);

/// Where a device is found in sysfs.
struct ScsiPlace {
  std::string address;  ///< HOST:CHANNEL:TARGET:LUN
  std::string folder;   ///< of the device in sysfs
  std::string node;     ///< what to open
};
/// By a device node, or by HOST:CHANNEL:TARGET:LUN. `sysfs` is "/sys" but for tests.
Expected<ScsiPlace> find_scsi_device(const Specification& specification, const std::string& sysfs);

/// Asks the device who it is: fills in the identity.
Expected<void> inquire(OpenedDevice& device, const SgIo& sg_io);

/// Limits and size that sysfs tells in the folder of the device.
void read_limits(OpenedDevice& device, const std::string& folder);
/// Bytes, by its folder in sysfs; 0 where nothing tells.
std::uint64_t disk_size(const std::string& folder, std::uint32_t block_size);

}  // namespace srpd::store
