// srpctl without a command: a shell in the manner of targetcli, by libedit.
#pragma once

#include <string>
#include <vector>

#include "srpctl/command.h"

namespace srpd::ctl {

/// Whether the words of the command line have no command; options before it are taken.
bool is_for_shell(const std::vector<std::string>& words, Common& common);

/// Reads lines from a terminal with completion and history, or from elsewhere without. The code of
/// the last command.
int run_shell(Common& common);

}  // namespace srpd::ctl
