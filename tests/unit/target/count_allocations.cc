// The same counting operator new as the runtime's tests have, for this program.
#include "unit/runtime/allocation_counter.cc"
