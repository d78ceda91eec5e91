// Task management: what is answered, when, and that nothing moves for an aborted command
// afterwards.
#include <gtest/gtest.h>

#include "support/target_host.h"

namespace srpd::test {
namespace {

using srp::ResponseCode;
using srp::TaskFunction;

constexpr std::uint64_t tmf_tag = 0x80000001;

class TaskManagement : public testing::Test {
 protected:
  explicit TaskManagement(std::size_t loops = 1) : world(options(loops)) {
    host.clear_unit_attention();
    host.memory(1).resize(4096);
  }
  static WorldOptions options(std::size_t loops) {
    WorldOptions made;
    made.loops = loops;
    return made;
  }
  void expect_answer(Host& from, ResponseCode code) {
    const auto response = from.response();
    EXPECT_EQ(response.tag, wire::srp::to_tag(tmf_tag));
    ASSERT_TRUE(response.code.has_value());
    EXPECT_EQ(*response.code, code);
  }
  void expect_answer(ResponseCode code) { expect_answer(host, code); }
  /// Another host with the same port id.
  Host& stranger() {
    if (!stranger_) {
      stranger_.emplace(world, world.login(world.login_request(), "192.0.2.2:1"));
      stranger_->clear_unit_attention();
      stranger_->memory(1).resize(4096);
    }
    return *stranger_;
  }

  World world;
  Host host{world};
  std::optional<Host> stranger_;
};

TEST_F(TaskManagement, UnknownFunctions) {
  for (const int function : {0x00, 0x10, 0x20, 0x40, 0x80, 0xff}) {
    host.task_management(tmf_tag, static_cast<TaskFunction>(function));
    expect_answer(ResponseCode::function_not_supported);
  }
}

TEST_F(TaskManagement, UnknownLun) {
  host.task_management(tmf_tag, TaskFunction::lun_reset, 0, scsi::encode_lun(9));
  expect_answer(ResponseCode::request_invalid);
}

TEST_F(TaskManagement, AbortOfATaskThatIsNotThere) {
  host.task_management(tmf_tag, TaskFunction::abort_task, 42);
  expect_answer(ResponseCode::no_failure);
}

TEST_F(TaskManagement, SolicitedAnswer) {
  srp::TaskManagement request;
  request.sol_not = wire::srp::scsolnt;
  request.function = TaskFunction::abort_task;
  host.send(wire::bytes_of(srp::build_tsk_mgmt(request)));
  EXPECT_TRUE(host.response().solicited);
  request.function = TaskFunction::clear_aca;
  host.send(wire::bytes_of(srp::build_tsk_mgmt(request)));
  EXPECT_FALSE(host.response().solicited);
}

TEST_F(TaskManagement, AbortTaskWaitsForTheStore) {
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::abort_task, 1);
  EXPECT_EQ(host.waiting(), 0u);
  host.wire().trace.clear();
  world.store().let_go();
  world.settle();
  const auto response = host.response();
  EXPECT_EQ(response.tag, wire::srp::to_tag(tmf_tag));
  EXPECT_EQ(response.code, ResponseCode::no_failure);
  EXPECT_EQ(response.req_lim_delta, 2);  // its own and the aborted one's
  EXPECT_EQ(host.waiting(), 0u);
  EXPECT_EQ(host.wire().trace, (std::vector<std::string>{"send 193"}));
}

TEST_F(TaskManagement, AnsweredByTheDeadlineWhateverTheStoreDoes) {
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::abort_task, 1);
  world.pass(1900ms);
  EXPECT_EQ(host.waiting(), 0u);
  world.pass(200ms);
  expect_answer(ResponseCode::no_failure);
  // The store comes back: nothing moves, nothing is answered, the slot is free.
  host.wire().trace.clear();
  world.store().let_go();
  world.settle();
  EXPECT_TRUE(host.wire().trace.empty());
  host.read(2, 0, 8, 1);
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().status, 0);
}

TEST_F(TaskManagement, NotSuccessWhileTheHostsMemoryIsStillRead) {
  host.wire().hold_reads = true;
  host.write(1, 0, 8, 1);
  ASSERT_TRUE(host.channel().holds_reads());
  host.task_management(tmf_tag, TaskFunction::abort_task, 1);
  world.pass(2100ms);
  expect_answer(ResponseCode::function_failed);
  host.wire().hold_reads = false;
  host.channel().complete_all();
  world.settle();
  EXPECT_EQ(host.waiting(), 0u);
  EXPECT_TRUE(host.alive());
}

TEST_F(TaskManagement, WaitsForTheReadThatIsUnderWay) {
  host.wire().hold_reads = true;
  host.write(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::abort_task, 1);
  EXPECT_EQ(host.waiting(), 0u);
  host.channel().complete_all();
  world.settle();
  expect_answer(ResponseCode::no_failure);
}

TEST_F(TaskManagement, AResponseNeverFollowsTheAnswer) {
  host.wire().hold_sends = true;
  host.read(1, 0, 8, 1);  // its response is on its way
  host.task_management(tmf_tag, TaskFunction::abort_task, 1);
  host.wire().hold_sends = false;
  host.channel().complete_all();
  world.settle();
  EXPECT_EQ(host.response().tag, wire::srp::to_tag(1));
  expect_answer(ResponseCode::no_failure);
  EXPECT_EQ(host.waiting(), 0u);
}

TEST_F(TaskManagement, AbortTaskLeavesOthersAlone) {
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  host.read(2, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::abort_task, 1);
  world.store().let_go();
  world.settle();
  std::set<std::uint64_t> tags;
  while (host.waiting() != 0) tags.insert(wire::srp::to_integer(host.response().tag));
  EXPECT_EQ(tags, (std::set<std::uint64_t>{2, tmf_tag}));
}

TEST_F(TaskManagement, AbortTaskOnTheWrongLunAbortsNothing) {
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::abort_task, 1, scsi::encode_lun(1));
  expect_answer(ResponseCode::no_failure);
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().tag, wire::srp::to_tag(1));
}

TEST_F(TaskManagement, TheTagMayBeUsedAgainAtOnce) {
  world.store().hold = true;
  host.read(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::abort_task, 1);
  world.pass(2100ms);
  expect_answer(ResponseCode::no_failure);
  host.read(1, 8, 8, 1);
  world.store().let_go();
  world.settle();
  EXPECT_EQ(host.response().tag, wire::srp::to_tag(1));
  EXPECT_EQ(host.waiting(), 0u);
}

TEST_F(TaskManagement, TaskSetFunctionsStayWithinNexusAndLun) {
  for (const auto function : {TaskFunction::abort_task_set, TaskFunction::clear_task_set}) {
    world.store(0).hold = world.store(1).hold = true;
    host.read(1, 0, 8, 1);
    host.test_unit_ready(9, scsi::encode_lun(1));
    while (host.waiting() != 0) host.take();
    host.read(2, 0, 8, 1, scsi::encode_lun(1));
    stranger().read(3, 0, 8, 1);
    host.task_management(tmf_tag, function);
    world.store(0).let_go();
    world.store(1).let_go();
    world.settle();
    std::set<std::uint64_t> tags;
    while (host.waiting() != 0) tags.insert(wire::srp::to_integer(host.response().tag));
    EXPECT_EQ(tags, (std::set<std::uint64_t>{2, tmf_tag}));
    EXPECT_EQ(stranger().response().tag, wire::srp::to_tag(3));
  }
}

TEST_F(TaskManagement, LunResetTellsTheOthers) {
  world.store().hold = true;
  stranger().read(3, 0, 8, 1);
  host.read(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::lun_reset, 0xffffffff);
  world.store().let_go();
  world.settle();
  expect_answer(ResponseCode::no_failure);
  EXPECT_EQ(host.waiting(), 0u);
  // TAS is on: TASK ABORTED, then the unit attention.
  const auto aborted = stranger().response();
  EXPECT_EQ(aborted.tag, wire::srp::to_tag(3));
  EXPECT_EQ(aborted.status, 0x40);
  EXPECT_EQ(aborted.req_lim_delta, 1);
  stranger().test_unit_ready(4);
  const auto attention = stranger().response();
  ASSERT_EQ(attention.status, 2);
  EXPECT_EQ(attention.sense[12], std::byte{0x29});
  EXPECT_EQ(attention.sense[13], std::byte{0x03});
  host.test_unit_ready(5);
  EXPECT_EQ(host.response().status, 0);
}

TEST_F(TaskManagement, NoTaskAbortedAfterItsOwnHostAbortedItToo) {
  world.store().hold = true;
  stranger().read(3, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::lun_reset);
  world.pass(2100ms);
  expect_answer(ResponseCode::no_failure);
  stranger().task_management(tmf_tag, TaskFunction::abort_task, 3);
  world.pass(2100ms);
  EXPECT_EQ(stranger().response().tag, wire::srp::to_tag(tmf_tag));
  world.store().let_go();
  world.settle();
  EXPECT_EQ(stranger().waiting(), 0u) << "the tag may be in use again";
}

TEST_F(TaskManagement, EventsAreOffByDefault) {
  stranger();
  host.task_management(tmf_tag, TaskFunction::lun_reset);
  expect_answer(ResponseCode::no_failure);
  EXPECT_EQ(stranger().waiting(), 0u);
}

TEST(TaskManagementEvents, OneAtATime) {
  WorldOptions options;
  options.target.send_aer = true;
  World world(options);
  Host host(world);
  Host other(world, world.login(world.login_request(), "192.0.2.2:1"));
  host.task_management(1, TaskFunction::lun_reset);
  host.task_management(2, TaskFunction::lun_reset);
  ASSERT_EQ(other.waiting(), 1u);
  const auto iu = *other.take();
  const auto event = srp::parse_aer_req(iu);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->sense[12], std::byte{0x29});
  other.send(wire::bytes_of(srp::build_aer_rsp(event->tag)));
  EXPECT_TRUE(other.alive());
  host.task_management(3, TaskFunction::lun_reset);
  EXPECT_EQ(other.waiting(), 1u);
}

class TaskManagementOnLoops : public TaskManagement {
 protected:
  TaskManagementOnLoops() : TaskManagement(3) {
    auto request = world.login_request();
    request.flags |= wire::srp::multi_channel_multi;
    second.emplace(world, world.login(request));
    second->memory(1).resize(4096);
  }
  std::optional<Host> second;  // another channel of the same nexus, on another loop
};

TEST_F(TaskManagementOnLoops, LunResetReachesEveryLoop) {
  ASSERT_NE(&second->channel().loop(), &host.channel().loop());
  world.store().hold = true;
  second->read(1, 0, 8, 1);
  stranger().read(2, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::lun_reset);
  EXPECT_EQ(host.waiting(), 0u);
  second->wire().trace.clear();
  world.store().let_go();
  world.settle();
  expect_answer(ResponseCode::no_failure);
  EXPECT_TRUE(second->wire().trace.empty());
  EXPECT_EQ(stranger().response().status, 0x40);
}

TEST_F(TaskManagementOnLoops, TransfersOnAnotherChannelOfTheNexusCount) {
  second->wire().hold_reads = true;
  second->write(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::lun_reset);
  world.pass(2100ms);
  expect_answer(ResponseCode::function_failed);
  second->channel().complete_all();
  world.settle();
  ASSERT_EQ(second->waiting(), 1u);
  EXPECT_TRUE(srp::parse_cred_req(*second->take()).has_value());  // no response
}

TEST_F(TaskManagementOnLoops, AStrangersStalledTransferDoesNotMakeItFail) {
  stranger().wire().hold_reads = true;
  stranger().write(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::lun_reset);
  world.pass(2100ms);
  expect_answer(ResponseCode::no_failure);
}

TEST_F(TaskManagementOnLoops, AbortTaskSetReachesTheOtherChannels) {
  world.store().hold = true;
  second->read(1, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::abort_task_set);
  world.store().let_go();
  world.settle();
  expect_answer(ResponseCode::no_failure);
  // Its credit had no answer to go with.
  EXPECT_EQ(second->waiting(), 1u);
  const auto iu = *second->take();
  ASSERT_TRUE(srp::parse_cred_req(iu).has_value());
  EXPECT_EQ(srp::parse_cred_req(iu)->req_lim_delta, 1);
}

TEST_F(TaskManagementOnLoops, SessionEndsWhileItWaits) {
  world.store().hold = true;
  second->read(1, 0, 8, 1);
  stranger().read(2, 0, 8, 1);
  host.task_management(tmf_tag, TaskFunction::lun_reset);
  host.channel().close(transport::CloseReason::Kind::peer_reset);
  world.settle();
  EXPECT_FALSE(host.wire().destroyed);
  world.store().let_go();
  world.settle();
  EXPECT_TRUE(host.wire().destroyed);
  EXPECT_EQ(host.waiting(), 0u);
}

TEST_F(TaskManagement, CommandsTheStoreKeepsAreBounded) {
  WorldOptions few;
  few.target.max_held_commands = 3;
  World small(few);
  Host greedy(small);
  greedy.clear_unit_attention();
  greedy.memory(1).resize(4096);
  small.store().hold = true;
  for (std::uint64_t tag = 1; tag <= 4 && greedy.alive(); ++tag) {
    greedy.read(tag, 0, 8, 1);
    greedy.task_management(100 + tag, TaskFunction::abort_task, tag);
  }
  EXPECT_FALSE(greedy.alive());
  EXPECT_FALSE(greedy.wire().destroyed);
  small.store().let_go();
  small.settle();
  EXPECT_TRUE(greedy.wire().destroyed);
}

}  // namespace
}  // namespace srpd::test
