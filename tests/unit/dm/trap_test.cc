// Trap 144 byte for byte.
#include "dm/trap.h"

#include <gtest/gtest.h>

#include "support/hex.h"

namespace srpd::dm {
namespace {

TEST(Trap, LocalChange) {
  std::string expected =
      test::to_hex(test::hex("01 01 01 05 0000 0000 0000000000000003 0002 0000 00000000"
                             "0000000000000000 0000000000000000 0000000000000000 0000000000000000"
                             "0000000000000000"
                             "84 000001 0090 0002 0000 0000 0002 0000 00090000"));
  expected.append(512 - expected.size(), '0');
  EXPECT_EQ(test::to_hex(local_change_trap(2, 0x00090000, 2)), expected);
}

}  // namespace
}  // namespace srpd::dm
