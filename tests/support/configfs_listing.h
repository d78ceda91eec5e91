// A tree as tests/data/lio/tree_*.tsv lists it, for what reads configfs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/import/format.h"

namespace srpd::test {

class ConfigfsListing final : public control::ImportTree {
 public:
  /// Lines that are not of the form are skipped. The first directory is the top.
  explicit ConfigfsListing(std::string_view listing);

  std::vector<std::string> directories(const std::string& path) const override;
  std::vector<std::string> files(const std::string& path) const override;
  std::vector<std::string> links(const std::string& path) const override;
  std::optional<std::string> read(const std::string& file) const override;
  bool writable(const std::string& file) const override;
  std::string target(const std::string& link) const override;

 private:
  enum class Kind { directory, file, link };
  struct Entry {
    Kind kind = Kind::directory;
    std::string mode;
    std::string text;
  };

  std::vector<std::string> names(const std::string& path, Kind kind) const;
  const Entry* find(const std::string& path) const;

  std::map<std::string, Entry> entries_;
};

}  // namespace srpd::test
