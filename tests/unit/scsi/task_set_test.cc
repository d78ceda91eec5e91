#include "scsi/task_set.h"

#include <gtest/gtest.h>

#include "support/in_process_device.h"

namespace srpd::scsi {
namespace {

using test::Attribute;
using test::Bytes;
using test::InProcessDevice;
using test::InProcessOptions;
using test::MemoryStoreOptions;
using test::TestCommand;

// Commands on a store that completes when told.
class TaskSetTest : public testing::Test {
 protected:
  static InProcessOptions options() {
    InProcessOptions options;
    options.store.when = MemoryStoreOptions::When::held;
    return options;
  }
  ~TaskSetTest() override {
    for (const auto& command : commands_)
      if (command->completions != 0 && !command->finish_at_once) command->finish();
  }

  TestCommand& read(Attribute attribute = Attribute::simple,
                    std::optional<std::uint64_t> lun = {}) {
    test::Host& host = device_.host(0);
    commands_.push_back(std::make_unique<TestCommand>(device_.loop(), host.tasks, host.nexus));
    TestCommand& command = *commands_.back();
    Bytes cdb(10);
    cdb[0] = std::byte{0x28};
    cdb[8] = std::byte{1};
    command.prepare({.cdb = cdb, .data_in_length = 512, .attribute = attribute, .lun = lun},
                    host.lun);
    command.completion_order = &order_;
    return command;
  }
  void finish(TestCommand& command) {
    command.finish();
    std::erase_if(commands_, [&](const auto& owned) { return owned.get() == &command; });
  }
  test::MemoryStore& store() { return device_.store(); }
  TaskSet& set() { return device_.host(0).tasks; }

  InProcessDevice device_{options()};
  std::vector<std::unique_ptr<TestCommand>> commands_;
  std::vector<const TestCommand*> order_;
};

TEST_F(TaskSetTest, SimpleCommandsRunTogether) {
  read().submit();
  read().submit();
  EXPECT_EQ(store().held(), 2u);
  EXPECT_EQ(set().size(), 2u);
  store().release_held();
}

TEST_F(TaskSetTest, OrderedWaitsForAllOlderAndHoldsTheYounger) {
  TestCommand& first = read();
  TestCommand& ordered = read(Attribute::ordered);
  TestCommand& last = read();
  for (TestCommand* command : {&first, &ordered, &last}) command->submit();
  EXPECT_EQ(store().held(), 1u);
  store().release_held();
  EXPECT_EQ(store().held(), 0u);  // it ends with its response
  finish(first);
  EXPECT_EQ(store().held(), 1u);
  EXPECT_FALSE(last.started);
  store().release_held();
  finish(ordered);
  EXPECT_TRUE(last.started);
  store().release_held();
  EXPECT_EQ(last.completions, 1);
}

TEST_F(TaskSetTest, HeadOfQueueStartsAtOnce) {
  TestCommand& first = read();
  TestCommand& ordered = read(Attribute::ordered);
  TestCommand& head = read(Attribute::head_of_queue);
  for (TestCommand* command : {&first, &ordered, &head}) command->submit();
  EXPECT_TRUE(head.started);
  EXPECT_FALSE(ordered.started);
  store().release_held();
  finish(first);
  EXPECT_FALSE(ordered.started);
  finish(head);
  EXPECT_TRUE(ordered.started);
  store().release_held();
}

TEST_F(TaskSetTest, OtherUnitsAreNotHeld) {
  read().submit();
  TestCommand& ordered = read(Attribute::ordered);
  ordered.submit();
  TestCommand& elsewhere = read(Attribute::simple, 0x0005000000000000u);
  elsewhere.submit();
  EXPECT_EQ(elsewhere.completions, 1);
  store().release_held();
  finish(*commands_.front());
  store().release_held();
  EXPECT_EQ(ordered.completions, 1);
}

TEST_F(TaskSetTest, AManyOrderedRunOneByOneWithoutDeepStack) {
  store().set_when(MemoryStoreOptions::When::inline_);
  TestCommand& blocker = read();
  store().set_when(MemoryStoreOptions::When::held);
  blocker.submit();
  store().set_when(MemoryStoreOptions::When::inline_);
  for (int i = 0; i < 2000; ++i) {
    TestCommand& command = read(i % 3 == 0 ? Attribute::ordered : Attribute::simple);
    command.finish_at_once = true;
    command.submit();
  }
  EXPECT_TRUE(order_.empty());
  store().release_held();
  blocker.finish_at_once = true;  // finished here, not by the fixture
  blocker.finish();
  ASSERT_EQ(order_.size(), 2001u);
  for (std::size_t i = 0; i < order_.size(); ++i) EXPECT_EQ(order_[i], commands_[i].get());
  EXPECT_EQ(set().size(), 0u);
}

TEST_F(TaskSetTest, AbortCompletesWaitingCommandsAtOnceAndRunningOnesLater) {
  TestCommand& running = read();
  TestCommand& waiting = read(Attribute::ordered);
  running.submit();
  waiting.submit();
  EXPECT_EQ(set().abort_if([](const Command&) { return true; }), 2u);
  EXPECT_EQ(waiting.completions, 1);
  EXPECT_EQ(running.completions, 0);
  EXPECT_EQ(set().abort_if([](const Command&) { return true; }), 0u);
  store().release_held();
  EXPECT_EQ(running.completions, 1);
  EXPECT_EQ(running.data_in_size, 0u);
  EXPECT_EQ(running.moved_in, 0u);
}

// Commands finish inside on_complete(): the walk survives, and nobody who is to be aborted starts.
TEST_F(TaskSetTest, AbortOfAQueueThatFinishesInline) {
  TestCommand& running = read();
  running.submit();
  for (int i = 0; i < 10; ++i) {
    TestCommand& command = read(Attribute::ordered);
    command.finish_at_once = true;
    command.submit();
  }
  TestCommand& kept = read();
  kept.submit();
  const auto ordered = [](const Command& c) { return c.attribute == TaskAttribute::ordered; };
  EXPECT_EQ(set().abort_if(ordered), 10u);
  EXPECT_EQ(order_.size(), 10u);
  EXPECT_TRUE(kept.started);  // nothing ORDERED is ahead of it any more
  EXPECT_EQ(store().held(), 2u);
  store().release_held();
}

TEST_F(TaskSetTest, AbortWhileACommandWaitsForABuffer) {
  // All buffers are out: the READ waits for one and lets go when it comes.
  std::vector<runtime::Buffer> taken;
  for (;;) {
    const runtime::Buffer buffer =
        device_.loop().buffers().try_acquire(runtime::BufferPool::largest);
    if (!buffer) break;
    taken.push_back(buffer);
  }
  for (;;) {
    const runtime::Buffer buffer = device_.loop().buffers().try_acquire(4096);
    if (!buffer) break;
    taken.push_back(buffer);
  }
  TestCommand& command = read();
  command.submit();
  EXPECT_EQ(command.completions, 0);
  EXPECT_EQ(set().abort_if([](const Command&) { return true; }), 1u);
  EXPECT_EQ(command.completions, 0);
  for (const runtime::Buffer& buffer : taken) device_.loop().buffers().release(buffer);
  EXPECT_EQ(command.completions, 1);
  EXPECT_EQ(store().held(), 0u);
}

}  // namespace
}  // namespace srpd::scsi
