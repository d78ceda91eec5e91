// What a configuration of another target comes to here: the objects of a saveconfig.json, and what
// could not be carried over.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace srpd::control {

/// Keys in order, as rtslib writes them.
using SavedJson = nlohmann::json;

/// "FILE:LINE: OBJECT: CAUSE; REMEDY".
struct ImportNote {
  std::string file;
  std::size_t line = 0;  ///< 0: the file as a whole
  Error error;

  std::string text() const;
};

class Imported {
 public:
  /// A disk; its name becomes unique among those of its plugin, and is returned.
  std::string add_disk(SavedJson object);
  void add_target(SavedJson target) { targets_.push_back(std::move(target)); }
  void note(std::string file, std::size_t line, std::string object, std::string cause,
            std::string remedy = {});

  std::vector<SavedJson>& disks() { return disks_; }
  const std::vector<SavedJson>& disks() const { return disks_; }
  const std::vector<SavedJson>& targets() const { return targets_; }
  const std::vector<ImportNote>& notes() const { return notes_; }
  /// By file and line; those of a whole file behind its lines.
  void sort_notes();

  /// A saveconfig.json. What is not UTF-8 is replaced.
  std::string text() const;

 private:
  std::vector<SavedJson> disks_;
  std::set<std::string> paths_;              // of disks
  std::map<std::string, unsigned> numbers_;  // tried last to make a path unique
  std::vector<SavedJson> targets_;
  std::vector<ImportNote> notes_;
};

/// A disk without attributes.
SavedJson disk_object(std::string_view plugin, std::string_view name);
/// The name of a disk made of a path: its last part.
std::string disk_name(std::string_view path);
/// "/backstores/PLUGIN/NAME".
std::string disk_path(const SavedJson& disk);

}  // namespace srpd::control
