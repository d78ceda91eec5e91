#include "store/new_size.h"

#include <cerrno>

#include "store/size_text.h"

namespace srpd::store {

Expected<void> check_new_size(const std::string& name, std::uint64_t now, std::uint64_t wanted,
                              bool may_shrink) {
  if (wanted == 0)
    return failure(name, "nothing would be left of it", "give a size of at least one block",
                   EINVAL);
  if (wanted >= now || may_shrink) return {};
  return failure(name,
                 "it would shrink from " + format_size(now) + " to " + format_size(wanted) +
                     ": hosts lose what they have written beyond",
                 "let hosts make their file systems on it smaller first; then add --force", EPERM);
}

}  // namespace srpd::store
