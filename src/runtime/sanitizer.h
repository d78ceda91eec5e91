// Tells AddressSanitizer about memory that a pool holds back, so that use after release is found
// although the memory is still mapped. Nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define SRPD_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SRPD_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef SRPD_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace srpd::runtime {

inline void poison([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t size) {
#ifdef SRPD_ADDRESS_SANITIZER
  __asan_poison_memory_region(start, size);
#endif
}

inline void unpoison([[maybe_unused]] const void* start, [[maybe_unused]] std::size_t size) {
#ifdef SRPD_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(start, size);
#endif
}

}  // namespace srpd::runtime
