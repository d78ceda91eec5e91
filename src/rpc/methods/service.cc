// What the daemon says about itself and this protocol.
#include <algorithm>
#include <string>

#include "rpc/dispatcher.h"
#include "rpc/methods.h"

namespace srpd::rpc {
namespace {

/// The newest version that both speak; there is one so far.
Answer<Json> version(Services& services, const Arguments& arguments) {
  if (arguments.has("versions")) {
    const Json& offered = arguments.json("versions");
    if (std::find(offered.begin(), offered.end(), protocol_version) == offered.end())
      return fault(Code::no_version,
                   "this srpd speaks version " + std::to_string(protocol_version) +
                       " of the protocol only; use the srpctl that came with it",
                   {{"versions", {protocol_version}}});
  }
  return Json{
      {"version", protocol_version}, {"versions", {protocol_version}}, {"srpd", services.version}};
}

Json described(const Method& method) {
  Json parameters = Json::array();
  for (const Parameter& each : method.used())
    parameters.push_back({{"name", each.name},
                          {"type", type_name(each.type)},
                          {"required", each.required},
                          {"help", each.help}});
  return {{"name", method.name},
          {"summary", method.summary},
          {"parameters", std::move(parameters)},
          {"result", method.result}};
}

Answer<Json> help(Services&, const Arguments& arguments) {
  if (arguments.has("method")) {
    const std::string name = arguments.text("method");
    const Method* const found = find_method(name);
    if (found == nullptr)
      return fault(Code::invalid_parameters, "help: there is no method '" + name + "'");
    return described(*found);
  }
  Json all = Json::array();
  for (const Group group : groups())
    for (const Method& method : group()) all.push_back(described(method));
  return all;
}

Answer<Json> metrics(Services& services, const Arguments&) {
  return Json{{"text", services.metrics ? services.metrics() : std::string()}};
}

constexpr Method methods[] = {
    {.name = "version",
     .summary = "Agree on a version of this protocol, and learn which srpd answers",
     .result = "version: agreed on; versions: all that are spoken; srpd: release",
     .call = version,
     .parameters = {{{"versions", Type::list, false, "those that the client speaks"}}}},
    {.name = "help",
     .summary = "Describe the methods, or one of them",
     .result = "name, summary, parameters and result of each",
     .call = help,
     .parameters = {{{"method", Type::text, false, "its name"}}}},
    {.name = "metrics",
     .summary = "All numbers there are, as Prometheus reads them",
     .result = "text: in Prometheus' text format 0.0.4 (docs/metrics.md)",
     .call = metrics},
};

}  // namespace

std::span<const Method> service_methods() { return methods; }

}  // namespace srpd::rpc
