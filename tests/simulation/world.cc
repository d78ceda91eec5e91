#include "world.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "administrator.h"
#include "disk.h"
#include "runtime/buffer_pool.h"
#include "srp/iu.h"
#include "target/target.h"
#include "transport/local/local_transport.h"

namespace srpd::simulation {
namespace {

using namespace std::chrono_literals;

// Every operation ends by then, whatever fails.
constexpr runtime::Time deadline = std::chrono::minutes(30);
constexpr runtime::Time closing_time = std::chrono::minutes(2);

transport::FaultPlan random_network(Random& random) {
  transport::FaultPlan plan;
  plan.seed = random.next();
  plan.max_delay = std::chrono::microseconds(random.below(500));
  if (random.one_in(3)) plan.slow_message_one_in = 100;
  if (random.one_in(5)) plan.slow_connection_one_in = 4;
  plan.slow_delay = std::chrono::milliseconds(random.below(40));
  if (random.one_in(2)) plan.drop_one_in = 200 + static_cast<std::uint32_t>(random.below(2000));
  if (random.one_in(3)) plan.refuse_one_in = 8;
  return plan;
}

void perfect(transport::FaultPlan& plan) {
  plan.slow_message_one_in = 0;
  plan.slow_delay = 0ns;
  plan.drop_one_in = 0;
  plan.refuse_one_in = 0;
}

class World {
 public:
  World(std::uint64_t seed, Bug bug)
      : simulation_(seed), random_(seed * 0x9e3779b97f4a7c15u + 1), bug_(bug) {
    transport_.plan() = random_network(random_);
    transport_.plan().on_violation = [this](const std::string& text) {
      findings_.add("memory touched after it was withdrawn: " + text);
    };
    if (bug != Bug::none)
      transport_.plan().tamper = [this](std::span<std::byte> iu) { return tamper(iu); };
    for (std::uint64_t i = 0; i < 1 + random_.below(2); ++i)
      target_loops_.emplace_back(simulation_);
    make_target();
    make_actors();
  }

  Outcome run() {
    release_timer_.world = this;
    target_loops_[0].start_timer(release_timer_, 1s);
    if (busy_administrator_) administrator_->start();
    for (Actor& actor : actors_) actor.start();
    const auto all = [this](auto predicate) {
      return std::all_of(actors_.begin(), actors_.end(), predicate);
    };
    const auto finished = [](const Actor& actor) { return actor.finished(); };
    if (!simulation_.run_until([&] { return all(finished); }, deadline))
      findings_.add("not everything was answered in time");
    calm();
    if (findings_.empty()) verify(all, finished);
    if (findings_.empty()) check_sessions();
    Outcome outcome;
    for (const Actor& actor : actors_) outcome.status += actor.status() + "\n";
    outcome.status += fmt::format("administrator: {} changes\n", administrator_->operations());
    close(all);
    outcome.findings = findings_.texts();
    outcome.turns = simulation_.turns();
    return outcome;
  }

 private:
  struct ReleaseTimer : runtime::Timer {
    using Timer::Timer;
    World* world = nullptr;
  };
  struct ReleaseMail : runtime::Mail {
    using Mail::Mail;
    World* world = nullptr;
    runtime::SimulatedLoop* loop = nullptr;
    bool under_way = false;
  };

  void make_target() {
    std::vector<runtime::Loop*> loops;
    for (auto& loop : target_loops_) {
      loops.push_back(&loop);
      auto& mail = release_mails_.emplace_back([](runtime::Mail& self) {
        auto& sent = static_cast<ReleaseMail&>(self);
        sent.under_way = false;
        for (Disk& disk : sent.world->disks_) disk.let_go(*sent.loop);
      });
      mail.world = this;
      mail.loop = &loop;
    }
    initiators_ = 1 + static_cast<std::uint32_t>(random_.below(4));
    const auto disks = bug_ == Bug::remap ? 2u : 1 + static_cast<std::uint32_t>(random_.below(2));
    for (std::uint32_t i = 0; i < disks; ++i)
      disks_.emplace_back(target_loops_[0], i, initiators_ * share_blocks, Random(random_.next()),
                          bug_);
    target::TargetOptions options;
    options.credits = 2 + static_cast<std::uint32_t>(random_.below(40));
    options.max_credits = options.credits + static_cast<std::uint32_t>(random_.below(100));
    options.immediate_data = !random_.one_in(5);
    target_ = std::make_unique<target::Target>(loops, options);
    administrator_.emplace(target_loops_[0], *target_, disks_, random_.one_in(2) ? initiators_ : 0,
                           Random(random_.next()), bug_, findings_);
    busy_administrator_ = bug_ == Bug::remap || (bug_ == Bug::none && random_.one_in(2));
    CHECK(target_->listen(transport_, address_).has_value());
  }

  void make_actors() {
    const auto operations = 50 + static_cast<std::uint32_t>(random_.below(600));
    for (std::uint32_t i = 0; i < initiators_; ++i) {
      std::vector<Share> shares;
      for (std::uint32_t disk = 0; disk < disks_.size(); ++disk)
        shares.push_back({.lun = std::uint64_t{disk} << 48,
                          .first = i * share_blocks,
                          .model = DiskModel(share_blocks)});
      actors_.emplace_back(simulation_, transport_, address_, i, random_.next(), operations,
                           std::move(shares), findings_);
    }
  }

  // What hangs does so for a few seconds: longer than commands, and than task management, may take.
  void release() {
    for (auto& mail : release_mails_)
      if (!std::exchange(mail.under_way, true)) mail.loop->post(mail);
    if (!closed_) target_loops_[0].start_timer(release_timer_, simulation_.now() + 7s);
  }

  void calm() {
    perfect(transport_.plan());
    for (Disk& disk : disks_) disk.calm();
    release();
    administrator_->calm();
    simulation_.run_until(simulation_.now() + 20s);
    if (!administrator_->idle()) findings_.add("an operation of the administrator did not end");
  }

  template <class All, class Predicate>
  void verify(All all, Predicate finished) {
    for (Actor& actor : actors_)
      if (!actor.over()) actor.verify();
    if (!simulation_.run_until([&] { return all(finished); }, simulation_.now() + closing_time))
      findings_.add("reading everything back did not end");
    simulation_.run_until(simulation_.now() + 10s);
  }

  // At rest every credit that the target gave is with the initiator, and both know the same number.
  void check_sessions() {
    std::vector<std::int64_t> given, held;
    target_->list_sessions([&](std::vector<target::SessionInfo> sessions) {
      for (const auto& session : sessions) given.push_back(session.credits);
    });
    simulation_.run_until(simulation_.now() + 1s);
    for (const Actor& actor : actors_) {
      const auto& session = actor.session();
      for (const auto& channel : session.channels()) held.push_back(channel->credits());
      if (session.counters().unknown_tags != 0)
        findings_.add(fmt::format("{} responses answer nothing: {}",
                                  session.counters().unknown_tags, actor.status()));
      if (session.in_flight() != 0 || session.queued() != 0) findings_.add("requests at rest");
    }
    std::sort(given.begin(), given.end());
    std::sort(held.begin(), held.end());
    if (given != held)
      findings_.add(fmt::format("credits differ: the target gave {}, the initiators hold {}",
                                text_of(given), text_of(held)));
  }

  static std::string text_of(const std::vector<std::int64_t>& numbers) {
    std::string text = "{";
    for (const auto number : numbers) text += fmt::format(" {}", number);
    return text + " }";
  }

  template <class All>
  void close(All all) {
    if (bug_ == Bug::leak && findings_.empty())
      leaked_ = target_loops_[0].buffers().try_acquire(4096);
    for (Actor& actor : actors_)
      if (!actor.over()) actor.close();
    if (!simulation_.run_until([&] { return all([](const Actor& actor) { return actor.over(); }); },
                               simulation_.now() + closing_time))
      findings_.add("a session did not close");
    bool down = false;
    target_->shutdown([&down] { down = true; });
    if (!simulation_.run_until([&] { return down; }, simulation_.now() + closing_time))
      findings_.add("the target did not shut down");
    closed_ = true;
    target_loops_[0].cancel_timer(release_timer_);
    simulation_.run_until(simulation_.now() + 10s);
    for (auto& loop : target_loops_)
      if (const std::size_t lent = loop.buffers().lent_bytes(); lent != 0)
        findings_.add(fmt::format("{} bytes of buffers were not given back", lent));
    if (simulation_.frames().live() != 0)
      findings_.add(fmt::format("{} coroutine frames are left", simulation_.frames().live()));
    if (leaked_) target_loops_[0].buffers().release(leaked_);
  }

  // The injected bugs of the network's and the target's ways.
  unsigned tamper(std::span<std::byte> iu) {
    const auto opcode = srp::opcode_of(iu);
    const bool response = opcode == srp::Opcode::rsp && iu.size() >= sizeof(wire::srp::Rsp);
    if (bug_ == Bug::credits && response && random_.one_in(10))
      reinterpret_cast<wire::srp::Rsp*>(iu.data())->req_lim_delta = 0;
    if (bug_ == Bug::duplicate && response && random_.one_in(10)) return 2;
    if (opcode != srp::Opcode::tsk_mgmt || iu.size() < sizeof(wire::srp::TskMgmt)) return 1;
    auto& task = *reinterpret_cast<wire::srp::TskMgmt*>(iu.data());
    // A task that does not exist is aborted with success.
    if (bug_ == Bug::abort && task.function == 1) task.task_tag = wire::srp::to_tag(UINT64_MAX);
    return bug_ == Bug::hang ? 0 : 1;
  }

  runtime::Simulation simulation_;
  Random random_;
  Bug bug_;
  bool closed_ = false;
  Findings findings_;
  std::uint32_t initiators_ = 0;
  const transport::Address address_ = transport::LocalTransport::address("target");
  std::deque<runtime::SimulatedLoop> target_loops_;
  transport::LocalTransport transport_;
  std::deque<Disk> disks_;
  std::unique_ptr<target::Target> target_;
  std::optional<Administrator> administrator_;
  bool busy_administrator_ = false;
  std::deque<Actor> actors_;
  std::deque<ReleaseMail> release_mails_;
  runtime::Buffer leaked_;
  ReleaseTimer release_timer_{
      [](runtime::Timer& self) { static_cast<ReleaseTimer&>(self).world->release(); }};
};

}  // namespace

Outcome run(std::uint64_t seed, Bug bug) { return World(seed, bug).run(); }

}  // namespace srpd::simulation
