// srpd: serves disks to SRP initiators. Everything is built here, explicitly, in this order; what
// each step can say against it ends the program with the reason.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include "base/log.h"
#include "control/build.h"
#include "control/identity.h"
#include "runtime/signals.h"
#include "srpd/configuration.h"
#include "srpd/device_management.h"
#include "srpd/discovery.h"
#include "srpd/listen.h"
#include "srpd/loops.h"
#include "srpd/options.h"
#include "srpd/service.h"
#include "srpd/status.h"
#include "srpd/summary.h"
#include "srpd/transports.h"
#include "target/target.h"

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
void on_signal(int signal, bool& stopping, target::Target& target, Discovery& discovery,
               Loops& loops, Service& service) {
  if (signal == SIGHUP) return service.reload();
  if (signal == SIGUSR1) {
    log_status(target, loops.home());
    return;
  }
  if (stopping) {
    log::warning("second signal: ending at once");
    ::_exit(128 + signal);
  }
  stopping = true;
  log::info("stopping: hosts are told (again to end at once)");
  service.stopping();
  discovery.shut_down([&] { target.shutdown([&loops] { loops.home().stop(); }); });
}

int check(control::SavedConfiguration saved, runtime::Loop& home) {
  avoid_creating_files(saved.configuration);
  const control::Built built = control::build(saved.configuration, control::machine_seed(), home);
  report(saved.problems);
  report(built.problems);
  const std::size_t problems = saved.problems.size() + built.problems.size();
  fmt::print("{} can be served, {} problem{}\n", served_count(built), problems,
             problems == 1 ? "" : "s");
  return problems == 0 ? 0 : failed;
}

int serve(const Options& options, const control::SavedConfiguration& saved, Loops& loops) {
  control::Built built = control::build(saved.configuration, control::machine_seed(), loops.home());
  report(saved.problems);
  report(built.problems);
  const bool from_flags = options.config.empty();
  // On a command line somebody waits for exactly these disks; of a file, the rest is served.
  if (from_flags && !built.problems.empty()) return failed;
  if (built.units.empty())
    return fail({options.config, "nothing of it can be served", "see the warnings above"});

  auto passed_sockets = service::PassedSockets::from_environment();
  Transports transports(options, built, passed_sockets);
  target::TargetOptions target_options;
  if (from_flags)
    target_options.acl_remedy = "start srpd with --allow {address} or --allow {initiator}";
  if (options.max_request_iu != 0) target_options.max_request_iu = options.max_request_iu;
  target::Target target(loops.all(), target_options);
  for (const target::PortDescription& port : built.ports) {
    if (auto added = target.add_port(port); !added) return fail(added.error());
  }
  const auto listening = listen_everywhere(options, target, transports, passed_sockets);
  if (!listening) return fail(listening.error());
  const auto device_management = answer_device_management(options, built, *listening);
  const auto discovery = Discovery::start(options, built, *listening, loops.home());
  if (!discovery) return fail(discovery.error());

  Service service(options, loops);
  bool stopping = false;
  const auto signals = runtime::Signals::make(loops.home(), [&](int signal) {
    on_signal(signal, stopping, target, **discovery, loops, service);
  });
  if (!signals) return fail(signals.error());

  fmt::print("{}", summary(built, *listening, (*discovery)->addresses(), loops.home().kind(),
                           loops.all().size()));
  if (const std::string hint = closed_hint(built, from_flags); !hint.empty())
    log::warning("{}", hint);
  fmt::print("srpd: ready\n");
  std::fflush(stdout);
  service.ready(served_count(built));
  loops.run();
  loops.stop_others();
  log::info("stopped");
  return 0;
}

int run(int argc, char** argv) {
  auto options = parse_command_line(argc, argv);
  if (!options) return options.error().status;
  log::set_level(options->log_level);
  runtime::block_signals();
  raise_file_limit();
  if (auto checked = check_device_management(*options); !checked) return fail(checked.error());
  const auto saved = configuration_from(*options);
  if (!saved) return fail(saved.error());
  adopt(saved->configuration.fabric, *options);
  const auto loops = Loops::start(*options);
  if (!loops) return fail(loops.error());
  return options->check_config ? check(*saved, (*loops)->home()) : serve(*options, *saved, **loops);
}

}  // namespace
}  // namespace srpd::app

int main(int argc, char** argv) {
  try {
    return srpd::app::run(argc, argv);
  } catch (const std::exception& error) {
    srpd::log::error("{}", error.what());
    return srpd::app::failed;
  }
}
