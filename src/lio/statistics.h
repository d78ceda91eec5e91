// The statistics of LIO: read-only rows over an object. The names are those of the SCSI MIB (RFC
// 4455).
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "lio/engine.h"
#include "lio/rows.h"

namespace srpd::lio {

/// One table of an object.
template <class Owner>
class StatisticsTable final : public Directory {
 public:
  StatisticsTable(const Owner& owner, std::span<const Attribute> rows)
      : owner_(owner), rows_(rows) {}
  std::span<const Attribute> attributes() const override { return rows_; }
  const Owner& owner() const { return owner_; }

 private:
  const Owner& owner_;
  std::span<const Attribute> rows_;
};

/// The directory of the tables.
class Statistics : public Directory {
 public:
  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override {
    static_cast<void>(change);
    static_cast<void>(name);
    return fail(ENOSYS, "no statistics can be added");
  }

 protected:
  template <class Owner>
  void add_table(std::string name, const Owner& owner, std::span<const Attribute> rows) {
    make_group<StatisticsTable<Owner>>(std::move(name), owner, rows);
  }
};

template <class Owner, auto text>
Result<std::string> show_statistic(const Directory& table) {
  return text(static_cast<const StatisticsTable<Owner>&>(table).owner());
}

/// `text` is a function of the owner that returns what is shown.
template <class Owner, auto text>
consteval Attribute statistic(std::string_view name) {
  return {name, show_statistic<Owner, text>, nullptr};
}

inline std::string mbytes(std::uint64_t bytes) { return line(bytes >> 20); }

}  // namespace srpd::lio
