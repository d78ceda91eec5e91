// TPG/acls/INITIATOR: a host that may log in, by mkdir of its name, and the LUNs that it sees.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "lio/rows.h"

namespace srpd::lio {

class Model;
class Tpg;

class Acl final : public Directory {
 public:
  Acl(Tpg& tpg, std::uint32_t index);

  std::span<const Attribute> attributes() const override;
  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;
  void drop(Change& change) override;

  Tpg& tpg() const { return tpg_; }
  /// Of the statistics.
  std::uint32_t index() const { return index_; }
  void forget(std::uint16_t number) { numbers_.erase(number); }

 private:
  static const Attribute rows[];

  std::string show_info() const;
  std::string show_tag() const;
  Result<void> store_tag(Change& change, std::string_view text);

  Tpg& tpg_;
  const std::uint32_t index_;
  std::string tag_;
  std::unordered_set<std::uint16_t> numbers_;
};

class Acls final : public Directory {
 public:
  explicit Acls(Tpg& tpg) : tpg_(tpg) {}
  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override;

 private:
  Tpg& tpg_;
};

}  // namespace srpd::lio
