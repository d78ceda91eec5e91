#include "control/resize.h"

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "control/json_reader.h"
#include "control/tree_view.h"
#include "lio/root.h"

namespace srpd::control {
namespace {

struct Configured {
  std::string_view plugin;
  std::string name;
  std::uint64_t size = 0;  ///< 0: that of what is behind it
};

const BackstoreKind* kind_of(std::string_view backstore) {
  const std::string_view hba = backstore.substr(0, backstore.rfind('/'));
  return kind_of_hba(hba.substr(hba.rfind('/') + 1));
}

std::string name_of(const std::string& backstore) {
  return backstore.substr(backstore.rfind('/') + 1);
}

std::optional<Configured> configured(const tree::Tree& tree, const std::string& backstore) {
  const BackstoreKind* const kind = kind_of(backstore);
  const auto info = tree.resolve(backstore + "/info");
  const auto text = info ? tree.read(*info) : tl::unexpected(info.error());
  if (kind == nullptr || !text) return std::nullopt;
  return Configured{kind->plugin, name_of(backstore), configured_size(*text, kind->plugin)};
}

/// The object of the saved configuration; null where it has none such.
Json* find_saved(Json& json, const Configured& wanted) {
  const auto list = json.find("storage_objects");
  if (list == json.end() || !list->is_array()) return nullptr;
  for (Json& each : *list)
    if (each.is_object() && each.value("plugin", Json()) == wanted.plugin &&
        each.value("name", Json()) == wanted.name)
      return &each;
  return nullptr;
}

}  // namespace

std::string backstore_name(const std::string& backstore) {
  const BackstoreKind* const kind = kind_of(backstore);
  if (kind == nullptr) return backstore;
  return "/backstores/" + std::string(kind->plugin) + "/" + name_of(backstore);
}

tree::Result<lio::Resized> resize(tree::Tree& tree, tree::Id backstore, std::uint64_t bytes,
                                  bool may_shrink) {
  return lio::resize_device(tree, backstore, bytes, may_shrink);
}

Expected<bool> save_size(const tree::Tree& tree, const std::string& backstore, SavedFile& saved) {
  std::error_code error;
  if (!std::filesystem::exists(saved.path(), error)) return false;
  const auto wanted = configured(tree, backstore);
  const auto text = saved.read();
  if (!wanted || !text) return text ? Expected<bool>(false) : tl::unexpected(text.error());
  auto json = parse_json(*text);
  if (!json) return failure(saved.path(), json.error().cause, json.error().remedy);
  Json* const object = json->is_object() ? find_saved(*json, *wanted) : nullptr;
  if (object == nullptr) return false;
  // That of a device is nowhere.
  if (wanted->size == 0 || object->value("size", Json()) == wanted->size) return true;
  (*object)["size"] = wanted->size;
  const auto written = saved.write(json->dump(2, ' ', true) + (text->ends_with('\n') ? "\n" : ""));
  if (!written) return tl::unexpected(written.error());
  return true;
}

}  // namespace srpd::control
