#include "srpd/options.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstddef>
#include <map>
#include <optional>

namespace srpd::app {
namespace {

using control::DiskKind;

constexpr int usage_error = 2;

constexpr const char* description =
    "srpd serves disks to SCSI RDMA Protocol (SRP) initiators over plain TCP networks (iWARP in\n"
    "software): no kernel module, no RDMA card, no root. Over RDMA cards as well, if there are "
    "any.\n\n"
    "  srpd --ramdisk 256M --open                     a memory disk on loopback, for everybody\n"
    "  srpd --file /srv/disk.img:10G --allow 192.0.2.7 --listen 192.0.2.1\n"
    "  srpd --config /etc/target/saveconfig.json      what LIO's targetcli has saved\n"
    "  srpd --tree                                    what srpctl and targetcli say, from then "
    "on\n";

struct DiskFlag {
  DiskKind kind;
  const char* name;
  const char* value;
  const char* help;
};

constexpr std::array disk_flags{
    DiskFlag{DiskKind::ramdisk, "--ramdisk", "SIZE[,OPTION...]", "A disk in memory"},
    DiskFlag{DiskKind::file, "--file", "PATH[:SIZE][,OPTION...]",
             "A file as a disk; with a size, a missing file is made"},
    DiskFlag{DiskKind::null, "--null", "SIZE[,OPTION...]",
             "No storage: reads return zeroes, writes are dropped"},
    DiskFlag{DiskKind::block, "--block", "DEV[,OPTION...]",
             "A block device as a disk, with the limits and the cache it has"},
    DiskFlag{DiskKind::scsi, "--scsi", "DEV[,OPTION...]",
             "A SCSI device as it is, also a tape: a node, or HOST:CHANNEL:TARGET:LUN"},
};

using DiskFlagOptions = std::array<CLI::Option*, disk_flags.size()>;

DiskFlagOptions add_disk_flags(CLI::App& app,
                               std::array<std::vector<std::string>, disk_flags.size()>& values) {
  DiskFlagOptions options;
  for (std::size_t i = 0; i < disk_flags.size(); ++i) {
    const DiskFlag& flag = disk_flags[i];
    const std::string help =
        std::string(flag.help) + ". Options: " + std::string(control::disk_options(flag.kind));
    options[i] = app.add_option(flag.name, values[i], help)
                     ->type_name(flag.value)
                     ->expected(1)
                     ->take_all()
                     ->group("Disks (LUN 0, 1, ... in the order given)");
  }
  return options;
}

/// CLI11 gathers values by flag; LUN numbers follow the order over all of them.
std::vector<DiskOption> in_order(
    const CLI::App& app, const DiskFlagOptions& flags,
    const std::array<std::vector<std::string>, disk_flags.size()>& values) {
  std::vector<DiskOption> disks;
  std::array<std::size_t, disk_flags.size()> taken{};
  for (const CLI::Option* const option : app.parse_order()) {
    for (std::size_t i = 0; i < flags.size(); ++i) {
      if (option == flags[i] && taken[i] < values[i].size())
        disks.push_back({disk_flags[i].kind, values[i][taken[i]++]});
    }
  }
  return disks;
}

void add_access_flags(CLI::App& app, Options& options) {
  const char* const group = "Access";
  app.add_option(
         "--listen", options.listen,
         "Where to listen; repeatable (default 127.0.0.1:5555, or the sockets passed by "
         "systemd). ADDR[:PORT]: iWARP in software, over TCP. rdma:ADDR[:PORT]: adapters, "
         "through RDMA/CM over IP (rdma:* for all of them). ib[:PORT]: InfiniBand without "
         "IP. ibcm:ID: InfiniBand at a service ID of 16 hex digits, on ports that ib_cm leaves "
         "to srpd. fd:NAME: iWARP on the passed sockets of this FileDescriptorName")
      ->type_name("[rdma:]ADDR[:PORT]|ib[:PORT]|ibcm:ID[@DEVICE]|fd:NAME")
      ->expected(1)
      ->take_all()
      ->group(group);
  app.add_option("--allow", options.allow,
                 "Who may log in: an IP address or an initiator port identifier; repeatable")
      ->type_name("INITIATOR")
      ->expected(1)
      ->take_all()
      ->group(group);
  app.add_flag("--open", options.open, "Whoever reaches the port may log in, read and write")
      ->group(group);
  app.add_option("--target-name", options.target_name,
                 "Target port identifier: 32 hex digits, or a GUID (default: from this machine)")
      ->group(group);
  app.add_option("--device-management", options.device_management,
                 "Answer InfiniBand hosts that look for targets: auto (with an InfiniBand\n"
                 "listener), off, or always, with this port or service ID as where to log in")
      ->type_name("auto|off|PORT|0xID")
      ->group(group);
}

void add_discovery_flags(CLI::App& app, Options& options) {
  const char* const group = "Discovery (docs/discovery.md)";
  app.add_option("--discovery-port", options.discovery_port,
                 "Port of the discovery service (default: the one after that of --listen)")
      ->type_name("PORT")
      ->group(group);
  app.add_flag_callback(
         "--no-discovery", [&options] { options.discovery = false; },
         "Do not tell hosts what there is to log in to")
      ->excludes("--discovery-port")
      ->group(group);
  CLI::Option* const announce =
      app.add_flag_callback(
             "--announce", [&options] { options.announce = Announce::always; },
             "Announce the targets by multicast DNS even where only this machine reaches them")
          ->group(group);
  app.add_flag_callback(
         "--no-announce", [&options] { options.announce = Announce::never; },
         "Do not announce the targets by multicast DNS")
      ->excludes(announce)
      ->group(group);
}

void add_tuning_flags(CLI::App& app, Options& options, std::optional<int>& poll_us) {
  using Backend = runtime::LoopOptions::Backend;
  const char* const group = "Tuning";
  app.add_option("--loops", options.loops,
                 "Event loops, one thread each (default: one for each CPU, at most 4)")
      ->check(CLI::Range(1, 256))
      ->group(group);
  app.add_option("--cpu", options.cpus, "CPUs for the loops, one each: 2,3")
      ->delimiter(',')
      ->group(group);
  app.add_option("--backend", options.loop.backend, "automatic, io_uring or epoll")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, Backend>{{"automatic", Backend::automatic},
                                                                 {"io_uring", Backend::io_uring},
                                                                 {"epoll", Backend::epoll}},
                                  CLI::ignore_case))
      ->group(group);
  app.add_option("--poll-us", poll_us,
                 "How long a loop looks for work before it sleeps, in microseconds (default: what "
                 "some wake-ups cost on this machine)")
      ->check(CLI::Range(0, 1'000'000))
      ->group(group);
}

void add_service_flags(CLI::App& app, Options& options, unsigned& stop_timeout_s) {
  app.add_option("--stop-timeout", stop_timeout_s,
                 "Seconds that hosts and disks have after SIGTERM to finish; then srpd ends anyway "
                 "(default " +
                     std::to_string(options.stop_timeout.count()) + ")")
      ->check(CLI::Range(1, 3600))
      ->group("Service");
  app.add_option(
         "--metrics", options.metrics,
         "Answer Prometheus (GET /metrics) at this TCP port, of 127.0.0.1 unless an address "
         "stands in front, or at a Unix socket")
      ->type_name("[ADDR:]PORT|PATH")
      ->group("Service");
}

/// What the kernel's target calls its module and configfs parameters, under the same names.
struct KernelNames {
  std::uint32_t max_req_size = 0;
  std::uint16_t rdma_cm_port = 0;
  std::string service_guid;
};

void add_kernel_names(CLI::App& app, Options& options, KernelNames& names) {
  const char* const group = "By ib_srpt's names";
  app.add_option("--rdma_cm_port", names.rdma_cm_port, "The same as --listen rdma:*:PORT")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535))
      ->group(group);
  app.add_option("--srp_max_req_size", names.max_req_size,
                 "Longest SRP request taken, and size of the shared receive buffers, in bytes")
      ->check(CLI::Range(256, 65536))
      ->group(group);
  app.add_option("--srpt_srq_size", options.verbs.shared_receives,
                 "Most receive buffers that the hosts of an adapter share, for each loop (default "
                 "4095; 0: every connection has its own)")
      ->check(CLI::Range(0, 32767))
      ->group(group);
  app.add_option("--srpt_service_guid", names.service_guid,
                 "The same as --target-name with this GUID, for which 0x may stand in front")
      ->excludes(app.get_option("--target-name"))
      ->group(group);
}

void apply(const KernelNames& names, Options& options) {
  if (names.rdma_cm_port != 0)
    options.listen.push_back("rdma:*:" + std::to_string(names.rdma_cm_port));
  if (names.max_req_size != 0)
    options.max_request_iu = options.verbs.shared_receive_size = names.max_req_size;
  if (names.service_guid.empty()) return;
  const bool prefixed = names.service_guid.starts_with("0x");
  options.target_name = prefixed ? names.service_guid.substr(2) : names.service_guid;
}

}  // namespace

void adopt(const control::FabricSettings& settings, Options& options) {
  if (settings.rdma_cm_port.value_or(0) != 0 && options.listen.empty())
    options.listen.push_back("rdma:*:" + std::to_string(*settings.rdma_cm_port));
  if (settings.srp_max_req_size && options.max_request_iu == 0)
    options.max_request_iu = options.verbs.shared_receive_size = *settings.srp_max_req_size;
  if (settings.srpt_srq_size && !options.srq_size_given)
    options.verbs.shared_receives = *settings.srpt_srq_size;
}

tl::expected<Options, Exit> parse_command_line(int argc, const char* const* argv) {
  Options options;
  std::array<std::vector<std::string>, disk_flags.size()> disk_values;
  std::optional<int> poll_us;
  auto stop_timeout_s = static_cast<unsigned>(options.stop_timeout.count());
  CLI::App app(description, "srpd");
  app.set_version_flag("--version", "srpd " SRPD_VERSION);
  const DiskFlagOptions disks = add_disk_flags(app, disk_values);
  CLI::Option* const config =
      app.add_option("--config", options.config, "Serve what this saveconfig.json of LIO says")
          ->type_name("FILE");
  CLI::Option* const tree =
      app.add_option("--tree", options.tree,
                     "Serve what LIO's tree says, which is mounted here (default "
                     "/run/srpd/tree) for srpctl and, by srpctl ns, for targetcli")
          ->type_name("DIRECTORY")
          ->expected(0, 1);
  app.add_option("--control", options.control,
                 "With --tree: the socket that srpctl asks (default /run/srpd/srpd.sock)")
      ->type_name("SOCKET")
      ->needs(tree);
  app.add_option("--control-group", options.control_group,
                 "With --tree: members of this group may ask there, too: they can do whatever "
                 "srpctl can")
      ->type_name("GROUP")
      ->needs(tree);
  app.add_option("--state", options.state,
                 "The folder of what outlives srpd: registrations of hosts, target/pr/, and with "
                 "--tree the saved configuration, target/saveconfig.json (default /var/lib/srpd)")
      ->type_name("DIRECTORY");
  app.add_option("--profile", options.profile,
                 "With --tree: the kernel whose tree it is, 6.1 or 6.12, which has more attributes "
                 "(default: what comes closest to the kernel of this machine)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, lio::Profile>{
          {"6.1", lio::Profile::linux_6_1}, {"6.12", lio::Profile::linux_6_12}}))
      ->type_name("KERNEL")
      ->needs(tree);
  app.add_flag("--check-config", options.check_config,
               "Say what would not be served, create nothing, and end (0: all is well)");
  app.add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, log::Level>{{"debug", log::Level::debug},
                                            {"info", log::Level::info},
                                            {"warning", log::Level::warning},
                                            {"error", log::Level::error}},
          CLI::ignore_case));
  app.add_option("--log-format", options.log_format,
                 "text, or for machines json or logfmt: an object or key=value pairs in each line")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, log::Format>{{"text", log::Format::text},
                                             {"json", log::Format::json},
                                             {"logfmt", log::Format::logfmt}},
          CLI::ignore_case));
  add_access_flags(app, options);
  add_discovery_flags(app, options);
  add_tuning_flags(app, options, poll_us);
  add_service_flags(app, options, stop_timeout_s);
  KernelNames kernel_names;
  add_kernel_names(app, options, kernel_names);
  for (CLI::Option* const disk : disks) {
    config->excludes(disk);
    tree->excludes(disk);
  }
  tree->excludes(config)->excludes("--check-config");
  for (const char* const flag : {"--allow", "--open", "--target-name", "--srpt_service_guid"})
    for (CLI::Option* const each : {config, tree}) each->excludes(app.get_option(flag));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return tl::make_unexpected(Exit{app.exit(error) == 0 ? 0 : usage_error});
  }
  apply(kernel_names, options);
  options.manage = tree->count() != 0;
  if (options.tree.empty()) options.tree = mount::default_directory;
  options.srq_size_given = app.count("--srpt_srq_size") != 0;
  options.disks = in_order(app, disks, disk_values);
  options.stop_timeout = std::chrono::seconds(stop_timeout_s);
  if (poll_us) options.loop.poll_budget = std::chrono::microseconds(*poll_us);
  return options;
}

}  // namespace srpd::app
