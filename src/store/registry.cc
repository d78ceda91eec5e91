#include "store/registry.h"

#include <array>
#include <string>
#include <utility>

#include "store/fileio.h"
#include "store/fileio_tuples.h"
#include "store/iblock.h"
#include "store/null.h"
#include "store/pscsi.h"
#include "store/ramdisk.h"
#include "store/ramdisk_tuples.h"

namespace srpd::store {
namespace {

constexpr std::array all_types{
    Type{"ramdisk", "memory; the content is lost when srpd ends", open_ramdisk,
         keep_ramdisk_tuples},
    Type{"null", "no storage: reads return zeroes, writes are dropped", open_null},
    Type{"fileio", "a regular file, or a block device through the page cache", open_fileio,
         keep_fileio_tuples},
    Type{"iblock", "a block device with its own limits and cache", open_iblock},
    Type{"pscsi", "a SCSI device of any kind, commands passed through", open_pscsi},
};

const Type* find_type(std::string_view name) {
  for (const Type& type : all_types)
    if (type.name == name) return &type;
  return nullptr;
}

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
  if (const Type* const type = find_type(specification.type))
    return type->open(specification, home);
  return failure(specification.name, "there is no backstore type '" + specification.type + "'",
                 "use one of: " + known_types());
}

bool can_protect(std::string_view type) {
  const Type* const found = find_type(type);
  return found != nullptr && found->keep_tuples != nullptr;
}

Expected<std::unique_ptr<ProtectedStore>> protect(std::shared_ptr<Backstore> store,
                                                  const Specification& specification,
                                                  const Protection& protection,
                                                  runtime::Loop& home) {
  if (!can_protect(specification.type)) {
    return failure(specification.name, "this kind of backstore keeps no protection information",
                   "set pi_prot_type to 0", ENOSYS);
  }
  auto tuples = find_type(specification.type)
                    ->keep_tuples(specification, store->size() / protection.block_size, home);
  if (!tuples) return tl::make_unexpected(tuples.error());
  return std::make_unique<ProtectedStore>(std::move(store), std::move(*tuples), protection);
}

}  // namespace srpd::store
