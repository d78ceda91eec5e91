// Names of what is in the tree, as numbers: fit for inode numbers and for requests of other
// threads. A number is never used twice, so one whose object is gone is simply not found.
#pragma once

#include <cstddef>
#include <cstdint>

namespace srpd::tree {

/// A directory, link or attribute. Directories and links are numbered in the order in which they
/// are made; the low byte is `itself`, or selects a row of the directory's attribute table.
using Id = std::uint64_t;

inline constexpr Id root_id = 1;

inline constexpr unsigned id_row_bits = 8;
inline constexpr std::uint64_t id_itself = 1;
inline constexpr std::uint64_t id_first_row = 2;
inline constexpr std::size_t max_rows = (std::size_t{1} << id_row_bits) - id_first_row;

constexpr Id make_id(std::uint64_t sequence) { return sequence << id_row_bits | id_itself; }
constexpr Id attribute_id(Id directory, std::size_t row) {
  return directory - id_itself + id_first_row + row;
}
constexpr std::uint64_t id_sequence(Id id) { return id >> id_row_bits; }
constexpr std::uint64_t id_low(Id id) { return id & ((std::uint64_t{1} << id_row_bits) - 1); }
constexpr bool is_attribute(Id id) { return id_low(id) >= id_first_row; }
constexpr std::size_t id_row(Id id) { return static_cast<std::size_t>(id_low(id) - id_first_row); }
/// The directory of an attribute, and what is no attribute itself.
constexpr Id id_owner(Id id) { return make_id(id_sequence(id)); }

static_assert(make_id(0) == root_id);

}  // namespace srpd::tree
