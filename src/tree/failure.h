// What an operation on the tree answers when it cannot be done: the errno that a file operation
// gets, and a sentence for those who read sentences.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/error.h"

namespace srpd::tree {

struct Failure {
  int code = 0;        ///< errno, positive
  std::string cause;   ///< why, without the name of the object
  std::string remedy;  ///< what to do about it; empty where the cause says it

  /// For srpctl and the log. `object` is the path of what was operated on.
  Error error(std::string object) const {
    return {std::move(object), cause.empty() ? errno_text(code) : cause, remedy};
  }
};

template <class T>
using Result = tl::expected<T, Failure>;

inline tl::unexpected<Failure> fail(int code, std::string cause = {}, std::string remedy = {}) {
  return tl::unexpected<Failure>(Failure{code, std::move(cause), std::move(remedy)});
}

}  // namespace srpd::tree
