#include "runtime/timer_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/random.h"

namespace srpd::runtime {
namespace {

struct Recorded : Timer {
  Recorded(std::vector<int>& order_, int number_)
      : Timer([](Timer& self) {
          auto& me = static_cast<Recorded&>(self);
          me.order->push_back(me.number);
        }),
        order(&order_),
        number(number_) {}
  std::vector<int>* order;
  int number;
};

// Against a stable sort of what should be left, over random starts, moves and cancellations.
TEST(TimerHeap, RandomOperationsExpireInOrder) {
  Random random(7);
  for (int round = 0; round < 50; ++round) {
    TimerHeap heap;
    std::vector<int> order;
    std::vector<std::unique_ptr<Recorded>> timers;
    struct Expected {
      Time deadline;
      int number;
    };
    std::vector<Expected> expected;
    for (int i = 0; i < 64; ++i) timers.push_back(std::make_unique<Recorded>(order, i));
    for (int i = 0; i < 400; ++i) {
      const auto number = static_cast<int>(random.below(timers.size()));
      Timer& timer = *timers[static_cast<std::size_t>(number)];
      std::erase_if(expected, [&](const Expected& e) { return e.number == number; });
      if (random.one_in(3)) {
        heap.cancel(timer);
        EXPECT_FALSE(timer.armed());
      } else {
        const Time deadline{static_cast<std::int64_t>(random.below(20))};
        heap.start(timer, deadline);
        expected.push_back({deadline, number});
      }
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const Expected& a, const Expected& b) { return a.deadline < b.deadline; });
    for (int now = 0; now < 20; ++now) {
      heap.expire(Time{now});
      if (const auto next = heap.next()) {
        EXPECT_GT(*next, Time{now});
      }
    }
    EXPECT_TRUE(heap.empty());
    ASSERT_EQ(order.size(), expected.size());
    for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], expected[i].number);
  }
}

TEST(TimerHeap, ArmedTimerMustNotBeDestroyed) {
  TimerHeap heap;
  std::vector<int> order;
  EXPECT_DEATH(
      {
        Recorded timer(order, 0);
        heap.start(timer, Time{1});
      },
      "CHECK failed");
}

}  // namespace
}  // namespace srpd::runtime
