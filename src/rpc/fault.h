// What a request of the control socket is answered with when it cannot be done: JSON-RPC 2.0 5.1
// for mistakes of the request itself, and one code of our own for what the daemon refused.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"
#include "tree/failure.h"

namespace srpd::rpc {

/// Members stay in the order in which they are written.
using Json = nlohmann::ordered_json;

enum class Code : int {
  parse_error = -32700,
  invalid_request = -32600,
  unknown_method = -32601,
  invalid_parameters = -32602,
  internal_error = -32603,
  refused = -32000,     ///< the daemon could not do it; `data` says why
  too_large = -32001,   ///< longer than a request may be; the connection ends
  too_many = -32002,    ///< more connections than are served; the connection ends
  no_version = -32003,  ///< no version of the protocol that both ends speak
};

struct Fault {
  Code code = Code::internal_error;
  std::string message;
  Json data = nullptr;
};

template <class T>
using Answer = tl::expected<T, Fault>;

inline tl::unexpected<Fault> fault(Code code, std::string message, Json data = nullptr) {
  return tl::unexpected<Fault>(Fault{code, std::move(message), std::move(data)});
}

/// {"object", "cause", "remedy"}: what a person needs.
Json json_of(const Error& error);

/// What the daemon refused: `data` is the error, with errno and its name where `number` is not 0.
tl::unexpected<Fault> refused(const Error& error, int number = 0);
/// As above; `object` is the path of what was operated on.
tl::unexpected<Fault> refused(const tree::Failure& failure, std::string object);

}  // namespace srpd::rpc
