// Differences of configurations as lines, in the manner of diff.
#pragma once

#include "srpctl/command.h"

namespace srpd::ctl {

/// "+ /backstores/ramdisk/disk", "- ...", "~ ... size: 1 -> 2".
void print_differences(const rpc::Json& differences);
/// What could not be done, to stderr; an exit code.
int print_problems(const rpc::Json& problems);
/// What they are for `apply`, `diff` and `rollback`: printed; `nothing` where there are none.
int show_differences(const rpc::Json& result, const char* nothing);

/// A saveconfig.json; "-" is standard input.
Expected<rpc::Json> read_configuration(const std::string& path);

}  // namespace srpd::ctl
