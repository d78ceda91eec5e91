// CHECK states what the programmer guarantees and stays on in release. Input from outside is
// parsed, never asserted.
#pragma once

namespace srpd {

/// Prints the failed condition with its place and aborts. Any thread.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace srpd

#define CHECK(condition)                             \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::srpd::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define DCHECK(condition) CHECK(condition)
#endif
