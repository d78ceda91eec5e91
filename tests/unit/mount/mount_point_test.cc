// Where the tree can be mounted, and what happens to a mount whose process is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>
#include <string>

#include "mount/mount_table.h"
#include "mount/point.h"
#include "unit/mount/mounted.h"

namespace srpd::mount::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Starts with nothing mounted.
class MountPointTest : public MountTest {
 protected:
  void start() override {}

  std::string refusal(const std::string& directory) {
    Options wanted;
    wanted.directory = directory;
    const auto mounted = Mount::start(world_.tree, wanted);
    return mounted ? "mounted" : mounted.error().text();
  }
  /// A process that mounts a tree of its own and serves it until it is killed.
  pid_t serve() {
    int ready[2] = {};
    EXPECT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      tree::test::World world;
      world.mkdir("shelf", "of the other");
      const auto mounted = Mount::start(world.tree, options());
      const char answer = mounted ? 'y' : 'n';
      if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char answer = 0;
    EXPECT_EQ(::read(ready[0], &answer, 1), 1);
    EXPECT_EQ(answer, 'y');
    ::close(ready[0]);
    return child;
  }
  static void kill(pid_t child) {
    ::kill(child, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
  }
};

TEST_F(MountPointTest, MakesTheDirectoryAndLeavesItEmpty) {
  top_ = base_ + "/some/where";
  ASSERT_NO_FATAL_FAILURE(MountTest::start());
  EXPECT_EQ(status_error(at("shelf")), 0);
  EXPECT_EQ(mount_->directory(), top_);
  mount_->stop();
  EXPECT_TRUE(list(top_).empty());
  ASSERT_NO_FATAL_FAILURE(MountTest::start());
  EXPECT_EQ(status_error(at("shelf")), 0) << "again";
}

TEST_F(MountPointTest, TakesOverFromAKilledProcess) {
  const pid_t child = serve();
  EXPECT_EQ(list(at("shelf")).size(), 1U);
  const File open_file(at("shelf/of the other/label"), O_RDONLY);
  kill(child);
  EXPECT_THAT(list(top_), ElementsAre("ENOTCONN"));
  ASSERT_NO_FATAL_FAILURE(MountTest::start());
  EXPECT_TRUE(list(at("shelf")).empty()) << "ours";
  EXPECT_EQ(open_file.read(), "ENOTCONN");
  mount_->stop();
  EXPECT_EQ(find_mounted(mount_table(), top_), nullptr) << "nothing is left below";
}

TEST_F(MountPointTest, LeavesAnotherProcessAlone) {
  const pid_t child = serve();
  EXPECT_THAT(refusal(top_), HasSubstr("another process shows its tree here; stop that one"));
  EXPECT_EQ(list(at("shelf")).size(), 1U);
  kill(child);
}

TEST_F(MountPointTest, RefusesWhatIsInUse) {
  ASSERT_EQ(mkdir_error(top_), 0);
  std::ofstream(top_ + "/file") << "x";
  EXPECT_THAT(refusal(top_), HasSubstr("there are files in it, which the tree would hide"));
  EXPECT_THAT(refusal(top_ + "/file"), HasSubstr("it is no directory"));
  ASSERT_EQ(error_of(::mount("memory", top_.c_str(), "tmpfs", 0, nullptr)), 0);
  EXPECT_THAT(refusal(top_), HasSubstr("tmpfs (memory) is mounted on this directory; unmount it"));
  EXPECT_THAT(refusal("/proc/none/such"), HasSubstr("its parent directory cannot be used"));
  EXPECT_THAT(refusal(""), HasSubstr("no path of a directory"));
  EXPECT_THAT(refusal("/"), HasSubstr("no path of a directory"));
}

TEST_F(MountPointTest, StopsWhileSomebodyStandsInside) {
  ASSERT_NO_FATAL_FAILURE(MountTest::start());
  mkdir_error(at("shelf/a"));
  ASSERT_EQ(::chdir(at("shelf/a").c_str()), 0);
  const File open_file(at("shelf/a/label"), O_RDWR);
  mount_->stop();
  EXPECT_NE(error_of(open_file.write("x")), 0);
  EXPECT_NE(status_error("left"), 0);
  ASSERT_EQ(::chdir("/"), 0);
  ASSERT_NO_FATAL_FAILURE(MountTest::start());
  EXPECT_EQ(status_error(at("shelf/a")), 0) << "the tree is still the same";
}

TEST_F(MountPointTest, EndsWhenSomebodyUnmounts) {
  ASSERT_NO_FATAL_FAILURE(MountTest::start());
  ASSERT_EQ(error_of(::umount2(top_.c_str(), 0)), 0);
  const pid_t other = serve();
  mount_.reset();
  EXPECT_EQ(list(at("shelf")).size(), 1U) << "the other one's mount is still there";
  kill(other);
}

}  // namespace
}  // namespace srpd::mount::test
