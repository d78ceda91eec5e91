// srpd: serves disks to SRP initiators. Everything is built here, explicitly, in this order; what
// each step can say against it ends the program with the reason.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "base/log.h"
#include "control/build.h"
#include "control/identity.h"
#include "control/registration_files.h"
#include "runtime/signals.h"
#include "srpd/administration.h"
#include "srpd/configuration.h"
#include "srpd/device_management.h"
#include "srpd/loops.h"
#include "srpd/metrics.h"
#include "srpd/options.h"
#include "srpd/server.h"
#include "srpd/service.h"
#include "srpd/status.h"
#include "srpd/summary.h"

namespace srpd::app {
namespace {

constexpr int failed = 1;

int fail(const Error& error) {
  log::error("{}", error.text());
  return failed;
}

void report(const control::Problems& problems) {
  for (const Error& problem : problems) log::warning("{}", problem.text());
}

/// A session and a file take a descriptor each; the soft limit of 1024 is an old habit of shells.
void raise_file_limit() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    log::warning("open files stay limited to the soft limit (ulimit -n)");
}

/// SIGUSR1 asks for the status. The first SIGTERM or SIGINT says goodbye to every host, the second
/// does not wait for them.
class SignalHandler {
 public:
  /// On the home loop: `reload` calls what it is given afterwards, `stop` comes once. Everything
  /// outlives the handler.
  using Reload = std::function<void(std::function<void()> done)>;
  SignalHandler(Server& server, Loops& loops, Service& service, Reload reload,
                std::function<void()> stop)
      : server_(server),
        loops_(loops),
        service_(service),
        reload_(std::move(reload)),
        stop_(std::move(stop)) {}

  Expected<void> start() {
    auto signals = runtime::Signals::make(loops_.home(), [this](int signal) { on_signal(signal); });
    if (!signals) return tl::make_unexpected(signals.error());
    signals_ = std::move(*signals);
    return {};
  }

 private:
  void on_signal(int signal) {
    if (signal == SIGHUP && !stopping_) {
      service_.reloading();
      return reload_([this] { service_.reloaded(); });
    }
    if (signal == SIGHUP) return;
    if (signal == SIGUSR1) {
      log_status(server_.target(), loops_.home());
      return;
    }
    if (stopping_) {
      log::warning("second signal: ending at once");
      ::_exit(128 + signal);
    }
    stopping_ = true;
    log::info("stopping: hosts are told (again to end at once)");
    service_.stopping();
    stop_();
  }

  Server& server_;
  Loops& loops_;
  Service& service_;
  const Reload reload_;
  const std::function<void()> stop_;
  bool stopping_ = false;
  std::unique_ptr<runtime::Signals> signals_;
};

void say_ready() {
  fmt::print("srpd: ready\n");
  std::fflush(stdout);
}

int check(control::SavedConfiguration saved, runtime::Loop& home) {
  avoid_creating_files(saved.configuration);
  const control::Built built = control::build(saved.configuration, control::machine_seed(), home);
  report(saved.problems);
  report(built.problems);
  const std::size_t problems = saved.problems.size() + built.problems.size();
  fmt::print("{} disk{} on {} target{} can be served, {} problem{}\n", built.units.size(),
             built.units.size() == 1 ? "" : "s", built.ports.size(),
             built.ports.size() == 1 ? "" : "s", problems, problems == 1 ? "" : "s");
  return problems == 0 ? 0 : failed;
}

/// Disks of the command line or of a file, for as long as the program runs.
int serve(const Options& options, const control::SavedConfiguration& saved, Loops& loops) {
  control::Built built = control::build(saved.configuration, control::machine_seed(), loops.home());
  report(saved.problems);
  report(built.problems);
  const bool from_flags = options.config.empty();
  // On a command line somebody waits for exactly these disks; of a file, the rest is served.
  if (from_flags && !built.problems.empty()) return failed;
  if (built.units.empty())
    return fail({options.config, "nothing of it can be served", "see the warnings above"});

  // Lives longer than the target, whose commands wait for it.
  control::RegistrationFiles registrations(options.state + "/target");
  Server server(options, loops,
                from_flags ? "start srpd with --allow {address} or --allow {initiator}" : "");
  for (const auto& unit : built.units) {
    if (auto kept = registrations.take_care_of(unit); !kept) log::error("{}", kept.error().text());
    if (auto* const memory = unit->store().memory(); memory != nullptr) server.lend(*memory);
  }
  for (const target::PortDescription& port : built.ports) {
    if (auto added = server.target().add_port(port); !added) return fail(added.error());
  }
  if (auto opened = server.open(); !opened) return fail(opened.error());
  Metrics metrics(options, server.metrics());
  if (auto opened = metrics.open(); !opened) return fail(opened.error());
  Service service(options, loops);
  SignalHandler signals(
      server, loops, service,
      [](const auto& done) {
        log::info("SIGHUP: nothing to reload; restart srpd to change what it serves");
        done();
      },
      [&] { metrics.shut_down([&] { server.shut_down([&] { loops.home().stop(); }); }); });
  if (auto started = signals.start(); !started) return fail(started.error());

  fmt::print("{}", summary(built, server.listening(), server.discovery_addresses(),
                           loops.home().kind(), loops.all().size()));
  if (const std::string hint = closed_hint(built, from_flags); !hint.empty())
    log::warning("{}", hint);
  if (auto started = metrics.start(); !started) return fail(started.error());
  say_ready();
  service.ready(served_count(built));
  loops.run();
  loops.stop_others();
  log::info("stopped");
  return 0;
}

/// What the tree says, which changes while the program runs.
int manage(const Options& options, Loops& loops) {
  Server server(options, loops, "make an ACL for it: srpctl create /srpt/TARGET/acls {initiator}");
  Metrics metrics(options, server.metrics());
  if (auto opened = metrics.open(); !opened) return fail(opened.error());
  Service service(options, loops);
  int status = 0;
  std::function<void()> stop;
  Administration administration(
      options, server, loops,
      {.ready =
           [&] {
             if (auto started = metrics.start(); !started) {
               status = fail(started.error());
               return stop();
             }
             fmt::print("{}", listening_line(server.listening(), server.discovery_addresses(),
                                             loops.home().kind(), loops.all().size()));
             say_ready();
             service.ready("serving what the tree says");
           },
       .failed =
           [&](const Error& error) {
             status = fail(error);
             stop();
           }});
  const auto end = [&] { server.shut_down([&] { loops.home().stop(); }); };
  stop = [&] { metrics.shut_down([&] { administration.shut_down(end); }); };
  SignalHandler signals(
      server, loops, service, [&](auto done) { administration.reload(std::move(done)); }, stop);
  if (auto started = signals.start(); !started) return fail(started.error());
  administration.start();
  loops.run();
  loops.stop_others();
  log::info("stopped");
  return status;
}

int run(int argc, char** argv) {
  auto options = parse_command_line(argc, argv);
  if (!options) return options.error().status;
  log::set_level(options->log_level);
  log::set_format(options->log_format);
  runtime::block_signals();
  raise_file_limit();
  if (auto checked = check_device_management(*options); !checked) return fail(checked.error());
  if (options->manage) {
    if (auto group = control_group(*options); !group) return fail(group.error());
    const auto loops = Loops::start(*options);
    return loops ? manage(*options, **loops) : fail(loops.error());
  }
  const auto saved = configuration_from(*options);
  if (!saved) return fail(saved.error());
  adopt(saved->configuration.fabric, *options);
  const auto loops = Loops::start(*options);
  if (!loops) return fail(loops.error());
  return options->check_config ? check(*saved, (*loops)->home()) : serve(*options, *saved, **loops);
}

/// Threads of administration come and go, each with large texts for a moment. Heaps of their own
/// would keep that memory, and grow by a page at a time. Nothing on the path of a command uses any.
void share_one_heap() {
  constexpr int large = 1 << 20;
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_TOP_PAD, large);
  ::mallopt(M_MMAP_THRESHOLD, large);
}

}  // namespace
}  // namespace srpd::app

int main(int argc, char** argv) {
  try {
    srpd::app::share_one_heap();
    return srpd::app::run(argc, argv);
  } catch (const std::exception& error) {
    srpd::log::error("{}", error.what());
    return srpd::app::failed;
  }
}
