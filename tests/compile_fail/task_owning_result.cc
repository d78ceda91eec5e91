// error: results are values
// A result that owns something would have to survive in the frame, be moved out and destroyed
// there.
#include <string>

#include "runtime/task.h"

using srpd::runtime::Task;

#ifdef MISUSE
Task<std::string> wait() { co_return {}; }
#else
Task<int> wait() { co_return {}; }
#endif

auto use() { return wait().await_resume(); }
