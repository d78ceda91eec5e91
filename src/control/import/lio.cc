// LIO's saveconfig.json, or srpd's own: disks and srpt targets as they are. Targets of other
// fabrics stay with LIO; their disks come along.
#include "control/import/format.h"
#include "control/json_reader.h"
#include "control/tree_view.h"

namespace srpd::control {
namespace {

class LioFile {
 public:
  explicit LioFile(const ImportSource& source) : source_(source) {}

  Imported run(const SavedJson& json) {
    for_each(json, "storage_objects", [&](const SavedJson& object) { disk(object); });
    for_each(json, "targets", [&](const SavedJson& object) { target(object); });
    for_each(json, "fabric_modules", [&](const SavedJson& module) {
      note("fabric module " + text_of(module, "name"), "its settings are not carried over",
           "give them to srpd by their names, such as --rdma_cm_port");
    });
    return std::move(imported_);
  }

 private:
  void note(std::string object, std::string cause, std::string remedy) {
    imported_.note(source_.name, 0, std::move(object), std::move(cause), std::move(remedy));
  }

  template <class Visitor>
  void for_each(const SavedJson& json, const char* key, Visitor visit) {
    const auto found = json.find(key);
    if (found == json.end()) return;
    if (!found->is_array()) return note(key, "it is not a list", "correct it");
    for (const SavedJson& element : *found) {
      if (element.is_object())
        visit(element);
      else
        note(key, "an element is not an object", "it is left out");
    }
  }

  static std::string text_of(const SavedJson& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "?";
  }

  void disk(const SavedJson& object) {
    const std::string name = text_of(object, "name"), plugin = text_of(object, "plugin");
    const std::string path = "/backstores/" + plugin + "/" + name;
    if (name == "?" || !kind_of_plugin(plugin))
      return note(path, "disks of this kind are not known", "it is left out");
    imported_.add_disk(object);
  }

  void target(const SavedJson& object) {
    const std::string fabric = text_of(object, "fabric");
    if (fabric == "srpt") return imported_.add_target(object);
    note(fabric + " target " + text_of(object, "wwn"),
         "srpd serves SRP only; its disks are carried over, its LUNs, ACLs and CHAP settings are "
         "not",
         "make an srpt target with these disks, or leave it to LIO");
  }

  const ImportSource& source_;
  Imported imported_;
};

bool recognizes(const ImportSource& source) {
  const auto first = source.text.find_first_not_of(" \t\r\n");
  return source.tree == nullptr && first != std::string::npos && source.text[first] == '{';
}

Expected<Imported> read(const ImportSource& source) {
  const auto json = parse_json(source.text);
  if (!json) return tl::make_unexpected(json.error());
  if (!json->is_object() || (!json->contains("storage_objects") && !json->contains("targets")))
    return failure(source.name, "it has neither storage_objects nor targets",
                   "is it the right file?");
  return LioFile(source).run(SavedJson(*json));
}

}  // namespace

const ImportFormat lio_format{"lio", "saveconfig.json of LIO's targetcli", &recognizes, &read};

}  // namespace srpd::control
