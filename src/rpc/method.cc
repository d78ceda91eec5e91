#include "rpc/method.h"

#include <algorithm>
#include <utility>

namespace srpd::rpc {
namespace {

tl::unexpected<Fault> wrong(const Method& method, const std::string& what) {
  return fault(Code::invalid_parameters,
               std::string(method.name) + ": " + what + "; 'help' describes its parameters");
}

bool fits(Type type, const Json& value) {
  switch (type) {
    case Type::text:
      return value.is_string();
    case Type::number:
      return value.is_number_integer() &&
             (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
    case Type::boolean:
      return value.is_boolean();
    case Type::scalar:
      return value.is_string() || value.is_number() || value.is_boolean();
    case Type::object:
      return value.is_object();
    case Type::list:
      return value.is_array();
  }
  return false;
}

Answer<Json> by_name(const Method& method, const Json& parameters) {
  if (parameters.is_null()) return Json::object();
  if (parameters.is_object()) return parameters;
  const auto known = method.used();
  if (parameters.size() > known.size())
    return wrong(method, "it has at most " + std::to_string(known.size()) + " parameters");
  Json named = Json::object();
  for (std::size_t i = 0; i < parameters.size(); ++i)
    named[std::string(known[i].name)] = parameters[i];
  return named;
}

}  // namespace

std::string_view type_name(Type type) {
  constexpr std::string_view names[] = {"string", "number", "boolean", "string, number or boolean",
                                        "object", "array"};
  return names[static_cast<std::size_t>(type)];
}

std::span<const Parameter> Method::used() const {
  const auto* const end = std::find_if(parameters.begin(), parameters.end(),
                                       [](const Parameter& each) { return each.name.empty(); });
  return {parameters.begin(), end};
}

Answer<Arguments> arguments_of(const Method& method, const Json& parameters) {
  auto named = by_name(method, parameters);
  if (!named) return tl::unexpected(named.error());
  const auto known = method.used();
  for (const auto& item : named->items()) {
    const std::string& name = item.key();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Parameter& each) { return each.name == name; });
    if (found == known.end()) return wrong(method, "there is no parameter '" + name + "'");
    if (!fits(found->type, item.value()))
      return wrong(method, "'" + name + "' is not a " + std::string(type_name(found->type)));
  }
  for (const Parameter& each : known)
    if (each.required && !named->contains(each.name))
      return wrong(method, "'" + std::string(each.name) + "' is missing");
  return Arguments(std::move(*named));
}

}  // namespace srpd::rpc
