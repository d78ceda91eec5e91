// In a mount namespace that ends with the test. The tree is only a directory here: what is tested
// is where it appears.
#include "ns/configfs.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "ns/mounts.h"

namespace srpd::ns {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ConfigfsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto entered = enter_private_namespace(); !entered)
      GTEST_SKIP() << entered.error().text();
    std::string name = ::testing::TempDir() + "srpd-ns-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    tree_ = fs::canonical(name).string();
    fs::create_directories(tree_ + "/target/srpt/0x00000000000000010000000000000002");
    fs::create_directories(tree_ + "/target/srpt/0001:0002:0003:0004");
    fs::create_directories(tree_ + "/target/core");
  }
  void TearDown() override {
    if (!tree_.empty()) fs::remove_all(tree_);
  }
  /// As on a machine whose kernel has no such thing.
  void hide(const std::string& directory, const std::string& entry) {
    ASSERT_TRUE(make_extensible(directory));
    ::umount2((directory + '/' + entry).c_str(), MNT_DETACH);
    fs::remove_all(directory + '/' + entry);
  }

  std::string tree_;
};

TEST_F(ConfigfsTest, ExtendsSysfsAndShowsTheRest) {
  const std::string before = read("/sys/kernel/uevent_seqnum");
  hide("/sys/kernel", "config");
  const auto form = show_tree(tree_);
  ASSERT_TRUE(form) << form.error().text();
  EXPECT_EQ(*form, Form::without_configfs);
  EXPECT_TRUE(fs::is_directory("/sys/kernel/config/target/core"));
  EXPECT_TRUE(fs::is_directory("/sys/kernel/mm"));
  EXPECT_FALSE(before.empty());
  EXPECT_FALSE(read("/sys/kernel/uevent_seqnum").empty());
}

TEST_F(ConfigfsTest, CoversConfigfs) {
  hide("/sys/kernel", "config");
  fs::create_directories("/sys/kernel/config");
  const auto form = show_tree(tree_);
  ASSERT_TRUE(form) << form.error().text();
  EXPECT_EQ(*form, Form::over_configfs);
  EXPECT_TRUE(fs::is_directory("/sys/kernel/config/target/core"));
}

TEST_F(ConfigfsTest, ShowsPortsWhereThereAreNone) {
  hide("/sys/class", "infiniband");
  ASSERT_TRUE(show_ports({"fe80000000000000021234fffe567890", std::string(32, 'a')}));
  EXPECT_EQ(read("/sys/class/infiniband/srpd0/ports/1/gids/0"),
            "fe80:0000:0000:0000:0212:34ff:fe56:7890\n");
  EXPECT_EQ(read("/sys/class/infiniband/srpd0/ports/2/gids/0"),
            "aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa\n");
  EXPECT_TRUE(fs::is_directory("/sys/class/net"));
  EXPECT_TRUE(fs::exists("/sys/class/net/lo/address")) << "links lead where they led";
}

TEST_F(ConfigfsTest, LeavesPortsOfTheMachineAlone) {
  hide("/sys/class", "infiniband");
  fs::create_directories("/sys/class/infiniband/mlx5_0");
  ASSERT_TRUE(show_ports({std::string(32, 'a')}));
  EXPECT_FALSE(fs::exists("/sys/class/infiniband/srpd0"));
}

TEST_F(ConfigfsTest, KnowsTargetsThatPortsCanHave) {
  EXPECT_EQ(target_names(tree_), std::vector<std::string>{"00000000000000010000000000000002"});
  EXPECT_TRUE(target_names("/missing").empty());
}

TEST_F(ConfigfsTest, SaysWhereNoTreeIs) {
  const auto usable = check_tree(tree_);
  ASSERT_FALSE(usable);
  EXPECT_EQ(
      usable.error().text(),
      tree_ + ": no tree is mounted here; mount the tree first, or say with --tree where it is");
  EXPECT_FALSE(check_tree("/missing/place"));
}

}  // namespace
}  // namespace srpd::ns
