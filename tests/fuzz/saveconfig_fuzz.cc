// Saved configurations: any bytes are parsed or refused, never more.
// fuzz layers: control
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "control/saveconfig.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto saved = srpd::control::parse_saveconfig({reinterpret_cast<const char*>(data), size});
  if (saved) {
    for (const auto& problem : saved->problems) CHECK(!problem.text().empty());
    for (const auto& object : saved->configuration.storage_objects)
      CHECK(object.store.type == "ramdisk" || object.store.type == "null" ||
            object.store.type == "fileio");
  } else {
    CHECK(!saved.error().cause.empty());
  }
  return 0;
}
