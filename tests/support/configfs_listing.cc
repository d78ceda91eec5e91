#include "support/configfs_listing.h"

#include <algorithm>

namespace srpd::test {
namespace {

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\\n") {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

}  // namespace

ConfigfsListing::ConfigfsListing(std::string_view listing) {
  std::vector<std::string> above;
  while (!listing.empty()) {
    const std::size_t end = std::min(listing.find('\n'), listing.size());
    std::string_view line = listing.substr(0, end);
    listing.remove_prefix(std::min(end + 1, listing.size()));
    const std::size_t depth = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(depth);
    if (line.empty() || line.front() == '#' || depth > above.size()) continue;
    above.resize(depth);
    const auto fields = fields_of(line);
    std::string_view name = fields[0];
    const bool directory = name.ends_with('/');
    if (directory) name.remove_suffix(1);
    std::string path;
    for (std::size_t i = 1; i < depth; ++i) path += above[i] + "/";
    path += name;
    if (directory) above.emplace_back(name);
    if (depth == 0) continue;
    Entry entry;
    if (!directory && fields.size() >= 3 && fields[1] == "->") {
      entry = {Kind::link, "", std::string(fields[2])};
    } else if (!directory) {
      if (fields.size() < 3) continue;
      entry = {Kind::file, std::string(fields[1]), unescaped(fields[2])};
    }
    entries_[path] = entry;
  }
}

std::vector<std::string> ConfigfsListing::names(const std::string& path, Kind kind) const {
  const std::string prefix = path.empty() ? "" : path + "/";
  std::vector<std::string> names;
  for (auto entry = entries_.lower_bound(prefix);
       entry != entries_.end() && entry->first.starts_with(prefix); ++entry) {
    const std::string name = entry->first.substr(prefix.size());
    if (entry->second.kind == kind && name.find('/') == std::string::npos) names.push_back(name);
  }
  return names;
}

const ConfigfsListing::Entry* ConfigfsListing::find(const std::string& path) const {
  const auto found = entries_.find(path);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string> ConfigfsListing::directories(const std::string& path) const {
  return names(path, Kind::directory);
}
std::vector<std::string> ConfigfsListing::files(const std::string& path) const {
  return names(path, Kind::file);
}
std::vector<std::string> ConfigfsListing::links(const std::string& path) const {
  return names(path, Kind::link);
}

std::optional<std::string> ConfigfsListing::read(const std::string& file) const {
  const Entry* const entry = find(file);
  if (entry == nullptr || entry->kind != Kind::file || entry->text.starts_with('!'))
    return std::nullopt;
  return entry->text.ends_with('\n') ? entry->text.substr(0, entry->text.size() - 1) : entry->text;
}

bool ConfigfsListing::writable(const std::string& file) const {
  const Entry* const entry = find(file);
  return entry != nullptr && (entry->mode.starts_with('6') || entry->mode.starts_with('2'));
}

std::string ConfigfsListing::target(const std::string& link) const {
  const Entry* const entry = find(link);
  return entry == nullptr ? "" : entry->text;
}

}  // namespace srpd::test
