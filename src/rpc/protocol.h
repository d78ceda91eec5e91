// JSON-RPC 2.0 as text: one request or batch in, one answer out. No sockets, no state.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "rpc/fault.h"

namespace srpd::rpc {

/// Deeper nesting than a request has any use for; saveconfig.json has 8.
inline constexpr std::size_t max_depth = 64;
/// Requests of one batch.
inline constexpr std::size_t max_batch = 1000;

/// Does what a request asks. `parameters` is an object, an array, or null when there are none.
using Call = std::function<Answer<Json>(const std::string& method, const Json& parameters)>;

/// Answers one text, whatever is in it. Without a newline, and empty where nothing is to be
/// answered: JSON-RPC 2.0 4.1 notifications.
std::string answer(std::string_view text, const Call& call);

/// The answer to what could not be read so far as to have an id.
std::string answer_of(const Fault& fault);

}  // namespace srpd::rpc
