// error: coroutine parameters are trivially copyable values or non-const lvalue references
// g++ 12.2 destroys the captures twice, and the lambda may be gone before the coroutine. Its
// function is a const member, so that its first parameter is a const reference.
#include "runtime/task.h"

using srpd::runtime::Task;

Task<int> wait(int& value) { co_return value; }

int use(int& value) {
#ifdef MISUSE
  const auto call = [&value]() -> Task<int> { co_return value; };
#else
  const auto call = [&value]() -> Task<int> { return wait(value); };
#endif
  return call().await_resume();
}
