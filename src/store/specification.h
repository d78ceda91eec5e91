// What a configuration says about where the blocks of a unit are. Values as written by a person or
// a saved file; the store's open function checks them.
#pragma once

#include <cstdint>
#include <string>

namespace srpd::store {

struct Specification {
  std::string type;  ///< a name in registry.cc
  std::string name;  ///< of the storage object, for messages
  std::string path;  ///< fileio: regular file or block device; iblock: block device;
                     ///< pscsi: device node, or HOST:CHANNEL:TARGET:LUN
  /// Bytes. 0: what the file has. A missing or empty file is made this long. iblock: not used.
  std::uint64_t size = 0;
  bool create = true;  ///< fileio: false: a missing file, or that of its protection information,
                       ///< is not made
  /// Of the logical blocks; an iblock's are at least as long as its device's.
  std::uint32_t block_size = 512;
  bool direct = false;  ///< fileio: O_DIRECT
  bool dsync = false;   ///< fileio: O_DSYNC
  bool read_only = false;
  bool exclusive = true;  ///< iblock: nobody else may hold the device
};

}  // namespace srpd::store
