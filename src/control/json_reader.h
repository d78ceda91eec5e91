// Typed access to JSON that somebody else wrote: a missing or wrong value is a problem with the
// name of its object, never an exception.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "control/model.h"

namespace srpd::control {

using Json = nlohmann::ordered_json;

/// Nesting of LIO's file is 8; more than `max_json_depth` is refused. An error tells line and
/// column.
inline constexpr std::size_t max_json_depth = 64;
Expected<Json> parse_json(std::string_view text);

/// One JSON object being read.
class JsonReader {
 public:
  /// `name` is how problems call it. All three outlive the reader.
  JsonReader(const Json& json, std::string name, Problems& problems)
      : json_(json), name_(std::move(name)), problems_(problems) {}

  const std::string& name() const { return name_; }
  void rename(std::string name) { name_ = std::move(name); }
  const Json& json() const { return json_; }

  bool has(std::string_view key) const { return find(key) != nullptr; }

  // Nothing when it is missing (a problem when `required`) or of another type (always a problem).
  std::optional<std::string> text(std::string_view key, bool required) const;
  std::optional<std::uint64_t> number(std::string_view key, bool required) const;
  std::optional<std::uint32_t> number32(std::string_view key, bool required) const;
  /// true, false, or the numbers 1 and 0.
  std::optional<bool> boolean(std::string_view key, bool required) const;

  /// Calls `visit(const Json& element)` for each element that is an object; others are problems.
  template <class Visit>
  void for_each_object(std::string_view key, Visit visit) const {
    const Json* const list = array(key);
    if (list == nullptr) return;
    for (const Json& element : *list) {
      if (element.is_object())
        visit(element);
      else
        report(std::string(key) + ": an entry is not an object", "remove it");
    }
  }

  void report(std::string cause, std::string remedy) const {
    problems_.push_back({name_, std::move(cause), std::move(remedy)});
  }

 private:
  const Json* find(std::string_view key) const;
  const Json* array(std::string_view key) const;
  const Json* expect(std::string_view key, bool required) const;
  void wrong_type(std::string_view key, std::string_view wanted, const Json& found) const;

  const Json& json_;
  std::string name_;
  Problems& problems_;
};

}  // namespace srpd::control
