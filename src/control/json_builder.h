// JSON as a tree of values, in time that grows with the text alone. The library's own way copies
// what it has of an object each time that it makes room for more, which is most of the time that
// the saved configuration of ten thousand LUNs would take.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace srpd::control {

struct JsonFailure {
  std::string cause;
  std::optional<std::size_t>
      byte;  ///< where the text is no JSON; as in nlohmann::json::parse_error
};

/// `max_depth`: of objects and lists in each other. Of several members with the same name the last
/// one counts.
tl::expected<nlohmann::ordered_json, JsonFailure> build_json(std::string_view text,
                                                             std::size_t max_depth);

}  // namespace srpd::control
