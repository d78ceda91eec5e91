#include "rpc/dispatcher.h"

#include "rpc/methods.h"
#include "rpc/protocol.h"

namespace srpd::rpc {
namespace {

constexpr Group all_groups[] = {
    service_methods, tree_methods, object_methods, session_methods, configuration_methods,
};

}  // namespace

std::span<const Group> groups() { return all_groups; }

const Method* find_method(std::string_view name) {
  for (const Group group : all_groups)
    for (const Method& method : group())
      if (method.name == name) return &method;
  return nullptr;
}

Answer<Json> call(Services& services, const std::string& method, const Json& parameters) {
  const Method* const found = find_method(method);
  if (found == nullptr)
    return fault(Code::unknown_method, "there is no method '" + method + "'; 'help' lists them");
  const auto arguments = arguments_of(*found, parameters);
  if (!arguments) return tl::unexpected(arguments.error());
  return found->call(services, *arguments);
}

std::string answer_line(Services& services, std::string_view line) {
  return answer(line, [&services](const std::string& method, const Json& parameters) {
    return call(services, method, parameters);
  });
}

}  // namespace srpd::rpc
