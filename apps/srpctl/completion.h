// What the word before the cursor can become.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "srpctl/node.h"

namespace srpd::ctl {

struct Completion {
  std::string word;                     ///< that is being completed, as written so far
  std::vector<std::string> candidates;  ///< whole words; those with children end with a slash
};

/// Names of attributes of a node, as srpd says.
using AttributeNames = std::function<std::vector<std::string>(const Node& node)>;

/// `line` up to the cursor. `root` may be null when srpd does not answer.
Completion complete(std::string_view line, const Node* root, const std::string& place,
                    const AttributeNames& attributes);
/// What all candidates begin with.
std::string common_prefix(const std::vector<std::string>& candidates);

/// Words of a line: blanks separate, quotes and backslashes keep together.
std::vector<std::string> split_line(std::string_view line);

/// The shell's own commands.
std::vector<std::string_view> builtins();

}  // namespace srpd::ctl
