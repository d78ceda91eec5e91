// srp connect: logs the kernel's initiator in, and shows the disks that appear.
#include "attach.h"

#include <fmt/core.h>

#include "initiator/identity.h"
#include "kernel/login.h"

namespace srpd::cli {
namespace {

struct Options {
  std::vector<std::string> targets;
  std::vector<std::string> settings;
  std::string device;
  bool all_addresses = false;
  double wait_s = 15;
  FindOptions find;
};

/// What the target arguments say: strings for add_target as they are, the rest is looked for.
struct Wishes {
  std::vector<kernel::LoginString> logins;
  std::vector<std::string> targets;
  bool everything = false;
};

Expected<Wishes> sort(const std::vector<std::string>& targets) {
  Wishes wishes;
  for (const std::string& target : targets) {
    if (target == "all") {
      wishes.everything = true;
    } else if (target.find('=') != std::string::npos) {
      const auto login = kernel::parse_login_string(target);
      if (!login) return tl::make_unexpected(login.error());
      wishes.logins.push_back(*login);
    } else {
      wishes.targets.push_back(target);
    }
  }
  return wishes;
}

void add_found(const Findings& findings, bool all_addresses,
               std::vector<kernel::LoginString>& logins) {
  for (const Error& problem : findings.problems) fail(problem, no_connection);
  for (const Unit& unit : findings.units) {
    for (kernel::LoginString& login : logins_of(unit, all_addresses))
      logins.push_back(std::move(login));
  }
}

/// Null: all was found, or the exit code.
Expected<std::vector<kernel::LoginString>> find(const Common& common, const Options& options,
                                                const Wishes& wishes, bool& complete) {
  std::vector<kernel::LoginString> logins = wishes.logins;
  const auto transport = make_transport(common);
  if (!transport) return tl::make_unexpected(transport.error());
  const auto loop = runtime::make_loop({});
  if (!loop) return tl::make_unexpected(loop.error());
  Finder finder(common, options.find, **loop, **transport);
  if (!wishes.targets.empty()) {
    const Findings named = finder.at(wishes.targets);
    complete = named.problems.empty();
    add_found(named, options.all_addresses, logins);
  }
  if (wishes.everything) add_found(finder.everything(), options.all_addresses, logins);
  return logins;
}

int connect_one(const Options& options, const kernel::Files& files,
                const kernel::LoginString& login) {
  const auto port = kernel::port_for(files, login, options.device, kernel::route_to);
  if (!port) return fail(port.error(), no_connection);
  const auto done = kernel::log_in(files, login, *port);
  if (!done) return fail(done.error(), no_connection);
  fmt::print("{}: {} as host{} through {}\n", login.place(),
             done->already ? "already logged in" : "logged in", done->host, port->name);
  const auto disks = kernel::wait_for_disks(
      files, done->host, std::chrono::milliseconds(static_cast<int>(options.wait_s * 1000)));
  fmt::print("{}", disk_lines(disks));
  if (disks.empty())
    fmt::print("  no disk for this host; see who may use which LUN at the target\n");
  return success;
}

int connect_all(const Common& common, const Options& options) {
  std::vector<kernel::LoginString::Option> settings;
  for (const std::string& text : options.settings) {
    const auto parsed = kernel::parse_login_options(text);
    if (!parsed) return fail(parsed.error(), usage_error);
    settings.insert(settings.end(), parsed->begin(), parsed->end());
  }
  const auto wishes = sort(options.targets);
  if (!wishes) return fail(wishes.error(), usage_error);
  const kernel::Files files;
  // Before anybody is asked: most mistakes are of this kind.
  if (const auto ports = kernel::srp_ports(files); !ports)
    return fail(ports.error(), no_connection);
  bool complete = true;
  auto logins = find(common, options, *wishes, complete);
  if (!logins) return fail(logins.error(), no_connection);
  if (logins->empty() && complete)
    return fail({"srp connect", "no target announces itself here", "name a host"}, no_connection);
  int code = complete ? success : no_connection;
  for (kernel::LoginString& login : *logins) {
    login.options.insert(login.options.end(), settings.begin(), settings.end());
    if (const int failed = connect_one(options, files, login); failed != success) code = failed;
  }
  return code;
}

}  // namespace

std::string disk_lines(const std::vector<kernel::Disk>& disks) {
  std::string text;
  for (const kernel::Disk& disk : disks) {
    text +=
        fmt::format("  LUN {:<3} {:<6} {:>9}  {} {}", disk.lun, disk.name.empty() ? "-" : disk.name,
                    size_text(disk.bytes), disk.vendor, disk.model);
    if (!disk.by_id.empty()) text += "  " + disk.by_id;
    text += "\n";
  }
  return text;
}

Action add_connect(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("TARGET", options->targets,
                 "HOST[:PORT], a URL, a string as `srp discover -c` prints it, or all")
      ->required();
  app.add_option("-o,--option", options->settings,
                 "For ib_srp: queue_size=64,ch_count=4 and so on; repeatable")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  app.add_option("--device", options->device,
                 "The RDMA device to use, DEVICE or DEVICE:PORT (default: by the route)");
  app.add_flag("--all-addresses", options->all_addresses,
               "Log in at every address of a target, for multipath through several RDMA ports");
  app.add_option("--wait", options->wait_s, "Seconds to wait for the disks")->capture_default_str();
  add_find_options(app, options->find);
  app.footer(
      "Makes the kernel's initiator ib_srp log in, and shows the disks that appear. Needs root,\n"
      "the module ib_srp and an RDMA device, which the software iWARP of the kernel (siw) makes "
      "of\n"
      "any network interface. `srp daemon` does the same at every start, and again when needed.");
  return [options, &common] { return connect_all(common, *options); };
}

}  // namespace srpd::cli
