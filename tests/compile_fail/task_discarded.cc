// error: ignoring return(ed)? value
// A task that nobody awaits or detaches would be destroyed while it waits.
#include "runtime/task.h"

using srpd::runtime::Task;

Task<int> wait() { co_return 0; }

void use() {
#ifdef MISUSE
  wait();
#else
  wait().detach([](void*, int) {}, nullptr);
#endif
}
