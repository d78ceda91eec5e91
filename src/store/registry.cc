#include "store/registry.h"

#include <array>
#include <string>

#include "store/fileio.h"
#include "store/iblock.h"
#include "store/null.h"
#include "store/pscsi.h"
#include "store/ramdisk.h"

namespace srpd::store {
namespace {

constexpr std::array all_types{
    Type{"ramdisk", "memory; the content is lost when srpd ends", open_ramdisk},
    Type{"null", "no storage: reads return zeroes, writes are dropped", open_null},
    Type{"fileio", "a regular file, or a block device through the page cache", open_fileio},
    Type{"iblock", "a block device with its own limits and cache", open_iblock},
    Type{"pscsi", "a SCSI device of any kind, commands passed through", open_pscsi},
};

std::string known_types() {
  std::string text;
  for (const Type& type : all_types) {
    if (!text.empty()) text += ", ";
    text += type.name;
  }
  return text;
}

}  // namespace

std::span<const Type> types() { return all_types; }

Expected<std::unique_ptr<Backstore>> open(const Specification& specification, runtime::Loop& home) {
  const std::uint32_t block = specification.block_size;
  if (block != 512 && block != 1024 && block != 2048 && block != 4096) {
    return failure(specification.name, "block size " + std::to_string(block) + " is not possible",
                   "use 512, 1024, 2048 or 4096");
  }
  for (const Type& type : all_types) {
    if (type.name == specification.type) return type.open(specification, home);
  }
  return failure(specification.name, "there is no backstore type '" + specification.type + "'",
                 "use one of: " + known_types());
}

}  // namespace srpd::store
