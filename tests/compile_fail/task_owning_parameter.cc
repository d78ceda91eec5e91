// error: coroutine parameters are trivially copyable values or non-const lvalue references
// g++ 12.2 destroys the copy of such a parameter twice.
#include <string>

#include "runtime/task.h"

using srpd::runtime::Task;

#ifdef MISUSE
Task<int> wait(std::string name) { co_return static_cast<int>(name.size()); }
#else
Task<int> wait(std::string& name) { co_return static_cast<int>(name.size()); }
#endif

int use(std::string& name) { return wait(name).await_resume(); }
