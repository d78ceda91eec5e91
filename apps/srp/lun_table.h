// The LUNs of a target with what they say about themselves.
#pragma once

#include <string>

#include "command.h"

namespace srpd::cli {

/// Logs in to the target of the URL, asks every LUN and prints a table. Returns the exit code.
int print_lun_table(const Common& common, const std::string& url);

}  // namespace srpd::cli
