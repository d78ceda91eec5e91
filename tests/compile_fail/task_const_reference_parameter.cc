// error: coroutine parameters are trivially copyable values or non-const lvalue references
// A const reference may be bound to a temporary that is gone when the coroutine goes on.
#include "runtime/task.h"

using srpd::runtime::Task;

struct Device {};

#ifdef MISUSE
Task<int> wait(const Device&) { co_return 0; }
#else
Task<int> wait(Device&) { co_return 0; }
#endif

int use(Device& device) { return wait(device).await_resume(); }
