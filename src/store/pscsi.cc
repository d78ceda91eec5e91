// The commands of a PscsiStore, and what SG_IO's answers mean.
#include "store/pscsi.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <utility>

#include "store/size_text.h"

namespace srpd::store {
namespace {

using namespace std::chrono_literals;

constexpr unsigned most_workers = 32;
constexpr unsigned queue_at_tail = 0x10;  // of sg_io_hdr::flags: in the order of submission
constexpr std::uint8_t disk = 0x00;
constexpr std::uint8_t host_managed_disk = 0x14;

constexpr std::uint8_t check_condition = 0x02;
constexpr std::uint8_t reservation_conflict = 0x18;

// After this time the kernel ends the command and resets what it must. Below what hosts wait for
// where a device answers at once; commands that work through the medium, and everything that winds
// tape, get the time they need.
std::chrono::milliseconds timeout_of(std::uint8_t device_type, std::uint8_t opcode) {
  constexpr std::array<std::uint8_t, 10> long_ones{
      0x04,  // FORMAT UNIT
      0x1b,  // START STOP UNIT
      0x1d,  // SEND DIAGNOSTIC
      0x2f,  // VERIFY(10)
      0x3b,  // WRITE BUFFER
      0x41,  // WRITE SAME(10)
      0x48,  // SANITIZE
      0x8f,  // VERIFY(16)
      0x93,  // WRITE SAME(16)
      0xaf,  // VERIFY(12)
  };
  if (std::find(long_ones.begin(), long_ones.end(), opcode) != long_ones.end()) return 4h;
  return device_type == disk || device_type == host_managed_disk ? 25s : 15min;
}

int from_errno(int error) {
  switch (error) {
    case -ENODEV:
    case -ENXIO:
    case -ESHUTDOWN:
      return -ENODEV;
    case -EAGAIN:
    case -EBUSY:
    case -EINTR:
    case -ENOMEM:
      return -EBUSY;
    case -EACCES:  // the kernel lets only root send this command to a block device
    case -EPERM:
    case -EDOM:
    case -EINVAL:
    case -EMSGSIZE:
      return -EINVAL;
    case -ETIMEDOUT:
      return error;
    default:
      return -EREMOTEIO;
  }
}

// The DID_ codes of Linux' scsi_host.h, for a command that the device has not answered.
int from_host_status(unsigned status) {
  switch (status) {
    case 0x00:
      return 0;
    case 0x01:  // no connection
    case 0x04:  // bad target
    case 0x0f:  // the path has failed for good
      return -ENODEV;
    case 0x02:  // bus busy
    case 0x0b:  // soft error
    case 0x0c:  // retry at once
    case 0x0d:  // requeue
    case 0x0e:  // transport disrupted
    case 0x14:  // marginal path
      return -EBUSY;
    case 0x03:
      return -ETIMEDOUT;
    case 0x05:  // aborted
    case 0x08:  // reset
      return -ECANCELED;
    case 0x13:  // medium error
      return -EIO;
    default:
      return -EREMOTEIO;
  }
}

int from_header(const sg_io_hdr& header, ScsiOperation& operation) {
  constexpr unsigned driver_timeout = 0x06;
  constexpr unsigned driver_mask = 0x0f;
  constexpr unsigned nexus_failure = 0x11;  // how the kernel hands on a reservation conflict
  operation.status = header.status;
  operation.sense_length =
      std::min<std::uint32_t>(header.sb_len_wr, static_cast<std::uint32_t>(operation.sense.size()));
  operation.residual = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(header.resid, 0, std::int64_t{header.dxfer_len}));
  if (operation.status == 0 && operation.sense_length != 0) operation.status = check_condition;
  if (operation.status == 0 && header.host_status == nexus_failure)
    operation.status = reservation_conflict;
  if (operation.status != 0) return 0;
  if ((header.driver_status & driver_mask) == driver_timeout) return -ETIMEDOUT;
  return from_host_status(header.host_status);
}

unsigned workers_for(const OpenedDevice& device) {
  // Where the order of commands is that of the medium, one at a time keeps it.
  const std::uint8_t type = device.identity.device_type;
  if (type != disk && type != host_managed_disk) return 1;
  return std::clamp(device.properties.queue_depth, 1u, most_workers);
}

}  // namespace

int sg_io(int fd, sg_io_hdr& header) { return ::ioctl(fd, SG_IO, &header) == 0 ? 0 : -errno; }

int perform(const OpenedDevice& device, const SgIo& sg_io, ScsiOperation& operation) {
  if (operation.cdb.empty() || operation.cdb.size() > UINT8_MAX) return -EINVAL;
  using Direction = ScsiOperation::Direction;
  sg_io_hdr header{};
  header.interface_id = 'S';
  header.dxfer_direction = operation.direction == Direction::in    ? SG_DXFER_FROM_DEV
                           : operation.direction == Direction::out ? SG_DXFER_TO_DEV
                                                                   : SG_DXFER_NONE;
  header.cmd_len = static_cast<unsigned char>(operation.cdb.size());
  header.cmdp = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(operation.cdb.data()));
  header.mx_sb_len =
      static_cast<unsigned char>(std::min<std::size_t>(operation.sense.size(), UINT8_MAX));
  header.sbp = reinterpret_cast<unsigned char*>(operation.sense.data());
  header.dxfer_len = static_cast<unsigned>(operation.data.size());
  header.dxferp = operation.data.data();
  header.timeout = static_cast<unsigned>(
      timeout_of(device.identity.device_type, std::to_integer<std::uint8_t>(operation.cdb[0]))
          .count());
  header.flags = queue_at_tail;
  const int rc = sg_io(device.fd, header);
  return rc < 0 ? from_errno(rc) : from_header(header, operation);
}

const char* device_type_name(std::uint8_t type) {
  switch (type) {
    case 0x00:
      return "disk";
    case 0x01:
      return "tape";
    case 0x03:
      return "processor";
    case 0x05:
      return "CD or DVD";
    case 0x07:
      return "optical disk";
    case 0x08:
      return "medium changer";
    case 0x0c:
      return "storage array controller";
    case 0x0d:
      return "enclosure";
    case 0x0e:
      return "simplified disk";
    case 0x14:
      return "zoned disk";
    default:
      return "SCSI device";
  }
}

PscsiStore::PscsiStore(OpenedDevice device, SgIo sg_io)
    : device_(std::move(device)),
      size_(device_.size),
      sg_io_(std::move(sg_io)),
      workers_(workers_for(device_), [this](ScsiOperation& operation) { perform(operation); }) {}

PscsiStore::~PscsiStore() {
  if (device_.fd >= 0) ::close(device_.fd);
}

std::string PscsiStore::description() const {
  const Identity& who = device_.identity;
  return device_.path + (size() != 0 ? " " + format_size(size()) : "") + " (pass-through of the " +
         device_type_name(who.device_type) + " " + who.vendor + " " + who.product + ")";
}

Expected<std::uint64_t> PscsiStore::resize(const NewSize& wanted) {
  if (wanted.bytes != 0)
    return failure(device_.name, "its size is that of the device " + device_.path,
                   "make the device larger, then give no size", EINVAL);
  {
    std::ofstream rescan(device_.folder + "/rescan");  // as root
    rescan << "1\n";
  }
  const std::uint64_t bytes = disk_size(device_.folder, device_.properties.block_size);
  if (bytes == 0)
    return failure(device_.name, "nothing tells the size of " + device_.path,
                   "only disks have one; hosts ask the device itself", ENODEV);
  if (auto checked = check_new_size(device_.name, size(), bytes, wanted.may_shrink); !checked)
    return tl::make_unexpected(checked.error());
  if (size_.exchange(bytes, std::memory_order_relaxed) != bytes) observer_.tell(bytes);
  return bytes;
}

void PscsiStore::submit(runtime::Loop&, Operation& operation) { operation.complete(-EOPNOTSUPP); }

void PscsiStore::submit(runtime::Loop& loop, ScsiOperation& operation) {
  operation.status = 0;
  operation.sense_length = operation.residual = 0;
  workers_.submit(loop, operation);
}

void PscsiStore::perform(ScsiOperation& operation) {
  operation.outcome = store::perform(device_, sg_io_, operation);
}

}  // namespace srpd::store
