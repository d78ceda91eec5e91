// How long commands took, for each channel and for each LUN and initiator.
#include <gtest/gtest.h>

#include <map>

#include "support/target_host.h"

namespace srpd::test {
namespace {

using scsi::IoClass;

std::vector<target::IoRow> io_of(World& world) {
  std::vector<target::IoRow> rows;
  bool reported = false;
  world.target().list_io([&](auto all) {
    rows = std::move(all);
    reported = true;
  });
  world.settle();
  EXPECT_TRUE(reported);
  return rows;
}

scsi::IoTotals totals_of(World& world, std::uint32_t lun) {
  scsi::IoTotals totals;
  for (const auto& row : io_of(world))
    if (row.lun == lun) row.cells->add_to(totals);
  return totals;
}

const scsi::IoTotals::Class& of(const scsi::IoTotals& totals, IoClass io_class) {
  return totals.classes[static_cast<std::size_t>(io_class)];
}

class LatencyOfCommands : public testing::Test {
 protected:
  LatencyOfCommands() {
    host.clear_unit_attention();
    host.memory(1).resize(4096);
    world.pass(1ms);
  }

  World world;
  Host host{world};
};

TEST_F(LatencyOfCommands, IsFromArrivalToAnswer) {
  const Latencies before = world.sessions().at(0).latencies;
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  EXPECT_EQ(world.sessions().at(0).queue_depth, 1u);
  world.pass(3ms);
  world.store().hold = false;
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().status, 0);
  world.pass(1us);
  const target::SessionInfo session = world.sessions().at(0);
  EXPECT_EQ(session.queue_depth, 0u);
  EXPECT_EQ(session.latencies.count() - before.count(), 1u);
  EXPECT_GE(session.latencies.sum_ns - before.sum_ns, 3'000'000u);
  EXPECT_LE(session.latencies.sum_ns - before.sum_ns, 3'002'000u);
  const scsi::IoTotals totals = totals_of(world, 0);
  EXPECT_EQ(of(totals, IoClass::read).latencies.buckets[latency_bucket(3'000'000)], 1u);
  EXPECT_EQ(of(totals, IoClass::read).bytes, 4096u);
}

TEST_F(LatencyOfCommands, IsCountedOnceForEachCommandByItsClass) {
  for (std::uint64_t tag = 1; tag <= 5; ++tag) host.read(tag, 0, 8, 1);
  for (std::uint64_t tag = 6; tag <= 8; ++tag) host.write(tag, 0, 8, 1);
  for (std::uint64_t tag = 9; tag <= 1100; ++tag) {
    host.test_unit_ready(tag);
    host.take();
  }
  world.pass(1ms);
  const scsi::IoTotals totals = totals_of(world, 0);
  EXPECT_EQ(of(totals, IoClass::read).commands, 5u);
  EXPECT_EQ(of(totals, IoClass::write).commands, 3u);
  EXPECT_EQ(of(totals, IoClass::write).bytes, 3u * 4096);
  EXPECT_EQ(of(totals, IoClass::other).commands, 1093u);  // and what took the unit attention
  for (const auto& each : totals.classes) EXPECT_EQ(each.latencies.count(), each.commands);
  EXPECT_EQ(world.sessions().at(0).latencies.count(), 1101u);
}

TEST_F(LatencyOfCommands, EndsWithTheSessionWhileSomeAreNotCountedYet) {
  host.read(1, 0, 8, 1);
  host.channel().close(transport::CloseReason::Kind::peer_reset);
  world.settle();
  EXPECT_TRUE(world.sessions().empty());
  EXPECT_EQ(world.lu(0).io_count().commands, 2u);
}

TEST_F(LatencyOfCommands, StaysReadableWhenItsCountersAreGone) {
  host.read(1, 0, 8, 1);
  const auto rows = io_of(world);
  ASSERT_EQ(rows.size(), 2u);
  bool removed = false;
  ASSERT_TRUE(
      world.target().remove_lun(world.port(), 0, [&](bool) { removed = true; }).has_value());
  world.pass(1ms);
  EXPECT_TRUE(removed);
  EXPECT_EQ(io_of(world).size(), 1u);
  std::uint64_t commands = 0;
  for (const auto& row : rows) commands += row.cells->sum().commands;
  EXPECT_EQ(commands, 2u);
}

TEST_F(LatencyOfCommands, ErrorsAreToldApartBySenseKey) {
  host.read(1, 0xfffffff0, 8, 1);
  host.test_unit_ready(2, std::uint64_t{1} << 48);  // the unit attention of LUN 1
  world.pass(1ms);
  const auto illegal = static_cast<std::size_t>(scsi::SenseKey::illegal_request);
  const auto attention = static_cast<std::size_t>(scsi::SenseKey::unit_attention);
  EXPECT_EQ(scsi::error_kind_name(illegal), "illegal request");
  EXPECT_EQ(totals_of(world, 0).errors[illegal], 1u);
  EXPECT_EQ(totals_of(world, 1).errors[attention], 1u);
  EXPECT_EQ(world.lu(0).io_count().errors, 2u);  // and the first unit attention
}

TEST(LatencyOfAborted, CountsWhenTheStoreLetsGo) {
  World world;
  Host host(world);
  host.clear_unit_attention();
  host.memory(1).resize(4096);
  world.store().hold = true;
  host.read(7, 0, 8, 1);
  host.task_management(8, srp::TaskFunction::abort_task, 7);
  host.task_management(9, srp::TaskFunction::abort_task, 77);
  world.store().hold = false;
  world.store().let_go();
  world.pass(1ms);
  const scsi::IoTotals totals = totals_of(world, 0);
  EXPECT_EQ(totals.errors[scsi::aborted_error_kind], 1u);
  EXPECT_EQ(of(totals, IoClass::read).latencies.count(), 1u);
  EXPECT_EQ(world.lu(0).task_management.aborts_complete, 1u);
  EXPECT_EQ(world.lu(0).task_management.aborts_no_task, 1u);
  host.task_management(10, srp::TaskFunction::lun_reset);
  world.pass(1ms);
  EXPECT_EQ(world.lu(0).task_management.resets, 1u);
}

TEST(IoList, NamesEveryMappingOfManyLuns) {
  WorldOptions options;
  options.open = false;
  World world(options);
  constexpr std::uint32_t luns = 600;
  for (std::uint32_t number = 2; number < luns; ++number)
    ASSERT_TRUE(
        world.target().add_lun(world.port(), {number * 20, world.shared_lu(), false}).has_value());
  for (const char* name : {"192.0.2.1", "192.0.2.2"}) {
    ASSERT_TRUE(world.target().add_acl(world.port(), *target::AclKey::parse(name)).has_value());
    for (std::uint32_t number = 2; number < luns; ++number)
      ASSERT_TRUE(
          world.target().map_lun(world.port(), name, {number, number * 20, false}).has_value());
  }
  const auto rows = io_of(world);
  std::map<std::pair<std::uint32_t, std::string>, int> seen;
  for (const auto& row : rows) ++seen[{row.lun, row.initiator}];
  EXPECT_EQ(rows.size(), 2u * (luns - 2));
  EXPECT_EQ(seen.size(), rows.size());
  EXPECT_EQ(rows.front().unit, "disk0");
}

}  // namespace
}  // namespace srpd::test
