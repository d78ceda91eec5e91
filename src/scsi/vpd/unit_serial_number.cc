// Page 80h, SPC-5 7.7.18. With the terminating zero that LIO counts in, so that hosts see the same
// bytes.
#include <algorithm>
#include <cstring>

#include "scsi/lu.h"
#include "scsi/vpd/page.h"

namespace srpd::scsi {

void build_unit_serial_number(const Command& command, ParameterData& data) {
  const std::string& serial = command.lu->identity().unit_serial;
  const std::size_t length = std::min<std::size_t>(serial.size(), 253);
  const auto out = data.add_bytes(length + 1);
  std::memcpy(out.data(), serial.data(), length);
}

}  // namespace srpd::scsi
