// Finds the device in sysfs, opens it, and asks it who it is.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "runtime/buffer_pool.h"
#include "store/open_file.h"
#include "store/pscsi.h"

namespace srpd::store {
namespace {

namespace fs = std::filesystem;

constexpr unsigned sg_major = 21;
constexpr std::uint32_t page = 4096;
/// Where nothing tells how much the device takes: what every host adapter can.
constexpr std::uint32_t cautious_transfer = 128u << 10;

bool is_address(std::string_view text) {
  const bool characters = std::all_of(text.begin(), text.end(),
                                      [](char c) { return (c >= '0' && c <= '9') || c == ':'; });
  return characters && std::count(text.begin(), text.end(), ':') == 3 &&
         text.find("::") == std::string_view::npos && text.front() != ':' && text.back() != ':';
}

/// The first entry of a folder; empty where there is none.
std::string first_in(const std::string& folder) {
  std::error_code none;
  const fs::directory_iterator entries(folder, none);
  return none || entries == end(entries) ? "" : entries->path().filename().string();
}

std::uint64_t number_in(const std::string& file, std::uint64_t otherwise) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  return in >> value ? value : otherwise;
}

std::string trimmed(std::span<const std::byte> field) {
  std::string text;
  for (const std::byte byte : field) {
    const char c = static_cast<char>(byte);
    text += c > ' ' && c < 0x7f ? c : ' ';
  }
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

/// The address that the device node belongs to; empty where it is no SCSI device.
std::string address_of(const struct stat& status, const std::string& sysfs) {
  const std::string link = sysfs + (S_ISBLK(status.st_mode) ? "/dev/block/" : "/dev/char/") +
                           std::to_string(major(status.st_rdev)) + ":" +
                           std::to_string(minor(status.st_rdev)) + "/device";
  std::error_code none;
  const std::string name = fs::read_symlink(link, none).filename().string();
  return is_address(name) ? name : "";
}

/// INQUIRY for a VPD page.
constexpr std::array<std::byte, 6> page_inquiry(std::uint8_t code) {
  return {std::byte{0x12}, std::byte{1},   std::byte{code},
          std::byte{0},    std::byte{252}, std::byte{0}};
}

/// Data of a command of ours to the device; short or empty where it has none.
std::span<const std::byte> answer(OpenedDevice& device, const SgIo& sg_io,
                                  std::span<const std::byte> cdb, std::span<std::byte> data,
                                  int& result) {
  std::array<std::byte, 64> sense{};
  ScsiOperation operation;
  operation.cdb = cdb;
  operation.direction = ScsiOperation::Direction::in;
  operation.data = data;
  operation.sense = sense;
  // What happened to the device before is told to the first command: that is not its answer.
  constexpr int attempts = 3;
  constexpr std::uint8_t check_condition = 0x02;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    result = perform(device, sg_io, operation);
    if (result == 0 && operation.status == 0) return data.first(data.size() - operation.residual);
    if (result == 0 && operation.status != check_condition) break;
  }
  if (result == 0) result = -EIO;
  return {};
}

tl::unexpected<Error> no_such_device(const Specification& specification) {
  return failure(object_of(specification), "there is no such SCSI device",
                 "name a device node such as /dev/sg0, or HOST:CHANNEL:TARGET:LUN (lsscsi, or ls "
                 "/sys/class/scsi_device, shows what there is)");
}

}  // namespace

Expected<ScsiPlace> find_scsi_device(const Specification& specification, const std::string& sysfs) {
  const std::string& path = specification.path;
  if (path.empty()) return failure(specification.name, "no device is named", "give its path");
  ScsiPlace place;
  struct stat status{};
  if (is_address(path)) {
    place.address = path;
  } else {
    if (::stat(path.c_str(), &status) != 0) return no_such_device(specification);
    if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode))
      place.address = address_of(status, sysfs);
    if (place.address.empty()) {
      return failure(object_of(specification), "it is not a SCSI device",
                     "serve a block device with --block, a file with --file; of a partition, name "
                     "the whole disk");
    }
    if (S_ISBLK(status.st_mode) || major(status.st_rdev) == sg_major) place.node = path;
  }
  place.folder = sysfs + "/class/scsi_device/" + place.address + "/device";
  std::error_code none;
  if (!fs::exists(place.folder, none)) return no_such_device(specification);
  if (!place.node.empty()) return place;
  std::string name = first_in(place.folder + "/scsi_generic");
  if (name.empty()) name = first_in(place.folder + "/block");
  if (name.empty()) {
    return failure(object_of(specification), "the kernel has no node for commands to it",
                   "load the driver of such nodes: modprobe sg");
  }
  place.node = "/dev/" + name;
  return place;
}

Expected<void> inquire(OpenedDevice& device, const SgIo& sg_io) {
  constexpr std::array inquiry{std::byte{0x12}, std::byte{0},  std::byte{0},
                               std::byte{0},    std::byte{96}, std::byte{0}};
  std::array<std::byte, 252> data{};
  int result = 0;
  const auto standard = answer(device, sg_io, inquiry, std::span(data).first(96), result);
  if (standard.size() < 36) {
    return failure(
        device.name + " (" + device.path + ")",
        "it does not answer INQUIRY" + (result < 0 ? ": " + errno_text(-result) : std::string()),
        "see the kernel log (dmesg); as another user than root, srpd needs the right "
        "CAP_SYS_RAWIO");
  }
  PassThrough::Identity& identity = device.identity;
  identity.device_type = std::to_integer<std::uint8_t>(standard[0] & std::byte{0x1f});
  identity.vendor = trimmed(standard.subspan(8, 8));
  identity.product = trimmed(standard.subspan(16, 16));
  identity.revision = trimmed(standard.subspan(32, 4));
  const auto told = answer(device, sg_io, page_inquiry(0x80), data, result);
  if (told.size() > 4 && told[1] == std::byte{0x80}) {
    const std::size_t length = std::to_integer<std::size_t>(told[3]);
    identity.unit_serial = trimmed(told.subspan(4, std::min(length, told.size() - 4)));
  }
  identity.designators = parse_designators(answer(device, sg_io, page_inquiry(0x83), data, result));
  return {};
}

std::uint64_t disk_size(const std::string& folder, std::uint32_t block_size) {
  const std::string name = first_in(folder + "/block");
  if (name.empty()) return 0;
  return number_in(folder + "/block/" + name + "/size", 0) * 512 / block_size * block_size;
}

void read_limits(OpenedDevice& device, const std::string& folder) {
  device.folder = folder;
  Properties& properties = device.properties;
  properties.queue_depth = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(number_in(folder + "/queue_depth", 1), UINT32_MAX));
  std::uint64_t most = cautious_transfer;
  if (const std::string name = first_in(folder + "/block"); !name.empty()) {
    const std::string block = folder + "/block/" + name;
    const std::uint64_t sectors = number_in(block + "/queue/max_hw_sectors_kb", 128) * 1024;
    // A piece of memory that begins at a page takes a segment for each.
    const std::uint64_t segments = number_in(block + "/queue/max_segments", 32) * page;
    most = std::min(sectors, segments);
    const std::uint64_t logical = number_in(block + "/queue/logical_block_size", 512);
    if (std::has_single_bit(logical) && logical >= 512 && logical <= page)
      properties.block_size = static_cast<std::uint32_t>(logical);
    device.size = disk_size(folder, properties.block_size);
  } else if (int bytes = 0; ::ioctl(device.fd, BLKSECTGET, &bytes) == 0 && bytes > 0) {
    most = static_cast<std::uint64_t>(bytes);  // of an sg node: in bytes
  }
  properties.physical_block_size = properties.block_size;
  properties.max_transfer_bytes = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(most / page * page, page, runtime::BufferPool::largest));
  properties.optimal_transfer_bytes = properties.max_transfer_bytes;
}

Expected<std::unique_ptr<Backstore>> open_pscsi(const Specification& specification,
                                                runtime::Loop&) {
  const auto place = find_scsi_device(specification, "/sys");
  if (!place) return tl::make_unexpected(place.error());
  struct stat status{};
  int flags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
  // As LIO: a disk is claimed, so that nothing mounts it meanwhile.
  if (::stat(place->node.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
      number_in(place->folder + "/type", 0) == 0)
    flags |= O_EXCL;
  const int fd = open_unless_busy(place->node, flags);
  if (fd < 0) return open_failed(specification, -fd);
  Descriptor descriptor(fd);
  OpenedDevice device;
  device.fd = fd;
  device.name = specification.name.empty() ? specification.path : specification.name;
  device.path = specification.path;
  device.properties.plugin = "pscsi";
  device.properties.read_only = specification.read_only;
  if (auto known = inquire(device, sg_io); !known) return tl::make_unexpected(known.error());
  read_limits(device, place->folder);
  descriptor.take();
  return std::make_unique<PscsiStore>(std::move(device), sg_io);
}

}  // namespace srpd::store
