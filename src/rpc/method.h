// A method of the control socket: one row of its group's table. What the row says about parameters
// is checked before the method is called, and told by `help`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rpc/fault.h"

namespace srpd::rpc {

struct Services;

enum class Type : std::uint8_t { text, number, boolean, scalar, object, list };
std::string_view type_name(Type type);

struct Parameter {
  std::string_view name;
  Type type = Type::text;
  bool required = true;
  std::string_view help = {};
};

/// The parameters of one call: each is there if it is required, and of its type if it is there.
class Arguments {
 public:
  explicit Arguments(Json values) : values_(std::move(values)) {}

  bool has(const char* name) const { return values_.contains(name); }
  std::string text(const char* name, std::string otherwise = {}) const {
    return has(name) ? values_[name].get<std::string>() : otherwise;
  }
  std::int64_t number(const char* name, std::int64_t otherwise = 0) const {
    return has(name) ? values_[name].get<std::int64_t>() : otherwise;
  }
  bool flag(const char* name) const { return has(name) && values_[name].get<bool>(); }
  const Json& json(const char* name) const { return values_[name]; }

 private:
  Json values_;
};

struct Method {
  using Function = Answer<Json> (*)(Services& services, const Arguments& arguments);

  std::string_view name;
  std::string_view summary;
  std::string_view result;  ///< what is answered
  Function call = nullptr;
  std::array<Parameter, 4> parameters = {};  ///< those with a name

  std::span<const Parameter> used() const;
};

/// By name, or in the order of the row: what Arguments promises, or what is wrong with them.
Answer<Arguments> arguments_of(const Method& method, const Json& parameters);

}  // namespace srpd::rpc
