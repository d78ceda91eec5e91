# Warnings, sanitizers and build switches, set once for every target.
option(SRPD_WERROR "Warnings are errors" OFF)
option(SRPD_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(SRPD_CHECK_HEADERS "Compile every header alone" OFF)
set(SRPD_SANITIZE "" CACHE STRING "Comma separated list for -fsanitize=")

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wno-sign-conversion
                    -fno-strict-aliasing)
if(SRPD_WERROR)
  add_compile_options(-Werror)
endif()
if(SRPD_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false maybe-uninitialized in inlined library code when sanitizers are on.
  add_compile_options(-Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # clang sees libstdc++ 12 use its own deprecated get_temporary_buffer in std::stable_sort.
  add_compile_options(-Wno-deprecated-declarations)
endif()
if(SRPD_SANITIZE)
  add_compile_options(-fsanitize=${SRPD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SRPD_SANITIZE})
endif()
if(SRPD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
