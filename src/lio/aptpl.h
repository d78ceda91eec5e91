// Registrations of a device that survive a loss of power (APTPL, SPC-4 5.9.5): the file
// <dbroot>/pr/aptpl_<unit serial> in LIO's words, which LIO's tools read as well.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "lio/engine.h"
#include "tree/tree.h"

namespace srpd::lio {

/// Items whose value is no number are passed over by LIO; in a file they are damage.
enum class Reading : std::uint8_t { attribute, file };

/// KEY=VALUE items of one registration. Keys that are not known say nothing that is needed here.
Result<AptplRegistration> parse_registration(std::string_view text, Reading reading);

std::string aptpl_text(const std::vector<AptplRegistration>& registrations);
/// All of it, or an error.
Result<std::vector<AptplRegistration>> parse_aptpl(std::string_view text);

/// Where it is below a dbroot; empty for a serial that no file can be named by.
std::string aptpl_path(const std::string& dbroot, const std::string& serial);
/// When it returns well, `text` is on stable media; else the file is what it was.
Expected<void> write_aptpl(const std::string& path, std::string_view text);
/// Without a file there are none.
Expected<std::vector<AptplRegistration>> read_aptpl(const std::string& path);

/// Writes it for a device of the tree; false when that was not possible, which is logged. Any
/// thread but those of loops.
bool keep_registrations(tree::Tree& tree, DeviceId device, const DeviceSpec& spec,
                        const std::string& text);

/// Hands what was written last to the engine, when the configuration is being restored: for every
/// device, as a rule before LUNs show it. What could not be handed over is returned.
std::vector<Error> restore_registrations(tree::Tree& tree);

}  // namespace srpd::lio
