// error: coroutine parameters are trivially copyable values or non-const lvalue references
// What an rvalue reference is bound to is gone when the coroutine goes on.
#include <utility>

#include "runtime/task.h"

using srpd::runtime::Task;

#ifdef MISUSE
Task<int> wait(int&& value) { co_return std::move(value); }
#else
Task<int> wait(int value) { co_return std::move(value); }
#endif

int use() { return wait(1).await_resume(); }
