#include "srpctl/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/tree_view.h"

namespace srpd::ctl {
namespace {

using Kind = Node::Kind;

std::string text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? printable(found->get<std::string>())
                                                   : std::string();
}

Node& add(Node& parent, Kind kind, std::string name, std::string summary, std::string tree = {}) {
  Node node;
  node.kind = kind;
  node.path = (parent.path == "/" ? "" : parent.path) + "/" + name;
  node.name = std::move(name);
  node.summary = std::move(summary);
  node.tree = std::move(tree);
  return parent.children.emplace_back(std::move(node));
}

std::string in_words(const Json& device) {
  const bool used = device["luns"].get<std::uint64_t>() > 0;
  const std::uint64_t size = device["size"].get<std::uint64_t>();
  std::string out = text(device, "where");
  const std::string info = text(device, "info");
  if (info == "nullio") out = info;
  if (size != 0) out += fmt::format("{}({})", out.empty() ? "" : " ", short_size(size));
  if (!info.empty() && info != "nullio") out += " " + info;
  if (!out.empty()) out += " ";
  if (!device["enabled"].get<bool>()) return out + "not enabled";
  if (device.value("waiting", false)) return out + "waiting";
  return out + (used ? "activated" : "deactivated");
}

void add_device(Node& plugin, const Json& device) {
  Node& node =
      add(plugin, Kind::device, text(device, "name"), in_words(device), text(device, "path"));
  node.data = device;
  node.colour = !device["enabled"].get<bool>() || device.value("waiting", false) ? Colour::red
                : device["luns"] == 0                                            ? Colour::yellow
                                                                                 : Colour::green;
  const Json& groups = device["groups"];
  Node& alua = add(node, Kind::groups, "alua", fmt::format("ALUA Groups: {}", groups.size()),
                   node.tree + "/alua");
  for (const Json& each : groups)
    add(alua, Kind::group, text(each, "name"), "ALUA state: " + text(each, "state"),
        alua.tree + "/" + text(each, "name"));
}

void add_backstores(Node& root, const Json& backstores) {
  Node& all = add(root, Kind::backstores, "backstores", "...");
  for (const char* plugin : {"block", "fileio", "pscsi", "ramdisk", "user"}) {
    Node& node = add(all, Kind::plugin, plugin, "");
    for (const Json& device : backstores)
      if (device["plugin"] == plugin) add_device(node, device);
    node.summary = fmt::format("Storage Objects: {}", node.children.size());
  }
}

/// "/backstores/fileio/disk" is "fileio/disk".
std::string short_object(const Json& object) {
  if (!object.is_string()) return "BROKEN: no storage object";
  const std::string name = printable(object.get<std::string>());
  constexpr std::string_view prefix = "/backstores/";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

void add_luns(Node& tpg, const Json& json) {
  Node& luns =
      add(tpg, Kind::luns, "luns", fmt::format("LUNs: {}", json["luns"].size()), tpg.tree + "/lun");
  for (const Json& each : json["luns"]) {
    std::string summary = short_object(each["object"]);
    if (each["group"].is_string()) summary += " (" + text(each, "group") + ")";
    Node& lun = add(luns, Kind::lun, "lun" + each["index"].dump(), summary, text(each, "path"));
    lun.data = each;
    if (each["object"].is_null()) lun.colour = Colour::red;
  }
}

void add_acls(Node& tpg, const Json& json) {
  Node& acls = add(tpg, Kind::acls, "acls", fmt::format("ACLs: {}", json["acls"].size()),
                   tpg.tree + "/acls");
  for (const Json& each : json["acls"]) {
    const std::string tag = text(each, "tag");
    Node& acl =
        add(acls, Kind::acl, text(each, "initiator"),
            (tag.empty() ? "" : tag + ", ") + fmt::format("Mapped LUNs: {}", each["luns"].size()),
            text(each, "path"));
    acl.data = each;
    for (const Json& mapped : each["luns"]) {
      const bool broken = mapped["lun"].is_null() || mapped["object"].is_null();
      Node& node = add(acl, Kind::mapped_lun, "mapped_lun" + mapped["index"].dump(),
                       broken ? "BROKEN: no LUN"
                              : fmt::format("lun{} {} ({})", mapped["lun"].dump(),
                                            short_object(mapped["object"]),
                                            mapped["write_protect"].get<bool>() ? "ro" : "rw"),
                       text(mapped, "path"));
      node.data = mapped;
      if (broken) node.colour = Colour::red;
    }
  }
}

void fill_tpg(Node& node, const Json& tpg) {
  node.tree = text(tpg, "path");
  const bool enabled = tpg["enabled"].get<bool>();
  node.summary = enabled ? "enabled" : "disabled";
  node.colour = enabled ? Colour::green : Colour::red;
  add_acls(node, tpg);
  add_luns(node, tpg);
}

void add_targets(Node& root, const Json& targets) {
  Node& fabric =
      add(root, Kind::fabric, "srpt", fmt::format("Targets: {}", targets.size()), "target/srpt");
  for (const Json& target : targets) {
    Node& node = add(fabric, Kind::target, text(target, "wwn"), "no tpg", text(target, "path"));
    node.data = target;
    const Json& tpgs = target["tpgs"];
    if (tpgs.size() == 1 && tpgs[0]["tag"] == "1") {
      fill_tpg(node, tpgs[0]);
      continue;
    }
    node.summary = fmt::format("TPGs: {}", tpgs.size());
    for (const Json& tpg : tpgs) fill_tpg(add(node, Kind::tpg, "tpg" + text(tpg, "tag"), ""), tpg);
  }
}

}  // namespace

// Targets and hosts also by the names that the tree, the log and the sessions have.
const Node* Node::child(std::string_view wanted) const {
  const std::string as_saved = control::saved_name(wanted);
  const auto found = std::find_if(children.begin(), children.end(), [&](const Node& each) {
    const bool is_port = each.kind == Kind::target || each.kind == Kind::acl;
    return each.name == wanted || (is_port && each.name == as_saved);
  });
  return found == children.end() ? nullptr : &*found;
}

Node nodes_of(const Json& objects) {
  Node root;
  root.name = "/";
  root.path = "/";
  root.summary = "...";
  add_backstores(root, objects["backstores"]);
  add_targets(root, objects["targets"]);
  return root;
}

Expected<Node> load_nodes(rpc::Client& client) {
  const auto objects = client.call("objects");
  if (!objects) return tl::unexpected(objects.error());
  try {
    return nodes_of(*objects);
  } catch (const Json::exception& error) {
    return failure("srpd", std::string("its answer is not understood: ") + error.what(),
                   "use the srpctl that came with it");
  }
}

std::string absolute_path(std::string_view from, std::string_view path) {
  std::vector<std::string> parts;
  const auto walk = [&](std::string_view rest) {
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, rest.find('/'));
      rest.remove_prefix(std::min(part.size() + 1, rest.size()));
      if (part == "..") {
        if (!parts.empty()) parts.pop_back();
      } else if (!part.empty() && part != ".") {
        parts.emplace_back(part);
      }
    }
  };
  if (!path.starts_with('/')) walk(from);
  walk(path);
  std::string out;
  for (const std::string& part : parts) out += "/" + part;
  return out.empty() ? "/" : out;
}

const Node* find_node(const Node& root, std::string_view path) {
  const Node* node = &root;
  while (node != nullptr && !path.empty()) {
    if (path.front() == '/') {
      path.remove_prefix(1);
      continue;
    }
    const std::string_view part = path.substr(0, path.find('/'));
    node = node->child(part);
    path.remove_prefix(part.size());
  }
  return node;
}

Expected<const Node*> node_at(const Node& root, const std::string& path) {
  if (const Node* const node = find_node(root, path)) return node;
  std::string above = path;
  const Node* nearest = nullptr;
  while (nearest == nullptr) {
    above = above.substr(0, above.rfind('/'));
    nearest = find_node(root, above);
  }
  return failure(printable(path), "there is no such object",
                 "'srpctl ls " + nearest->path + "' shows what is there");
}

bool makes_children(Node::Kind kind) {
  switch (kind) {
    case Kind::plugin:
    case Kind::groups:
    case Kind::fabric:
    case Kind::luns:
    case Kind::acls:
    case Kind::acl:
      return true;
    default:
      return false;
  }
}

}  // namespace srpd::ctl
