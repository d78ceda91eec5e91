#include "lio/device_parts.h"

namespace srpd::lio {

void add_device_parts(Device& device, const AddPart& add) {
  add("action", make_action(device));
  add("attrib", make_attrib(device));
  add("pr", make_pr(device));
  add("wwn", make_wwn(device));
}

}  // namespace srpd::lio
