// What the machine that srpd runs on says: read only, and nothing that is missing is an error.
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "srpctl/diagnosis.h"

namespace srpd::ctl {
namespace {

/// Of a process: the soft limit of /proc/PID/limits; nothing where there is none.
std::optional<std::uint64_t> memlock_of(int pid) {
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  const std::string wanted = "Max locked memory";
  for (std::string line; std::getline(limits, line);) {
    if (!line.starts_with(wanted)) continue;
    std::uint64_t bytes = 0;
    std::istringstream rest(line.substr(wanted.size()));
    if (rest >> bytes) return bytes;
  }
  return std::nullopt;
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

}  // namespace

Machine look_at_machine(int pid) {
  std::error_code error;
  Machine machine;
  machine.kernel_target = std::filesystem::exists("/sys/module/ib_srpt", error);
  if (pid > 0) machine.memlock_bytes = memlock_of(pid);
  machine.firewall = output_of("PATH=$PATH:/usr/sbin:/sbin nft list ruleset 2>/dev/null");
  return machine;
}

}  // namespace srpd::ctl
