// srpctl create: what targetcli makes at the same places, with the same parameters.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "command.h"
#include "control/identity.h"
#include "srpctl/node.h"
#include "srpctl/place.h"
#include "store/size_text.h"

namespace srpd::ctl {
namespace {

using Kind = Node::Kind;
using Values = std::map<std::string, std::string>;

constexpr const char* description =
    "  create /backstores/ramdisk NAME SIZE [nullio=true] [wwn=SERIAL]\n"
    "  create /backstores/fileio NAME FILE [SIZE] [write_back=false] [wwn=SERIAL]\n"
    "  create /backstores/block NAME DEVICE [readonly=true] [wwn=SERIAL]\n"
    "  create /backstores/pscsi NAME DEVICE\n"
    "  create /backstores/user NAME SIZE CONFIG [wwn=SERIAL]\n"
    "  create /backstores/PLUGIN/NAME/alua NAME ID\n"
    "  create /srpt [WWN]\n"
    "  create /srpt/WWN/luns /backstores/PLUGIN/NAME [LUN] [add_mapped_luns=false]\n"
    "  create /srpt/WWN/acls INITIATOR [add_mapped_luns=false]\n"
    "  create /srpt/WWN/acls/INITIATOR MAPPED_LUN LUN [write_protect=true]\n"
    "Values can be given by name: size=1G. A new LUN is mapped for all initiators that there are, "
    "and a new initiator gets all LUNs, unless add_mapped_luns says otherwise.";

/// What is to be made: a part of a saveconfig.json, and how it is called.
struct Making {
  Json config;
  std::string path;
};

const Node* ancestor(const Node& root, const Node& node, std::initializer_list<Kind> kinds) {
  const Node* found = nullptr;
  std::string path;
  for (std::size_t end = 1; end != std::string::npos && end <= node.path.size();) {
    end = node.path.find('/', end);
    const Node* const each = find_node(root, node.path.substr(0, end));
    if (each != nullptr && std::find(kinds.begin(), kinds.end(), each->kind) != kinds.end())
      found = each;
    if (end != std::string::npos) ++end;
  }
  return found;
}

Expected<std::uint64_t> number(const Values& values, const std::string& name) {
  const std::string& text = values.at(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return failure(name, "'" + printable(text) + "' is no number");
  return value;
}

Expected<void> need(const Values& values, std::initializer_list<const char*> names,
                    const std::string& object) {
  for (const char* name : names)
    if (!values.contains(name))
      return failure(object, std::string(name) + " is missing", "'srpctl create --help' shows how");
  return {};
}

Expected<void> put_flag(const Values& values, const std::string& name, Json& out) {
  if (!values.contains(name)) return {};
  const auto value = truth(values.at(name), name);
  if (!value) return tl::unexpected(value.error());
  out[name] = *value;
  return {};
}

struct Plugin {
  const char* name;
  std::vector<std::string> names;  ///< of parameters, in their order
  std::vector<const char*> required;
};

const Plugin& plugin_of(const std::string& name) {
  static const Plugin plugins[] = {
      {"ramdisk", {"name", "size", "nullio", "wwn"}, {"name", "size"}},
      {"fileio", {"name", "file_or_dev", "size", "write_back", "wwn"}, {"name", "file_or_dev"}},
      {"block", {"name", "dev", "readonly", "wwn"}, {"name", "dev"}},
      {"pscsi", {"name", "dev"}, {"name", "dev"}},
      {"user", {"name", "size", "config", "wwn"}, {"name", "size", "config"}}};
  return *std::find_if(std::begin(plugins), std::end(plugins),
                       [&](const Plugin& each) { return name == each.name; });
}

Expected<Making> make_device(const Node& place, const std::vector<std::string>& words) {
  const Plugin& plugin = plugin_of(place.name);
  const auto values = named_values(words, plugin.names, place.path);
  if (!values) return tl::unexpected(values.error());
  for (const char* name : plugin.required)
    if (auto there = need(*values, {name}, place.path); !there)
      return tl::unexpected(there.error());
  Json object{{"name", values->at("name")}, {"plugin", place.name}};
  if (values->contains("size")) {
    const auto size = store::parse_size(values->at("size"));
    if (!size) return tl::unexpected(size.error());
    object["size"] = *size;
  }
  for (const char* name : {"file_or_dev", "dev"})
    if (values->contains(name)) object["dev"] = values->at(name);
  for (const char* name : {"wwn", "config"})
    if (values->contains(name)) object[name] = values->at(name);
  if (place.name == "fileio") object["write_back"] = true;
  for (const char* name : {"nullio", "write_back", "readonly"})
    if (auto put = put_flag(*values, name, object); !put) return tl::unexpected(put.error());
  if (!object.contains("wwn") && place.name != "pscsi")
    object["wwn"] =
        control::derived_serial(control::machine_seed(), place.name + " " + values->at("name"));
  return Making{{{"storage_objects", {object}}}, place.path + "/" + values->at("name")};
}

Json in_target(const Node& target, const Node& tpg, Json part) {
  part["tag"] = tpg.kind == Kind::tpg ? std::stoul(tpg.name.substr(3)) : 1UL;
  return {{"targets",
           {{{"fabric", "srpt"}, {"wwn", target.name}, {"tpgs", Json::array({std::move(part)})}}}}};
}

Expected<Making> make_target(const Node& place, const std::vector<std::string>& words) {
  const auto values = named_values(words, {"wwn"}, place.path);
  if (!values) return tl::unexpected(values.error());
  std::string wwn = values->contains("wwn")
                        ? values->at("wwn")
                        : "ib." + control::hex(control::derived_port_id(control::machine_seed()));
  if (wwn.starts_with("0x")) wwn = "ib." + wwn.substr(2);
  Json tpg{{"tag", 1u}, {"enable", true}};
  return Making{{{"targets", {{{"fabric", "srpt"}, {"wwn", wwn}, {"tpgs", {tpg}}}}}},
                place.path + "/" + wwn};
}

std::uint64_t lowest_free(const Json& list) {
  std::set<std::int64_t> taken;
  for (const Json& each : list) taken.insert(each["index"].get<std::int64_t>());
  std::int64_t free = 0;
  while (taken.contains(free)) ++free;
  return static_cast<std::uint64_t>(free);
}

/// Those of a node's children, as the daemon told them.
Json children_data(const Node& parent) {
  Json all = Json::array();
  for (const Node& each : parent.children) all.push_back(each.data);
  return all;
}

Expected<bool> maps(const Values& values) {
  if (!values.contains("add_mapped_luns")) return true;
  return truth(values.at("add_mapped_luns"), "add_mapped_luns");
}

Expected<Making> make_lun(const Node& target, const Node& tpg, const Node& place,
                          const std::vector<std::string>& words) {
  const auto values = named_values(words, {"storage_object", "lun", "add_mapped_luns"}, place.path);
  if (!values) return tl::unexpected(values.error());
  if (auto there = need(*values, {"storage_object"}, place.path); !there)
    return tl::unexpected(there.error());
  std::uint64_t index = lowest_free(children_data(place));
  if (values->contains("lun")) {
    const auto given = number(*values, "lun");
    if (!given) return tl::unexpected(given.error());
    index = *given;
  }
  const auto mapped = maps(*values);
  if (!mapped) return tl::unexpected(mapped.error());
  Json part{{"luns", {{{"index", index}, {"storage_object", values->at("storage_object")}}}}};
  const Node* const acls = tpg.child("acls");
  if (*mapped && acls != nullptr)
    for (const Node& acl : acls->children) {
      const Json& luns = acl.data["luns"];
      const bool taken = std::any_of(luns.begin(), luns.end(),
                                     [&](const Json& each) { return each["index"] == index; });
      const std::uint64_t shown = taken ? lowest_free(luns) : index;
      part["node_acls"].push_back(
          {{"node_wwn", acl.name}, {"mapped_luns", {{{"index", shown}, {"tpg_lun", index}}}}});
    }
  return Making{in_target(target, tpg, std::move(part)),
                place.path + "/lun" + std::to_string(index)};
}

Expected<Making> make_acl(const Node& target, const Node& tpg, const Node& place,
                          const std::vector<std::string>& words) {
  const auto values = named_values(words, {"wwn", "add_mapped_luns"}, place.path);
  if (!values) return tl::unexpected(values.error());
  if (auto there = need(*values, {"wwn"}, place.path); !there) return tl::unexpected(there.error());
  const auto mapped = maps(*values);
  if (!mapped) return tl::unexpected(mapped.error());
  Json acl{{"node_wwn", values->at("wwn")}};
  const Node* const luns = tpg.child("luns");
  if (*mapped && luns != nullptr)
    for (const Node& lun : luns->children)
      acl["mapped_luns"].push_back({{"index", lun.data["index"]}, {"tpg_lun", lun.data["index"]}});
  return Making{in_target(target, tpg, {{"node_acls", {acl}}}),
                place.path + "/" + values->at("wwn")};
}

Expected<Making> make_mapping(const Node& target, const Node& tpg, const Node& place,
                              const std::vector<std::string>& words) {
  const auto values = named_values(words, {"mapped_lun", "tpg_lun", "write_protect"}, place.path);
  if (!values) return tl::unexpected(values.error());
  if (auto there = need(*values, {"mapped_lun", "tpg_lun"}, place.path); !there)
    return tl::unexpected(there.error());
  const auto index = number(*values, "mapped_lun");
  const auto lun = number(*values, "tpg_lun");
  if (!index || !lun) return tl::unexpected((index ? lun : index).error());
  Json mapped{{"index", *index}, {"tpg_lun", *lun}};
  if (auto put = put_flag(*values, "write_protect", mapped); !put)
    return tl::unexpected(put.error());
  return Making{in_target(target, tpg,
                          {{"node_acls", {{{"node_wwn", place.name}, {"mapped_luns", {mapped}}}}}}),
                place.path + "/mapped_lun" + std::to_string(*index)};
}

Expected<Making> make_group(const Node& device, const Node& place,
                            const std::vector<std::string>& words) {
  const auto values = named_values(words, {"name", "tag"}, place.path);
  if (!values) return tl::unexpected(values.error());
  if (auto there = need(*values, {"name", "tag"}, place.path); !there)
    return tl::unexpected(there.error());
  const auto tag = number(*values, "tag");
  if (!tag) return tl::unexpected(tag.error());
  Json object = {{"name", device.data["name"]}, {"plugin", device.data["plugin"]}};
  // What it is made of is not needed: it is there.
  object["size"] = device.data["size"].get<std::uint64_t>();
  object["dev"] = device.data["where"];
  object["config"] = device.data["where"];
  object["alua_tpgs"] = {{{"name", values->at("name")}, {"tg_pt_gp_id", *tag}}};
  return Making{{{"storage_objects", {object}}}, place.path + "/" + values->at("name")};
}

Expected<Making> making(const Node& root, const Node& place,
                        const std::vector<std::string>& words) {
  if (place.kind == Kind::plugin) return make_device(place, words);
  if (place.kind == Kind::fabric) return make_target(place, words);
  if (place.kind == Kind::groups)
    return make_group(*ancestor(root, place, {Kind::device}), place, words);
  const Node* const target = ancestor(root, place, {Kind::target});
  const Node* const tpg = ancestor(root, place, {Kind::target, Kind::tpg});
  if (target != nullptr && place.kind == Kind::luns) return make_lun(*target, *tpg, place, words);
  if (target != nullptr && place.kind == Kind::acls) return make_acl(*target, *tpg, place, words);
  if (target != nullptr && place.kind == Kind::acl)
    return make_mapping(*target, *tpg, place, words);
  return failure(place.path, "nothing can be made here",
                 "in /backstores/PLUGIN, /srpt, and luns and acls of a target something can");
}

/// What was made of a device that could not be finished is of no use.
void take_back(rpc::Client& client, const std::string& path) {
  const auto root = load_nodes(client);
  const Node* const made = root ? find_node(*root, path) : nullptr;
  if (made == nullptr || made->kind != Kind::device) return;
  client.call("tree.delete", {{"path", made->tree}, {"recursive", true}});
  client.call("tree.delete", {{"path", made->tree.substr(0, made->tree.rfind('/'))}});
}

int run_create(const Common& common, std::vector<std::string> words) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const auto root = load_nodes(client);
    if (!root) return fail(root.error());
    const auto place =
        take_node(*root, common, words, [](const Node& node) { return makes_children(node.kind); });
    if (!place) return fail(place.error());
    const auto wanted = making(*root, **place, words);
    if (!wanted) return fail(wanted.error());
    if (find_node(*root, wanted->path) != nullptr)
      return fail({printable(wanted->path), "it is there already", "choose another name"});
    const auto result = client.call("add", {{"config", wanted->config}});
    if (!result) return fail(result.error());
    for (const Json& each : (*result)["problems"])
      fail({each["object"], each["cause"], each["remedy"]});
    if (!(*result)["problems"].empty()) {
      take_back(client, wanted->path);
      return failed;
    }
    if (common.json)
      print_json({{"created", wanted->path}});
    else
      fmt::print("Created {}.\n", printable(wanted->path));
    return success;
  });
}

}  // namespace

Action add_create(CLI::App& app, const Common& common) {
  app.description(description);
  const auto words = std::make_shared<std::vector<std::string>>();
  app.add_option("PATH VALUES", *words, "Where, and of what");
  return [&common, words] { return run_create(common, *words); };
}

}  // namespace srpd::ctl
