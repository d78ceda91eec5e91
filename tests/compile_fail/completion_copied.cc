// error: (use of|call to) deleted
// The loop would complete the original while somebody waits for the copy; g++ 12.2 makes such
// copies of awaited expressions by itself.
#include "runtime/completion.h"

using srpd::runtime::Completion;

int use(Completion& operation) {
#ifdef MISUSE
  const Completion same = operation;
#else
  const Completion& same = operation;
#endif
  return same.result();
}
