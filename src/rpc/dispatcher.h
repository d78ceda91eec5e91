// The methods that there are, and the call of one by its name.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "rpc/method.h"
#include "rpc/services.h"

namespace srpd::rpc {

/// Of this protocol; a client names those that it speaks (method `version`).
inline constexpr int protocol_version = 1;

/// The methods of one file.
using Group = std::span<const Method> (*)();

/// All groups, in the order of `help`.
std::span<const Group> groups();
/// Null when there is none.
const Method* find_method(std::string_view name);

/// Checks the parameters and calls. Any thread, several at once.
Answer<Json> call(Services& services, const std::string& method, const Json& parameters);

/// One line from a client: the line that answers it, or nothing.
std::string answer_line(Services& services, std::string_view line);

}  // namespace srpd::rpc
