#include "lio/profile.h"

#include <gtest/gtest.h>

namespace srpd::lio {
namespace {

TEST(LioProfile, IsThatOfTheKernel) {
  EXPECT_EQ(profile_of_release("6.1.0-56-amd64"), Profile::linux_6_1);
  EXPECT_EQ(profile_of_release("6.12.117+deb12-amd64"), Profile::linux_6_12);
  EXPECT_EQ(profile_of_release("6.11"), Profile::linux_6_1);
  EXPECT_EQ(profile_of_release("6.12"), Profile::linux_6_12);
  EXPECT_EQ(profile_of_release("7.0-rc1"), Profile::linux_6_12);
  EXPECT_EQ(profile_of_release("5.15.0"), Profile::linux_6_1);
}

TEST(LioProfile, IsTheOldestOfWhatIsNoRelease) {
  EXPECT_EQ(profile_of_release(""), Profile::linux_6_1);
  EXPECT_EQ(profile_of_release("next"), Profile::linux_6_1);
  EXPECT_EQ(profile_of_release("6"), Profile::linux_6_1);
  EXPECT_EQ(profile_of_release("99999999999.1"), Profile::linux_6_1);
}

}  // namespace
}  // namespace srpd::lio
