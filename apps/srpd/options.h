// The command line of srpd.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "control/disk_text.h"
#include "control/model.h"
#include "lio/profile.h"
#include "mount/mount.h"
#include "ns/state.h"
#include "rpc/server.h"
#include "runtime/loop.h"
#include "transport/verbs/options.h"

namespace srpd::app {

inline constexpr std::uint16_t default_port = 5555;

/// A --ramdisk, --file, --null or --block, as written.
struct DiskOption {
  control::DiskKind kind;
  std::string text;
};

/// Announcement by multicast DNS.
enum class Announce { if_reachable, always, never };

struct Options {
  std::vector<DiskOption> disks;  ///< in order of appearance: LUN 0, 1, ...
  std::string config;             ///< a saveconfig.json instead of disks
  bool manage = false;            ///< --tree: what LIO's tree says, instead of disks or a file
  std::string tree = mount::default_directory;
  std::string control = rpc::default_socket;         ///< where srpctl asks, with a tree
  std::string control_group;                         ///< who may ask there; empty: only its user
  std::string state = ns::default_state_directory;   ///< where what outlives srpd is
  lio::Profile profile = lio::profile_of_machine();  ///< whose tree is shown
  std::vector<std::string> listen;
  std::vector<std::string> allow;
  bool open = false;
  bool check_config = false;
  std::string target_name;
  std::string device_management = "auto";       ///< or "off", a port, or 0x and a service ID
  std::uint32_t max_request_iu = 0;             ///< 0: the target's default
  bool discovery = true;                        ///< the discovery service
  std::optional<std::uint16_t> discovery_port;  ///< 0: the kernel's choice
  Announce announce = Announce::if_reachable;   ///< by others than this machine
  unsigned loops = 0;                           ///< 0: see Loops::start()
  std::vector<unsigned> cpus;
  runtime::LoopOptions loop;
  transport::verbs::VerbsOptions verbs;
  bool srq_size_given = false;            ///< on the command line
  std::string metrics;                    ///< where Prometheus asks; empty: nowhere
  std::chrono::seconds stop_timeout{10};  ///< for hosts to take their goodbye
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::text;
};

/// The exit status when there is nothing more to do: --help, --version, or a mistake, which is
/// explained on standard error.
struct Exit {
  int status;
};
tl::expected<Options, Exit> parse_command_line(int argc, const char* const* argv);

/// A service starts before its network does. On a command line somebody waits, who would rather
/// hear of a mistyped address.
inline bool waits_for_addresses(const Options& options) {
  return options.manage || !options.config.empty();
}

/// What a saved configuration says by ib_srpt's names, where the command line says nothing.
void adopt(const control::FabricSettings& settings, Options& options);

}  // namespace srpd::app
