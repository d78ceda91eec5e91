// A machine with ib_srp, as files: what sysfs shows, and what the kernel does when somebody writes
// to it.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "kernel/files.h"
#include "kernel/login_string.h"
#include "kernel/route.h"

namespace srpd::kernel {

class FakeKernel {
 public:
  FakeKernel() {
    std::string pattern = testing::TempDir() + "srpd-kernel-XXXXXX";
    root = ::mkdtemp(pattern.data());
    put("/dev/kmsg", "6,1,1,-;old news\n");
  }
  ~FakeKernel() { std::filesystem::remove_all(root); }

  Files files() {
    return Files(root, [this](const std::string& path, std::string_view text) {
      return write(path.substr(root.size()), std::string(text));
    });
  }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path full = root + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void kernel_says(const std::string& text) {
    std::ofstream(root + "/dev/kmsg", std::ios::app) << "6,2,2,-;" << text << "\n";
  }

  /// An RDMA device with one port, known to ib_srp.
  void add_device(const std::string& name, const std::string& gid, const std::string& layer,
                  const std::string& state = "4: ACTIVE") {
    const std::string srp = "/sys/class/infiniband_srp/srp-" + name + "-1";
    put(srp + "/ibdev", name + "\n");
    put(srp + "/port", "1\n");
    put(srp + "/add_target", "");
    const std::string port = "/sys/class/infiniband/" + name + "/ports/1";
    put(port + "/link_layer", layer + "\n");
    put(port + "/state", state + "\n");
    put(port + "/gids/0", gid + "\n");
    put(port + "/gids/1", "0000:0000:0000:0000:0000:0000:0000:0000\n");
  }
  void add_interface(const std::string& name, const std::string& address) {
    put("/sys/class/net/" + name + "/address", address + "\n");
  }
  /// What ib_srp makes of a login.
  void add_host(unsigned number, const LoginString& login) {
    const std::string host = fmt::format("/sys/class/scsi_host/host{}", number);
    put(host + "/id_ext", fmt::format("0x{:016x}\n", login.id_ext));
    put(host + "/ioc_guid", fmt::format("0x{:016x}\n", login.ioc_guid));
    put(host + "/local_ib_device", through + "\n");
    put(host + "/local_ib_port", "1\n");
    if (login.path) {
      put(host + "/dgid", "fe80:0000:0000:0000:0000:0000:0000:0009\n");
      put(host + "/service_id", fmt::format("0x{:016x}\n", login.path->service_id));
      put(host + "/pkey", fmt::format("0x{:04x}\n", login.path->pkey));
    }
    put(fmt::format("/sys/class/srp_remote_ports/port-{}:1/state", number), "running\n");
    hosts[number] = login;
  }
  void add_disk(unsigned host, unsigned lun, const std::string& name, std::uint64_t sectors,
                const std::string& type = "0") {
    const std::string device = fmt::format("/sys/class/scsi_device/{}:0:0:{}/device", host, lun);
    put(device + "/type", type + "\n");
    put(device + "/vendor", "LIO-ORG \n");
    put(device + "/model", "ram0            \n");
    put(device + "/block/" + name + "/size", fmt::format("{}\n", sectors));
    put("/dev/" + name, "");
  }
  void remove_host(unsigned number) {
    std::filesystem::remove_all(root + fmt::format("/sys/class/scsi_host/host{}", number));
    hosts.erase(number);
  }

  /// To be overridden in effect: what the next writes to add_target return; 0 makes a host.
  int login_result = 0;
  std::string login_complaint;  ///< what the kernel says meanwhile
  std::vector<std::string> written;
  std::map<unsigned, LoginString> hosts;
  unsigned next_host = 2;
  std::string through = "siw0";  ///< the device of new hosts
  std::string root;

 private:
  int write(const std::string& path, const std::string& text) {
    written.push_back(path + " " + text);
    if (path.ends_with("/add_target")) return add_target(text);
    unsigned host = 0;
    if (std::sscanf(path.c_str(), "/sys/class/srp_remote_ports/port-%u:1/delete", &host) == 1) {
      if (hosts.count(host) == 0) return -ENOENT;
      remove_host(host);
      return 0;
    }
    return -EACCES;
  }
  int add_target(const std::string& text) {
    if (!login_complaint.empty()) kernel_says(login_complaint);
    if (login_result != 0) return login_result;
    const auto login = parse_login_string(text);
    if (!login) return -EINVAL;
    for (const auto& [number, other] : hosts) {
      if (other.id_ext == login->id_ext && other.ioc_guid == login->ioc_guid) return -EEXIST;
    }
    add_host(next_host++, *login);
    return 0;
  }
};

inline LoginString login_of(const std::string& text) {
  const auto login = parse_login_string(text);
  EXPECT_TRUE(login) << (login ? "" : login.error().text());
  return login.value_or(LoginString{});
}

/// A route through `interface` with the source address `ip`.
inline Route route_through(const std::string& interface, const std::string& ip) {
  Route route;
  route.interface = interface;
  route.source = parse_gid(ip).value();
  return route;
}

}  // namespace srpd::kernel
