// LIO's tree by its paths: what ls, cat, echo, mkdir, rmdir, ln -s and rm do to it, with the same
// errors and a sentence for each.
#include <fmt/format.h>

#include <cerrno>
#include <optional>
#include <string>

#include "control/tree_remove.h"
#include "rpc/methods.h"
#include "rpc/paths.h"
#include "rpc/services.h"

namespace srpd::rpc {
namespace {

std::string_view kind_name(tree::Kind kind) {
  constexpr std::string_view names[] = {"directory", "attribute", "link"};
  return names[static_cast<std::size_t>(kind)];
}

std::string without_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Json entry_of(const tree::Tree& tree, const tree::Listed& listed) {
  Json entry{{"name", listed.name},
             {"kind", kind_name(listed.status.kind)},
             {"mode", fmt::format("{:04o}", listed.status.mode)}};
  if (listed.status.kind == tree::Kind::link) {
    const auto target = tree.link_target(listed.status.id);
    const auto path = target ? tree.path(*target) : tl::unexpected(target.error());
    entry["target"] = path ? *path : "";
  }
  return entry;
}

Answer<Json> list(Services& services, const Arguments& arguments) {
  const std::string path = arguments.text("path");
  const auto id = resolve(services.tree, path);
  if (!id) return tl::unexpected(id.error());
  const auto listed = services.tree.list(*id);
  if (!listed) return refused(listed.error(), path);
  Json entries = Json::array();
  for (const tree::Listed& each : *listed) entries.push_back(entry_of(services.tree, each));
  return entries;
}

/// All of a directory that can be read. What cannot be read now, such as the attributes of a LUN
/// without a device, is null.
Answer<Json> all_values(const tree::Tree& tree, tree::Id directory, const std::string& path) {
  const auto listed = tree.list(directory);
  if (!listed) return refused(listed.error(), path);
  Json values = Json::object();
  for (const tree::Listed& each : *listed) {
    if (each.status.kind != tree::Kind::attribute || (each.status.mode & 0444) == 0) continue;
    const auto text = tree.read(each.status.id);
    values[each.name] = text ? Json(without_newline(*text)) : Json();
  }
  return Json{{"values", std::move(values)}};
}

Answer<Json> get(Services& services, const Arguments& arguments) {
  const std::string path = arguments.text("path");
  const auto id = resolve(services.tree, path);
  if (!id) return tl::unexpected(id.error());
  if (!tree::is_attribute(*id)) return all_values(services.tree, *id, path);
  if (const auto may = services.tree.may_open(*id, true, false); !may)
    return refused(may.error(), path);
  auto text = services.tree.read(*id);
  if (!text) return refused(text.error(), path);
  return Json{{"value", without_newline(std::move(*text))}};
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "1" : "0";
  return value.dump();
}

Answer<Json> set(Services& services, const Arguments& arguments) {
  const std::string path = arguments.text("path");
  const auto id = resolve(services.tree, path);
  if (!id) return tl::unexpected(id.error());
  if (!tree::is_attribute(*id))
    return refused({path, "it is no attribute", "name one that is in it"}, EISDIR);
  if (const auto may = services.tree.may_open(*id, false, true); !may)
    return refused(may.error(), path);
  const std::string text = text_of(arguments.json("value")) + "\n";
  // The tree would take what fits and leave the rest away, as the kernel does.
  if (text.size() > tree::max_store_bytes)
    return refused({path, "the value is longer than 4094 bytes", "shorten it"}, EINVAL);
  if (const auto written = services.tree.write(*id, text); !written)
    return refused(written.error(), path);
  return Json::object();
}

/// Runs `operation(parent, name)` for what `path` names.
template <class Operation>
Answer<Json> at_parent(Services& services, const std::string& path, Operation operation) {
  const auto place = resolve_parent(services.tree, path);
  if (!place) return tl::unexpected(place.error());
  const auto done = operation(place->parent, place->name);
  if (!done) return refused(done.error(), path);
  return Json::object();
}

Answer<Json> create(Services& services, const Arguments& arguments) {
  return at_parent(services, arguments.text("path"), [&](tree::Id parent, const std::string& name) {
    return services.tree.mkdir(parent, name);
  });
}

Answer<Json> remove(Services& services, const Arguments& arguments) {
  if (arguments.flag("recursive")) {
    const std::string path = arguments.text("path");
    const auto removed = control::remove_tree(services.tree, std::string(inner_path(path)));
    if (!removed) return refused(removed.error(), path);
    return Json::object();
  }
  return at_parent(services, arguments.text("path"), [&](tree::Id parent, const std::string& name) {
    return services.tree.rmdir(parent, name);
  });
}

Answer<Json> link(Services& services, const Arguments& arguments) {
  const std::string target = arguments.text("target");
  return at_parent(services, arguments.text("path"), [&](tree::Id parent, const std::string& name) {
    return services.tree.symlink(parent, name, services.tree.resolve(inner_path(target)));
  });
}

Answer<Json> unlink(Services& services, const Arguments& arguments) {
  return at_parent(services, arguments.text("path"), [&](tree::Id parent, const std::string& name) {
    return services.tree.unlink(parent, name);
  });
}

constexpr Parameter path_parameter{"path", Type::text, true, "below /sys/kernel/config"};

constexpr Method methods[] = {
    {.name = "tree.list",
     .summary = "What is in a directory: directories and links, newest first, then attributes",
     .result = "name, kind (directory, attribute, link), mode, and target of a link",
     .call = list,
     .parameters = {{path_parameter}}},
    {.name = "tree.get",
     .summary = "The value of an attribute, or those of all attributes of a directory",
     .result = "value, or values by name (null: it has none now), without the newline at the end",
     .call = get,
     .parameters = {{path_parameter}}},
    {.name = "tree.set",
     .summary = "Write an attribute",
     .result = "nothing",
     .call = set,
     .parameters = {{path_parameter,
                     {"value", Type::scalar, true, "a newline is added; true is 1, false is 0"}}}},
    {.name = "tree.create",
     .summary = "Make an object, as mkdir does",
     .result = "nothing",
     .call = create,
     .parameters = {{path_parameter}}},
    {.name = "tree.delete",
     .summary = "Remove an object, as rmdir does: what was made in it has to go first",
     .result = "nothing",
     .call = remove,
     .parameters = {{path_parameter,
                     {"recursive", Type::boolean, false, "take away what was made in it first"}}}},
    {.name = "tree.link",
     .summary = "Give a LUN its device or a mapped LUN its LUN, as ln -s does",
     .result = "nothing",
     .call = link,
     .parameters = {{{"path", Type::text, true, "of the link"},
                     {"target", Type::text, true, "of what it leads to"}}}},
    {.name = "tree.unlink",
     .summary = "Take a link away, as rm does",
     .result = "nothing",
     .call = unlink,
     .parameters = {{path_parameter}}},
};

}  // namespace

std::span<const Method> tree_methods() { return methods; }

}  // namespace srpd::rpc
