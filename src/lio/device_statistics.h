#pragma once

#include "lio/statistics.h"

namespace srpd::lio {

class Device;

/// core/HBA/DEVICE/statistics.
class DeviceStatistics final : public Statistics {
 public:
  explicit DeviceStatistics(const Device& device);
};

}  // namespace srpd::lio
