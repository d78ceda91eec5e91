#pragma once

#include "lio/statistics.h"

namespace srpd::lio {

class Lun;
class MappedLun;

/// TPG/lun/LUN/statistics.
class LunStatistics final : public Statistics {
 public:
  explicit LunStatistics(const Lun& lun);
};

/// TPG/acls/INITIATOR/LUN/statistics.
class MappedLunStatistics final : public Statistics {
 public:
  explicit MappedLunStatistics(const MappedLun& lun);
};

}  // namespace srpd::lio
