// Saved configurations: any bytes are parsed or refused, never more.
// fuzz layers: control
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "control/saveconfig.h"
#include "store/registry.h"

namespace {

bool is_known(const std::string& type) {
  const auto types = srpd::store::types();
  return std::any_of(types.begin(), types.end(),
                     [&](const srpd::store::Type& known) { return known.name == type; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto saved = srpd::control::parse_saveconfig({reinterpret_cast<const char*>(data), size});
  if (saved) {
    for (const auto& problem : saved->problems) CHECK(!problem.text().empty());
    for (const auto& object : saved->configuration.storage_objects)
      CHECK(is_known(object.store.type));
  } else {
    CHECK(!saved.error().cause.empty());
  }
  return 0;
}
