// Who waits for whom, and what the kernel asks for again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "unit/mount/mounted.h"

namespace srpd::mount::test {
namespace {

using ::testing::ElementsAre;

/// Stores, links and removals stop here until they are let go.
class Barrier {
 public:
  explicit Barrier(tree::test::World& world) : world_(world) {
    world_.slow = [this](tree::Change& change) {
      change.unlocked([this] {
        std::unique_lock lock(lock_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
      });
    };
  }
  void wait_for(int count) {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  void open() {
    const std::lock_guard lock(lock_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  tree::test::World& world_;
  std::mutex lock_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

template <class Work>
std::future<int> background(Work work) {
  return std::async(std::launch::async, std::move(work));
}

/// What the daemon changed reaches the kernel a moment later; true when it does.
template <class Condition>
bool becomes(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

TEST_F(MountTest, ASlowStoreDelaysNobody) {
  mkdir_error(at("shelf/slow"));
  mkdir_error(at("shelf/other"));
  Barrier barrier(world_);
  auto store = background([&] { return write_file(at("shelf/slow/label"), "slow"); });
  barrier.wait_for(1);
  EXPECT_EQ(read_file(at("shelf/other/label")), "none\n");
  EXPECT_EQ(read_file(at("shelf/slow/label")), "none\n");
  EXPECT_EQ(status_of(at("shelf/slow")).st_nlink, 4U);
  EXPECT_EQ(list(at("shelf/slow")).size(), 5U);
  EXPECT_EQ(mkdir_error(at("shelf/third")), 0);
  EXPECT_EQ(write_file(at("shelf/third/note"), "quick"), 0);
  barrier.open();
  EXPECT_EQ(store.get(), 0);
  EXPECT_EQ(read_file(at("shelf/slow/label")), "slow\n");
}

TEST_F(MountTest, ManySlowOnesNeither) {
  constexpr int count = 40;
  const auto box = [&](int i) { return at("shelf/box") + std::to_string(i); };
  for (int i = 0; i < count; ++i) ASSERT_EQ(mkdir_error(box(i)), 0);
  Barrier barrier(world_);
  std::vector<std::future<int>> stores;
  for (int i = 0; i < count; ++i)
    stores.push_back(
        background([&, i] { return write_file(box(i) + "/label", std::to_string(i)); }));
  barrier.wait_for(count);
  EXPECT_EQ(list(at("shelf")).size(), std::size_t{count});
  EXPECT_EQ(read_file(box(7) + "/label"), "none\n");
  EXPECT_EQ(mkdir_error(at("shelf/more")), 0);
  barrier.open();
  for (auto& store : stores) EXPECT_EQ(store.get(), 0);
  EXPECT_EQ(read_file(box(7) + "/label"), "7\n");
  EXPECT_EQ(write_file(box(7) + "/label", "after"), 0) << "threads that ended are made again";
}

TEST_F(MountTest, StopAnswersWhatHasBeenAsked) {
  mkdir_error(at("shelf/slow"));
  Barrier barrier(world_);
  auto store = background([&] { return write_file(at("shelf/slow/label"), "slow"); });
  barrier.wait_for(1);
  auto stop = background([&] {
    mount_->stop();
    return 0;
  });
  barrier.open();
  EXPECT_EQ(store.get(), 0);
  EXPECT_EQ(stop.get(), 0);
  EXPECT_EQ(world_.read("shelf/slow/label"), "slow\n");
  EXPECT_THAT(list(top_), ElementsAre());
}

TEST_F(MountTest, TheKernelAsksOnce) {
  constexpr int count = 250;
  const auto box = [&](int i) { return at("shelf/box") + std::to_string(i); };
  for (int i = 0; i < count; ++i) ASSERT_EQ(mkdir_error(box(i)), 0);
  const auto walk = [&] {
    const auto before = mount_->requests();
    for (int i = 0; i < count; ++i) {
      status_of(box(i) + "/left");
      status_of(box(i) + "/label");
    }
    return mount_->requests() - before;
  };
  EXPECT_LE(walk(), std::uint64_t{3 * count}) << "one for each name";
  EXPECT_EQ(walk(), 0U);
  const auto before = mount_->requests();
  for (int i = 0; i < count; ++i) read_file(box(i) + "/label");
  // Opened, read until its end, released: no more than these.
  EXPECT_LE(mount_->requests() - before, std::uint64_t{4 * count});
}

TEST_F(MountTest, TheKernelHearsWhatTheDaemonRemoves) {
  for (const char* name : {"a", "b"}) ASSERT_EQ(mkdir_error(at("shelf/") + name), 0);
  ASSERT_EQ(symlink_error(at("shelf/b"), at("shelf/a/l")), 0);
  EXPECT_EQ(status_of(at("shelf/a/l")).st_mode, S_IFLNK | 0777U);
  EXPECT_EQ(status_of(at("shelf")).st_nlink, 4U);
  ASSERT_EQ(world_.unlink("shelf/a", "l"), 0);
  EXPECT_TRUE(becomes([&] { return status_error(at("shelf/a/l")) == ENOENT; }));
  ASSERT_EQ(world_.rmdir("shelf", "a"), 0);
  EXPECT_TRUE(becomes([&] { return status_error(at("shelf/a")) == ENOENT; }));
  EXPECT_TRUE(becomes([&] { return status_of(at("shelf")).st_nlink == 3; }));
}

TEST_F(MountTest, TheKernelHearsWhatTheDaemonMakes) {
  EXPECT_EQ(status_error(at("shelf/new")), ENOENT);
  EXPECT_EQ(status_of(at("shelf")).st_nlink, 2U);
  ASSERT_EQ(world_.mkdir("shelf", "new"), 0);
  EXPECT_EQ(status_error(at("shelf/new")), 0) << "that there is nothing is never remembered";
  EXPECT_TRUE(becomes([&] { return status_of(at("shelf")).st_nlink == 3; }));
  ASSERT_EQ(world_.write("shelf/new/label", "stored"), 0);
  EXPECT_EQ(read_file(at("shelf/new/label")), "stored\n");
}

// The kernel would lose the name of the directory that a shell stands in.
TEST_F(MountTest, ThatWhichCameThroughTheMountIsNotForgotten) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(mkdir_error(at("shelf/a")), 0);
    ASSERT_EQ(::chdir(at("shelf/a").c_str()), 0);
    char name[512];
    ASSERT_NE(::getcwd(name, sizeof name), nullptr) << i;
    ASSERT_EQ(::chdir("/"), 0);
    ASSERT_EQ(rmdir_error(at("shelf/a")), 0);
  }
}

TEST_F(MountTest, ScriptsInParallel) {
  const auto script = [&](const std::string& own) {
    int wrong = 0;
    for (int i = 0; i < 100; ++i) {
      const std::string box = at("shelf/") + own;
      wrong += mkdir_error(box) != 0;
      mkdir_error(at("shelf/shared"));
      wrong += write_file(box + "/label", own) != 0;
      wrong += read_file(box + "/label") != own + "\n";
      if (symlink_error(at("shelf/shared"), box + "/l") == 0)
        wrong += unlink_error(box + "/l") != 0;
      rmdir_error(at("shelf/shared"));
      wrong += rmdir_error(box) != 0;
    }
    return wrong;
  };
  auto one = background([&] { return script("one"); });
  auto two = background([&] { return script("two"); });
  EXPECT_EQ(one.get(), 0);
  EXPECT_EQ(two.get(), 0);
  rmdir_error(at("shelf/shared"));
  EXPECT_THAT(list(at("shelf")), ElementsAre());
}

}  // namespace
}  // namespace srpd::mount::test
