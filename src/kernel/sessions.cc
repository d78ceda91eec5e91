#include "kernel/sessions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

namespace srpd::kernel {
namespace {

constexpr std::string_view hosts_folder = "/sys/class/scsi_host";
constexpr std::string_view records_folder = "/run/srp";
constexpr std::string_view by_id_folder = "/dev/disk/by-id";
constexpr std::string_view direct_access = "0";  // SPC-4 table 139, peripheral device type
constexpr std::uint64_t sector = 512;            // of sysfs, whatever the disk's block size

std::optional<unsigned> host_number(std::string_view name) {
  unsigned number = 0;
  if (!name.starts_with("host")) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string record_path(const std::string& host_name) {
  return std::string(records_folder) + "/" + host_name;
}

/// Of a login through InfiniBand's CM: for others ib_srp refuses to read these attributes.
std::string place_in_sysfs(const Files& files, const std::string& folder) {
  const auto dgid = parse_gid(files.read(folder + "/dgid").value_or(""));
  const auto service = hexadecimal(files.read(folder + "/service_id").value_or(""));
  if (!dgid || !service) return {};
  const auto pkey = hexadecimal(files.read(folder + "/pkey").value_or("")).value_or(0xffff);
  LoginString login;
  login.path = InfinibandPath{*dgid, static_cast<std::uint16_t>(pkey), *service};
  return login.place();
}

/// Of a record that is about this session; host numbers are given again.
std::string remembered_place(const Files& files, const Session& session) {
  const auto record = files.read(record_path(session.host_name()));
  if (!record) return {};
  const auto login = parse_login_string(*record);
  if (!login || login->id_ext != session.id_ext || login->ioc_guid != session.ioc_guid) return {};
  return login->place();
}

std::optional<Session> session_of(const Files& files, const std::string& host_name) {
  const std::string folder = std::string(hosts_folder) + "/" + host_name;
  const auto number = host_number(host_name);
  const auto id_ext = hexadecimal(files.read(folder + "/id_ext").value_or(""));
  const auto ioc_guid = hexadecimal(files.read(folder + "/ioc_guid").value_or(""));
  if (!number || !id_ext || !ioc_guid) return std::nullopt;  // another kind of SCSI host
  Session session;
  session.host = *number;
  session.id_ext = *id_ext;
  session.ioc_guid = *ioc_guid;
  session.device = files.read(folder + "/local_ib_device").value_or("?") + ":" +
                   files.read(folder + "/local_ib_port").value_or("?");
  session.state =
      files.read(fmt::format("/sys/class/srp_remote_ports/port-{}:1/state", *number)).value_or("");
  session.place = place_in_sysfs(files, folder);
  if (session.place.empty()) session.place = remembered_place(files, session);
  return session;
}

/// udev's names for the block devices, best first: the one that says who the disk is.
std::map<std::string, std::string> names_by_id(const Files& files) {
  std::map<std::string, std::string> names;
  for (const std::string& id : files.list(by_id_folder)) {
    const std::string path = std::string(by_id_folder) + "/" + id;
    const auto block = files.link_name(path);
    if (!block) continue;
    std::string& name = names[*block];
    if (name.empty() || id.starts_with("wwn-")) name = path;
  }
  return names;
}

Disk disk_of(const Files& files, const std::string& folder) {
  Disk disk;
  disk.vendor = files.read(folder + "/vendor").value_or("");
  disk.model = files.read(folder + "/model").value_or("");
  const auto blocks = files.list(folder + "/block");
  if (blocks.empty()) return disk;
  const std::string size = files.read(folder + "/block/" + blocks[0] + "/size").value_or("0");
  std::uint64_t sectors = 0;
  std::from_chars(size.data(), size.data() + size.size(), sectors);
  disk.name = blocks[0];
  disk.bytes = sectors * sector;
  return disk;
}

}  // namespace

std::vector<Session> sessions(const Files& files) {
  std::vector<Session> found;
  for (const std::string& name : files.list(hosts_folder)) {
    if (auto session = session_of(files, name)) found.push_back(std::move(*session));
  }
  std::sort(found.begin(), found.end(),
            [](const Session& a, const Session& b) { return a.host < b.host; });
  return found;
}

std::vector<Disk> disks(const Files& files, unsigned host) {
  std::vector<Disk> found;
  const auto by_id = names_by_id(files);
  const std::string prefix = fmt::format("{}:", host);
  for (const std::string& name : files.list("/sys/class/scsi_device")) {
    const std::string folder = "/sys/class/scsi_device/" + name + "/device";
    if (!name.starts_with(prefix) || files.read(folder + "/type") != direct_access) continue;
    Disk disk = disk_of(files, folder);
    disk.lun = name.substr(name.rfind(':') + 1);
    if (const auto id = by_id.find(disk.name); id != by_id.end()) disk.by_id = id->second;
    found.push_back(std::move(disk));
  }
  std::sort(found.begin(), found.end(), [](const Disk& a, const Disk& b) {
    return std::pair(a.lun.size(), a.lun) < std::pair(b.lun.size(), b.lun);
  });
  return found;
}

void remember(const Files& files, unsigned host, const LoginString& login) {
  files.store(record_path(fmt::format("host{}", host)), login.text() + "\n");
}

void forget_gone(const Files& files) {
  for (const std::string& name : files.list(records_folder)) {
    if (host_number(name) && !files.exists(std::string(hosts_folder) + "/" + name))
      files.remove(record_path(name));
  }
}

}  // namespace srpd::kernel
