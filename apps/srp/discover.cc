// srp discover: which targets there are, in the words of ibsrpdm.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "command.h"
#include "find.h"
#include "lun_table.h"

namespace srpd::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> targets;
  FindOptions find;
  bool logins = false;
  bool luns = false;
  bool json = false;
};

std::string hex(std::uint64_t value) { return fmt::format("{:016x}", value); }

Json json_of(const discovery::Controller& controller) {
  Json services = Json::array();
  for (const discovery::Service& service : controller.services)
    services.push_back({{"name", service.name}, {"id", hex(service.id)}});
  return {{"guid", hex(controller.guid)},
          {"vendor", controller.vendor},
          {"device", controller.device},
          {"io_class", fmt::format("{:04x}", controller.io_class)},
          {"send_size", controller.send_size},
          {"id", controller.id},
          {"services", services}};
}

Json json_of(const directory::Listener& listener) {
  if (listener.form == directory::LoginForm::rdma_cm)
    return {{"form", "rdma_cm"},
            {"address", directory::ip_text(listener.address)},
            {"port", listener.port},
            {"transport", listener.transport},
            {"device", listener.device}};
  return {{"form", "ib_cm"},
          {"dgid", discovery::hex(listener.address)},
          {"pkey", fmt::format("{:04x}", listener.pkey)},
          {"service_id", hex(listener.service_id)},
          {"transport", listener.transport},
          {"device", listener.device}};
}

Json json_of(const Unit& unit) {
  Json controllers = Json::object();
  for (const auto& [slot, controller] : unit.listing.unit.controllers)
    controllers[std::to_string(slot)] = json_of(controller);
  Json listeners = Json::array();
  for (const auto& listener : unit.listing.listeners) listeners.push_back(json_of(listener));
  Json logins = Json::array();
  for (const auto& line : directory::login_lines(unit.listing)) logins.push_back(line.text);
  return {{"found_at", unit.where},
          {"node", unit.listing.node},
          {"software", unit.listing.software},
          {"change_id", unit.listing.unit.change_id},
          {"max_controllers", unit.listing.unit.max_controllers},
          {"controllers", controllers},
          {"listeners", listeners},
          {"add_target", logins}};
}

void print_json(const Findings& findings) {
  Json units = Json::array(), problems = Json::array();
  for (const Unit& unit : findings.units) units.push_back(json_of(unit));
  for (const Error& problem : findings.problems)
    problems.push_back(
        {{"object", problem.object}, {"cause", problem.cause}, {"remedy", problem.remedy}});
  fmt::print("{}\n", Json{{"units", units}, {"problems", problems}}.dump(
                         2, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// One URL for each target of the units: where it was found.
std::vector<std::string> urls_of(const Findings& findings) {
  std::vector<std::string> urls;
  for (const Unit& unit : findings.units) {
    // Our own initiator logs in over IP.
    if (unit.listing.listeners.front().form != directory::LoginForm::rdma_cm) continue;
    const auto logins = discovery::logins(unit.listing.unit);
    for (const discovery::Login& login : logins) {
      std::string url = "srp://" + directory::address_text(unit.listing.listeners.front()) + "/";
      if (logins.size() > 1) url += hex(login.id_ext) + hex(login.ioc_guid) + "/";
      urls.push_back(std::move(url));
    }
  }
  return urls;
}

int print_luns(const Common& common, const Findings& findings) {
  int code = success;
  for (const std::string& url : urls_of(findings)) {
    if (const int failed = print_lun_table(common, url); failed != success) code = failed;
  }
  return code;
}

int print(const Common& common, const Options& options, const Findings& findings) {
  if (options.json) {
    print_json(findings);
    return success;
  }
  for (const Error& problem : findings.problems) fmt::print(stderr, "srp: {}\n", problem.text());
  if (options.luns) return print_luns(common, findings);
  for (const Unit& unit : findings.units) {
    if (!options.logins) fmt::print("{}", directory::block(unit.listing));
    if (options.logins)
      for (const auto& line : directory::login_lines(unit.listing)) fmt::print("{}\n", line.text);
  }
  return success;
}

int discover(const Common& common, const Options& options) {
  const auto transport = make_transport(common);
  if (!transport) return fail(transport.error(), usage_error);
  const auto loop = runtime::make_loop({});
  if (!loop) return fail(loop.error(), no_connection);
  Finder finder(common, options.find, **loop, **transport);
  const bool everything = options.targets.empty();
  const Findings findings = everything ? finder.everything() : finder.at(options.targets);
  const int printed = print(common, options, findings);
  if (everything && findings.units.empty() && findings.problems.empty() && !options.json)
    fmt::print(stderr, "srp: no target announces itself here; name a host: srp discover HOST\n");
  const bool failed = findings.units.empty() || (!everything && !findings.problems.empty());
  return failed ? no_connection : printed;
}

}  // namespace

Action add_discover(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("HOST", options->targets, "HOST[:PORT] of a target, or a URL; none: everything");
  app.add_flag("-c,--logins", options->logins,
               "Print what the kernel's ib_srp takes in add_target instead");
  app.add_flag("-l,--luns", options->luns,
               "Log in, and list the disks that each target shows to this initiator");
  app.add_flag("--json", options->json, "Print everything as JSON")->excludes("-c")->excludes("-l");
  add_find_options(app, options->find);
  app.footer(
      "Asks the discovery service of each HOST and prints the answer as ibsrpdm does. Without a\n"
      "HOST, asks all that announce themselves by multicast DNS (through avahi-daemon or\n"
      "systemd-resolved), and all InfiniBand ports that ibsrpdm would find. Where no discovery "
      "service answers, logs in to learn the target's name.");
  return [options, &common] { return discover(common, *options); };
}

}  // namespace srpd::cli
