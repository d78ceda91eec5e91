// What the machine that srpd runs on says: read only, and nothing that is missing is an error.
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "srpctl/diagnosis.h"

namespace srpd::ctl {
namespace {

namespace fs = std::filesystem;

/// Of a process: the soft limit of /proc/PID/limits; nothing where there is none.
std::optional<std::uint64_t> limit_of(int pid, const std::string& wanted) {
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  for (std::string line; std::getline(limits, line);) {
    if (!line.starts_with(wanted)) continue;
    std::uint64_t number = 0;
    std::istringstream rest(line.substr(wanted.size()));
    if (rest >> number) return number;
  }
  return std::nullopt;
}

std::uint64_t open_files_of(int pid) {
  std::error_code error;
  const fs::directory_iterator files("/proc/" + std::to_string(pid) + "/fd", error);
  return error ? 0 : static_cast<std::uint64_t>(std::distance(begin(files), end(files)));
}

std::string output_of(const char* command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command, "r"), ::pclose);
  std::string out;
  std::array<char, 4096> buffer;
  std::size_t got = 0;
  while (pipe && (got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0)
    out.append(buffer.data(), got);
  return out;
}

std::string firewall() {
  const std::string path = "PATH=$PATH:/usr/sbin:/sbin ";
  const std::string rules = output_of((path + "nft list ruleset 2>/dev/null").c_str());
  return rules.empty() ? output_of((path + "iptables-save 2>/dev/null").c_str()) : rules;
}

/// The socket that listens at `port`, as /proc/PID/fd names it; empty where there is none.
std::string listening_socket(std::uint16_t port) {
  constexpr int listens = 0x0a;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    std::string line;
    std::getline(in, line);  // the head
    while (std::getline(in, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
          timeout >> inode;
      const std::size_t colon = local.find(':');
      if (inode.empty() || colon == std::string::npos) continue;
      if (std::stoi(state, nullptr, 16) == listens &&
          std::stoul(local.substr(colon + 1), nullptr, 16) == port)
        return "socket:[" + inode + "]";
    }
  }
  return {};
}

bool has_open(const fs::path& process, const std::string& file) {
  std::error_code error;
  for (fs::directory_iterator each(process / "fd", error), end; !error && each != end;
       each.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(each->path(), gone) == file) return true;
  }
  return false;
}

std::string owner_of(std::uint16_t port) {
  const std::string socket = listening_socket(port);
  std::error_code error;
  if (socket.empty()) return {};
  for (fs::directory_iterator each("/proc", error), end; !error && each != end;
       each.increment(error)) {
    const std::string pid = each->path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!has_open(each->path(), socket)) continue;
    std::string name;
    std::ifstream in(each->path() / "comm");
    std::getline(in, name);
    return name + " (process " + pid + ")";
  }
  return {};
}

std::string not_writable(const std::string& path) {
  struct statvfs disk{};
  const std::string folder = fs::path(path).parent_path();
  if (::statvfs(folder.c_str(), &disk) != 0) return {};
  if ((disk.f_flag & ST_RDONLY) != 0) return "the file system of " + folder + " is read-only";
  if (disk.f_bavail == 0) return "the file system of " + folder + " is full";
  if (disk.f_files != 0 && disk.f_favail == 0)
    return "the file system of " + folder + " has no inode left";
  return {};
}

}  // namespace

Machine look_at_machine(int pid) {
  std::error_code error;
  Machine machine;
  machine.kernel_target = fs::exists("/sys/module/ib_srpt", error);
  if (pid > 0) {
    machine.memlock_bytes = limit_of(pid, "Max locked memory");
    machine.file_limit = limit_of(pid, "Max open files");
    machine.open_files = open_files_of(pid);
  }
  machine.firewall = firewall();
  machine.owner_of = owner_of;
  machine.not_writable = not_writable;
  return machine;
}

}  // namespace srpd::ctl
