#include "control/import/imported.h"

#include <algorithm>
#include <utility>

namespace srpd::control {

std::string ImportNote::text() const {
  std::string where = file;
  if (line != 0) where += ":" + std::to_string(line);
  return where.empty() ? error.text() : where + ": " + error.text();
}

std::string Imported::add_disk(SavedJson object) {
  const std::string wanted = object.at("name"), path = disk_path(object);
  while (!paths_.insert(disk_path(object)).second)
    object["name"] =
        wanted + "_" + std::to_string(numbers_.try_emplace(path, 1).first->second += 1);
  disks_.push_back(std::move(object));
  return disks_.back().at("name");
}

void Imported::sort_notes() {
  const auto key = [](const ImportNote& note) {
    return std::pair<const std::string&, std::size_t>(note.file, note.line - 1);
  };
  std::stable_sort(notes_.begin(), notes_.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

void Imported::note(std::string file, std::size_t line, std::string object, std::string cause,
                    std::string remedy) {
  notes_.push_back(
      {std::move(file), line, {std::move(object), std::move(cause), std::move(remedy)}});
}

std::string Imported::text() const {
  const SavedJson all{
      {"fabric_modules", SavedJson::array()}, {"storage_objects", disks_}, {"targets", targets_}};
  return all.dump(2, ' ', true, SavedJson::error_handler_t::replace) + "\n";
}

SavedJson disk_object(std::string_view plugin, std::string_view name) {
  return {{"name", name},
          {"plugin", plugin},
          {"attributes", SavedJson::object()},
          {"alua_tpgs", SavedJson::array()}};
}

std::string disk_name(std::string_view path) {
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last.empty() ? "disk" : std::string(last);
}

std::string disk_path(const SavedJson& disk) {
  return "/backstores/" + disk.at("plugin").get<std::string>() + "/" +
         disk.at("name").get<std::string>();
}

}  // namespace srpd::control
