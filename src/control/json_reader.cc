#include "control/json_reader.h"

#include <algorithm>

#include "control/json_builder.h"

namespace srpd::control {
namespace {

std::string place(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, std::min(at, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n');
  const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1);
  return "line " + std::to_string(line) + ", column " + std::to_string(std::max(column, size_t{1}));
}

tl::unexpected<Error> damaged(std::string cause) {
  return failure("", std::move(cause),
                 "the file is damaged or was edited wrongly: restore it from a backup "
                 "(targetcli keeps some in /etc/target/backup)");
}

std::string type_of(const Json& value) { return value.type_name(); }

}  // namespace

Expected<Json> parse_json(std::string_view text) {
  auto json = build_json(text, max_json_depth);
  if (json) return std::move(*json);
  const auto& [cause, byte] = json.error();
  if (!byte) return damaged(cause);
  if (text.empty()) return damaged("it is empty");
  return damaged((*byte > text.size() ? "it ends too early, at " : "not valid JSON at ") +
                 place(text, *byte));
}

const Json* JsonReader::find(std::string_view key) const {
  const auto found = json_.find(key);
  return found == json_.end() ? nullptr : &*found;
}

const Json* JsonReader::expect(std::string_view key, bool required) const {
  const Json* const value = find(key);
  if (value == nullptr && required) report("'" + std::string(key) + "' is missing", "add it");
  return value;
}

void JsonReader::wrong_type(std::string_view key, std::string_view wanted,
                            const Json& found) const {
  report("'" + std::string(key) + "' is " + type_of(found) + ", not " + std::string(wanted),
         "correct it");
}

std::optional<std::string> JsonReader::text(std::string_view key, bool required) const {
  const Json* const value = expect(key, required);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  wrong_type(key, "text", *value);
  return std::nullopt;
}

std::optional<std::uint64_t> JsonReader::number(std::string_view key, bool required) const {
  const Json* const value = expect(key, required);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  wrong_type(key, "a whole number from 0", *value);
  return std::nullopt;
}

std::optional<std::uint32_t> JsonReader::number32(std::string_view key, bool required) const {
  const auto value = number(key, required);
  if (!value) return std::nullopt;
  if (*value <= UINT32_MAX) return static_cast<std::uint32_t>(*value);
  report("'" + std::string(key) + "' is larger than " + std::to_string(UINT32_MAX), "correct it");
  return std::nullopt;
}

std::optional<bool> JsonReader::boolean(std::string_view key, bool required) const {
  const Json* const value = expect(key, required);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number_unsigned() && value->get<std::uint64_t>() <= 1)
    return value->get<std::uint64_t>() == 1;
  wrong_type(key, "true or false", *value);
  return std::nullopt;
}

const Json* JsonReader::array(std::string_view key) const {
  const Json* const value = find(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (value->is_array()) return value;
  wrong_type(key, "a list", *value);
  return nullptr;
}

}  // namespace srpd::control
