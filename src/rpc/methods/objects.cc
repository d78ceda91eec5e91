// What there is and how it is, in few words.
#include "control/objects.h"

#include <cerrno>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "control/reservation_list.h"
#include "control/resize.h"
#include "rpc/methods.h"
#include "rpc/paths.h"
#include "rpc/services.h"

namespace srpd::rpc {
namespace {

std::vector<Error> waiting_of(const Services& services) {
  return services.waiting ? services.waiting() : std::vector<Error>();
}

std::string object_of(const Json& backstore) {
  return "/backstores/" + backstore["plugin"].get<std::string>() + "/" +
         backstore["name"].get<std::string>();
}

Answer<Json> objects(Services& services, const Arguments&) {
  Json all = control::objects(services.tree);
  std::set<std::string> waiting;
  for (const Error& each : waiting_of(services)) waiting.insert(each.object);
  for (Json& each : all["backstores"]) each["waiting"] = waiting.contains(object_of(each));
  return all;
}

Answer<Json> reservations(Services& services, const Arguments&) {
  return control::reservations(services.tree);
}

Json problem(const std::string& object, std::string cause, std::string remedy) {
  return json_of(Error{object, std::move(cause), std::move(remedy)});
}

/// What is configured and cannot be used.
Json problems_of(const Json& all) {
  Json problems = Json::array();
  for (const Json& device : all["backstores"])
    if (!device["enabled"])
      problems.push_back(problem(object_of(device), "it is not enabled: no host can use it",
                                 "'srpctl doctor' says why; or delete it"));
  for (const Json& target : all["targets"])
    for (const Json& tpg : target["tpgs"]) {
      const std::string name = "/srpt/" + target["wwn"].get<std::string>();
      if (!tpg["enabled"])
        problems.push_back(problem(name, "it is not enabled: no host can log in",
                                   "'srpctl set " + name + " enable=1'"));
      for (const Json& lun : tpg["luns"])
        if (lun["object"].is_null())
          problems.push_back(problem(name + "/luns/lun" + lun["index"].dump(),
                                     "no device is linked to it", "delete it, and make it anew"));
    }
  return problems;
}

/// Each port with its sessions.
Json ports_of(const Json& all, const Sessions& who) {
  Json ports = Json::array();
  for (const Json& target : all["targets"]) {
    const std::string name = target["path"].get<std::string>();
    const std::string directory = name.substr(name.rfind('/') + 1);
    std::size_t sessions = 0;
    for (const auto& session : who.sessions) sessions += session.port == directory ? 1 : 0;
    std::size_t luns = 0;
    std::size_t acls = 0;
    bool enabled = false;
    for (const Json& tpg : target["tpgs"]) {
      luns += tpg["luns"].size();
      acls += tpg["acls"].size();
      enabled = enabled || tpg["enabled"].get<bool>();
    }
    ports.push_back({{"wwn", target["wwn"]},
                     {"enabled", enabled},
                     {"luns", luns},
                     {"acls", acls},
                     {"sessions", sessions}});
  }
  return ports;
}

Json drained_of(Services& services) {
  const std::lock_guard lock(services.configuration);
  return services.drained;
}

/// What is configured and was not made, or hosts do not get.
Json failures_of(Services& services) {
  Json all = Json::array();
  {
    const std::lock_guard lock(services.configuration);
    for (const Error& each : services.not_restored) all.push_back(json_of(each));
  }
  if (services.unserved)
    for (const Error& each : services.unserved()) all.push_back(json_of(each));
  return all;
}

Answer<Json> status(Services& services, const Arguments&) {
  const Json all = control::objects(services.tree);
  const Sessions who = services.sessions();
  Json listening = Json::array();
  if (services.listening)
    for (const std::string& address : services.listening()) listening.push_back(address);
  std::uint64_t commands = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  for (const auto& session : who.sessions) {
    commands += session.commands;
    read_bytes += session.read_bytes;
    written_bytes += session.written_bytes;
  }
  Json waiting = Json::array();
  for (const Error& each : waiting_of(services)) waiting.push_back(json_of(each));
  Json problems = problems_of(all);
  if (services.troubles)
    for (const Error& each : services.troubles()) problems.push_back(json_of(each));
  const std::chrono::duration<double> running = std::chrono::steady_clock::now() - services.started;
  return Json{{"srpd", services.version},          {"seconds", running.count()},
              {"listening", std::move(listening)}, {"waiting", std::move(waiting)},
              {"drained", drained_of(services)},   {"backstores", all["backstores"].size()},
              {"ports", ports_of(all, who)},       {"sessions", who.sessions.size()},
              {"refusals", who.refusals.size()},   {"commands", commands},
              {"read_bytes", read_bytes},          {"written_bytes", written_bytes},
              {"failures", failures_of(services)}, {"problems", std::move(problems)}};
}

Answer<void> enable(tree::Tree& tree, const std::string& tpg, const char* value) {
  const auto id = tree.resolve(tpg + "/enable");
  const auto written = id ? tree.write(*id, value) : tl::unexpected(id.error());
  if (!written) return refused(written.error(), tpg);
  return {};
}

/// Of all targets, or of one.
Answer<std::vector<std::string>> tpgs_of(const Services& services, const Arguments& arguments) {
  std::vector<std::string> paths;
  const std::string wanted = arguments.text("target");
  const Json all = control::objects(services.tree);
  for (const Json& target : all["targets"])
    if (wanted.empty() || target["wwn"] == wanted)
      for (const Json& tpg : target["tpgs"]) paths.push_back(tpg["path"].get<std::string>());
  if (paths.empty() && !wanted.empty())
    return refused({wanted, "there is no such target", "'ls /srpt' lists them"}, ENOENT);
  return paths;
}

Answer<Json> drain(Services& services, const Arguments& arguments) {
  const bool on = !arguments.has("on") || arguments.flag("on");
  const auto paths = tpgs_of(services, arguments);
  if (!paths) return tl::unexpected(paths.error());
  const std::lock_guard lock(services.configuration);
  for (const std::string& path : *paths) {
    const auto id = services.tree.resolve(path + "/enable");
    const auto now = id ? services.tree.read(*id) : tl::unexpected(id.error());
    // One that was disabled anyway stays so afterwards.
    if (!now || (on ? *now != "1\n" : !services.drained.contains(path))) continue;
    if (const auto done = enable(services.tree, path, on ? "0\n" : "1\n"); !done)
      return tl::unexpected(done.error());
    if (on)
      services.drained.insert(path);
    else
      services.drained.erase(path);
  }
  return Json{{"drained", services.drained}};
}

tl::unexpected<Fault> no_backstore(const std::string& path) {
  return refused({path, "it is no backstore", "'objects' tells the paths of those there are"},
                 EINVAL);
}

Answer<Json> resize(Services& services, const Arguments& arguments) {
  const std::string path(inner_path(arguments.text("path")));
  if (!path.starts_with("target/core/")) return no_backstore(path);
  const std::int64_t bytes = arguments.number("size");
  if (arguments.has("size") && bytes <= 0)
    return fault(Code::invalid_parameters, "resize: 'size' is not a positive number of bytes");
  const auto id = resolve(services.tree, path);
  if (!id) return tl::unexpected(id.error());
  const std::lock_guard lock(services.configuration);
  const auto resized = control::resize(services.tree, *id, static_cast<std::uint64_t>(bytes),
                                       arguments.flag("force"));
  if (!resized) return refused(resized.error(), control::backstore_name(path));
  Json problems = Json::array();
  const auto saved = services.saved == nullptr
                         ? Expected<bool>(false)
                         : control::save_size(services.tree, path, *services.saved);
  if (!saved) problems.push_back(json_of(saved.error()));
  return Json{{"from", resized->from},
              {"size", resized->to},
              {"saved", saved.value_or(false)},
              {"problems", std::move(problems)}};
}

constexpr Method methods[] = {
    {.name = "objects",
     .summary = "Backstores and targets with their LUNs and ACLs, in few words for each",
     .result = "backstores and targets",
     .call = objects},
    {.name = "reservations",
     .summary = "The backstores that hosts have reserved or registered at, and who they are",
     .result = "of each: object, holder, type, generation, persists, registrations",
     .call = reservations},
    {.name = "status",
     .summary = "How the daemon is: its ports, sessions and what is wrong",
     .result = "srpd, seconds, listening, waiting, drained, backstores, ports, sessions, refusals, "
               "commands, read_bytes, written_bytes (of those sessions), failures, problems",
     .call = status},
    {.name = "drain",
     .summary = "End the sessions and refuse logins by writing 0 to 'enable', until switched off",
     .result = "drained: the tpgs that wait to be enabled again",
     .call = drain,
     .parameters = {{{"target", Type::text, false, "its name as by objects; all without it"},
                     {"on", Type::boolean, false, "false: take logins again"}}}},
    {.name = "resize",
     .summary = "Give a backstore another size while hosts use it, here and in what is saved",
     .result = "from and size in bytes, saved: whether the saved configuration has it, problems",
     .call = resize,
     .parameters = {{{"path", Type::text, true, "of the backstore, as by objects"},
                     {"size", Type::number, false,
                      "bytes; without it the size that its file or device has now"},
                     {"force", Type::boolean, false, "shrink: hosts lose what they have beyond"}}}},
};

}  // namespace

std::span<const Method> object_methods() { return methods; }

}  // namespace srpd::rpc
