// An operation that waits for the world outside: others go on reading, and what would change the
// same object waits for its turn. Every wait here is for a thread that is certain to come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tree/tree.h"
#include "unit/tree/shop.h"

namespace srpd::tree::test {
namespace {

using ::testing::ElementsAre;

/// The next slow work of the model stops here until it is let go.
class Obstacle {
 public:
  explicit Obstacle(World& world) {
    world.slow = [this](Change& change) {
      if (std::exchange(met_, true)) return;
      change.unlocked([this] {
        reached_.set_value();
        released_.get_future().wait();
      });
    };
  }
  void wait_until_reached() { reached_.get_future().wait(); }
  void release() { released_.set_value(); }

 private:
  bool met_ = false;  ///< under the lock of the tree
  std::promise<void> reached_;
  std::promise<void> released_;
};

template <class Work>
std::future<int> start(Work work) {
  return std::async(std::launch::async, std::move(work));
}

bool still_running(std::future<int>& result) {
  return result.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout;
}

TEST(TreeThreads, OthersReadWhileAStoreWaits) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  Obstacle obstacle(world);
  auto store = start([&] { return world.write("shelf/a/label", "slow"); });
  obstacle.wait_until_reached();
  EXPECT_EQ(world.read("shelf/a/label"), "none\n");
  EXPECT_THAT(world.list("shelf"), ElementsAre("b", "a"));
  EXPECT_EQ(world.write("shelf/b/label", "quick"), 0) << "another object";
  EXPECT_EQ(world.mkdir("shelf", "c"), 0);
  obstacle.release();
  EXPECT_EQ(store.get(), 0);
  EXPECT_EQ(world.read("shelf/a/label"), "slow\n");
}

TEST(TreeThreads, ChangesOfABusyObjectWait) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  Obstacle obstacle(world);
  auto store = start([&] { return world.write("shelf/a/label", "first"); });
  obstacle.wait_until_reached();
  auto second = start([&] { return world.write("shelf/a/label", "second"); });
  auto link = start([&] { return world.symlink("shelf/b", "link", "shelf/a"); });
  EXPECT_TRUE(still_running(second));
  EXPECT_TRUE(still_running(link));
  obstacle.release();
  EXPECT_EQ(store.get(), 0);
  EXPECT_EQ(second.get(), 0);
  EXPECT_EQ(link.get(), 0);
  EXPECT_EQ(world.read("shelf/a/label"), "second\n");
}

TEST(TreeThreads, WhoWaitedForARemovalFindsNothing) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  Obstacle obstacle(world);
  auto removal = start([&] { return world.rmdir("shelf", "a"); });
  obstacle.wait_until_reached();
  EXPECT_EQ(world.mkdir("shelf", "a"), EEXIST) << "it is still there";
  auto store = start(
      [&, id = world.id("shelf/a/label")] { return World::code(world.tree.write(id, "late")); });
  auto again = start([&] { return world.rmdir("shelf", "a"); });
  auto link = start([&] { return world.symlink("shelf/b", "link", "shelf/a"); });
  EXPECT_TRUE(still_running(store));
  EXPECT_TRUE(still_running(again));
  EXPECT_TRUE(still_running(link));
  obstacle.release();
  EXPECT_EQ(removal.get(), 0);
  EXPECT_EQ(store.get(), ENOENT);
  EXPECT_EQ(again.get(), ENOENT);
  EXPECT_EQ(link.get(), ENOENT);
}

TEST(TreeThreads, ALinkTargetIsBusyWhileTheLinkIsMade) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  Obstacle obstacle(world);
  auto link = start([&] { return world.symlink("shelf/a", "link", "shelf/b"); });
  obstacle.wait_until_reached();
  auto removal = start([&] { return world.rmdir("shelf", "b"); });
  auto same = start([&] { return world.symlink("shelf/a", "link", "shelf/b"); });
  EXPECT_TRUE(still_running(removal));
  EXPECT_TRUE(still_running(same));
  obstacle.release();
  EXPECT_EQ(link.get(), 0);
  EXPECT_EQ(removal.get(), EBUSY);
  EXPECT_EQ(same.get(), EEXIST);
}

class Recorder final : public Listener {
 public:
  void on_change(const Event& event) override {
    const std::lock_guard lock(lock_);
    seen_.push_back(std::string(words[static_cast<int>(event.kind)]) + " " + event.name);
    numbers_.push_back(event.number);
  }
  std::vector<std::string> seen() {
    const std::lock_guard lock(lock_);
    return seen_;
  }
  std::vector<std::uint64_t> numbers() {
    const std::lock_guard lock(lock_);
    return numbers_;
  }

 private:
  static constexpr const char* words[] = {"made",     "removed", "linked",
                                          "unlinked", "stored",  "changed"};
  std::mutex lock_;
  std::vector<std::string> seen_;
  std::vector<std::uint64_t> numbers_;
};

TEST(TreeListener, HearsOfEveryChangeAndOfNothingElse) {
  World world;
  Recorder recorder;
  world.mkdir("shelf", "before");
  world.tree.add_listener(recorder);
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "a");
  world.write("shelf/a/label", "x");
  world.write("shelf/a/label", "bad");
  world.symlink("shelf/a", "l", "shelf/before");
  world.unlink("shelf/a", "l");
  world.tree.change(world.id("shelf/a"),
                    [](Change& change, Directory& box) { change.changed(box, "weight"); });
  world.rmdir("shelf", "a");
  world.tree.remove_listener(recorder);
  world.mkdir("shelf", "after");
  EXPECT_THAT(recorder.seen(), ElementsAre("made a", "stored label", "linked l", "unlinked l",
                                           "changed weight", "removed a"));
  EXPECT_THAT(recorder.numbers(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(TreeListener, ScriptsInParallelLeaveAConsistentTree) {
  World world;
  Recorder recorder;
  world.tree.add_listener(recorder);
  constexpr int rounds = 200;
  const auto script = [&](const std::string& own) {
    int done = 0;
    for (int i = 0; i < rounds; ++i) {
      done += world.mkdir("shelf", own) == 0;
      done += world.mkdir("shelf", "shared") == 0;
      const auto shared = world.tree.resolve("shelf/shared");
      const auto mine = world.tree.symlink(world.id("shelf/" + own), "l", shared);
      if (mine) done += world.unlink("shelf/" + own, "l") == 0;
      world.tree.rmdir(world.id("shelf"), "shared");
      done += world.rmdir("shelf", own) == 0;
    }
    return done;
  };
  auto one = start([&] { return script("one"); });
  auto two = start([&] { return script("two"); });
  EXPECT_GE(one.get(), 2 * rounds);
  EXPECT_GE(two.get(), 2 * rounds);
  world.tree.rmdir(world.id("shelf"), "shared");
  EXPECT_THAT(world.list("shelf"), ElementsAre());
  EXPECT_GE(recorder.seen().size(), static_cast<std::size_t>(4 * rounds));
  world.tree.remove_listener(recorder);
}

}  // namespace
}  // namespace srpd::tree::test
