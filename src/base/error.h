// Errors of the control plane, set-up and parsing: what a person reads.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace srpd {

/// Names the object, the cause and what to do about it. `remedy` may be empty where the cause says
/// it.
struct Error {
  std::string object;
  std::string cause;
  std::string remedy;
  int number = 0;  ///< the errno value behind it, for those who answer with one; 0: none is known

  /// "OBJECT: CAUSE; REMEDY", one line.
  std::string text() const {
    std::string out = object.empty() ? cause : object + ": " + cause;
    if (!remedy.empty()) out += "; " + remedy;
    return out;
  }
};

template <class T>
using Expected = tl::expected<T, Error>;

inline tl::unexpected<Error> failure(std::string object, std::string cause, std::string remedy = {},
                                     int number = 0) {
  return tl::unexpected<Error>(
      Error{std::move(object), std::move(cause), std::move(remedy), number});
}

/// The text of an errno value, for `cause`. Any thread.
std::string errno_text(int error_number);

}  // namespace srpd
