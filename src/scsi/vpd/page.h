// The vital product data pages: one builder per file, listed in page.cc.
#pragma once

#include <cstdint>
#include <span>

#include "scsi/command.h"
#include "scsi/parameter_data.h"

namespace srpd::scsi {

struct VpdPage {
  std::uint8_t code;
  /// Appends what follows the page's header. command.lu is not null.
  void (*build)(const Command& command, ParameterData& data);
};

/// In ascending order.
std::span<const VpdPage> vpd_pages();
/// Null when there is no such page.
const VpdPage* find_vpd_page(std::uint8_t code);

// SPC-5 7.7, SBC-4 6.6.
void build_supported_pages(const Command& command, ParameterData& data);
void build_unit_serial_number(const Command& command, ParameterData& data);
void build_device_identification(const Command& command, ParameterData& data);
void build_extended_inquiry(const Command& command, ParameterData& data);
void build_block_limits(const Command& command, ParameterData& data);
void build_block_characteristics(const Command& command, ParameterData& data);
void build_logical_block_provisioning(const Command& command, ParameterData& data);

}  // namespace srpd::scsi
