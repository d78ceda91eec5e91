// The mode pages: one builder per file, listed in page.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scsi/command.h"

namespace srpd::scsi {

/// Page control of MODE SENSE, SPC-5 table 152.
enum class PageControl : std::uint8_t { current = 0, changeable = 1, defaults = 2, saved = 3 };

struct ModePage {
  std::uint8_t code;
  std::uint8_t subpage;
  std::uint8_t length;  ///< of what follows the page header
  /// Fills in the values, into zeroed bytes. No page has changeable fields yet, so for `changeable`
  /// the zeroes stay and this is not called.
  void (*build)(const Command& command, std::span<std::byte> out);
};

/// In ascending order.
std::span<const ModePage> mode_pages();

// SBC-4 6.5, SPC-5 7.5.
void build_error_recovery_page(const Command& command, std::span<std::byte> out);
void build_caching_page(const Command& command, std::span<std::byte> out);
void build_control_page(const Command& command, std::span<std::byte> out);
void build_informational_exceptions_page(const Command& command, std::span<std::byte> out);

}  // namespace srpd::scsi
