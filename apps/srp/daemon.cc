// srp daemon: keeps the kernel's initiator logged in to what a configuration file names
// (docs/srp-daemon.md).
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>
#include <utility>

#include "base/log.h"
#include "dnssd/browser.h"
#include "find.h"
#include "kernel/daemon_config.h"
#include "kernel/interruptible_writer.h"
#include "kernel/keeper.h"
#include "kernel/uevents.h"
#include "runtime/bound.h"
#include "runtime/signals.h"

namespace srpd::cli {
namespace {

using namespace std::chrono_literals;
using kernel::DaemonConfig;
using kernel::DaemonRule;

constexpr const char* default_config = "/etc/srp/daemon.conf";
/// News come in bursts.
constexpr runtime::Time settling = 500ms;
constexpr runtime::Time first_retry = 2s;
/// For the first answers of the network where everything is wanted.
constexpr runtime::Time first_look = 3s;
/// How often a login that is to be left is interrupted.
constexpr runtime::Time nagging = 50ms;

struct Options {
  std::string config = default_config;
  bool once = false;
  FindOptions find;
};

Expected<DaemonConfig> read_config(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    return failure(path, errno_text(errno),
                   "write it (docs/srp-daemon.md), or name another one "
                   "with --config");
  std::stringstream text;
  text << file.rdbuf();
  return kernel::parse_daemon_config(text.str(), path);
}

class Daemon final : private dnssd::Browser::Observer {
 public:
  Daemon(const Common& common, const Options& options, DaemonConfig config, runtime::Loop& loop,
         transport::Transport& transport)
      : options_(options),
        config_(std::move(config)),
        loop_(loop),
        finder_(common, options.find, loop, transport),
        keeper_(files_, kernel::route_to) {}
  ~Daemon() {
    loop_.cancel_timer(alarm_);
    loop_.cancel_timer(nag_);
  }

  int run();

 private:
  void on_services() override { soon(settling); }
  void on_settled(const std::string& why) override;

  bool wants_everything() const;
  void on_signal(int signal);
  void reread();
  void expired();
  void soon(runtime::Time pause);
  void wait();

  kernel::Keeper::Outcome pass();
  kernel::Keeper::Outcome keep(const std::vector<kernel::Wanted>& wanted);
  void leave_pass();
  void pass_over();
  std::vector<kernel::Wanted> wanted();
  Findings everything();
  void add(const DaemonRule& rule, const Findings& findings, std::vector<kernel::Wanted>& to);
  bool excepted(const kernel::LoginString& login) const;
  void complain(const Error& problem);

  const Options& options_;
  DaemonConfig config_;
  runtime::Loop& loop_;
  Finder finder_;
  kernel::InterruptibleWriter writer_;
  const kernel::Files files_{{}, [this](const std::string& path, std::string_view text) {
                               return writer_.write(path, text);
                             }};
  kernel::Keeper keeper_;
  std::unique_ptr<dnssd::Browser> browser_;
  std::string no_responder_;  ///< why nothing can be found
  runtime::Bound<runtime::Timer, Daemon, &Daemon::expired> alarm_{*this};
  runtime::Bound<runtime::Timer, Daemon, &Daemon::leave_pass> nag_{*this};
  runtime::Bound<runtime::Mail, Daemon, &Daemon::pass_over> pass_over_{*this};
  bool passing_ = false;                ///< logins are being written, by another thread
  std::atomic<bool> abandoned_{false};  ///< the rest of them is left
  bool due_ = false;
  bool reread_ = false;  ///< asked for by SIGHUP
  bool stopping_ = false;
  std::size_t problems_ = 0;             ///< of this pass
  std::vector<std::string> complaints_;  ///< of this pass, and of the last one
  std::vector<std::string> old_complaints_;
};

void Daemon::on_settled(const std::string& why) {
  if (why == no_responder_ && !why.empty()) return;
  no_responder_ = why;
  soon(0s);
}

bool Daemon::wants_everything() const {
  return std::any_of(config_.rules.begin(), config_.rules.end(), [](const DaemonRule& rule) {
    return rule.kind == DaemonRule::Kind::everything;
  });
}

void Daemon::on_signal(int signal) {
  // Read when no pass is walking the rules, which is soon.
  if (signal == SIGHUP) {
    reread_ = true;
    leave_pass();
    return soon(0s);
  }
  if (signal != SIGTERM && signal != SIGINT) return;
  stopping_ = true;
  leave_pass();
  loop_.stop();
}

void Daemon::reread() {
  auto config = read_config(options_.config);
  if (!config) {
    log::error("{}; going on with what was read before", config.error().text());
    return;
  }
  config_ = std::move(*config);
  log::info("{}: read again", options_.config);
}

void Daemon::expired() {
  due_ = true;
  loop_.stop();
}

void Daemon::soon(runtime::Time pause) {
  const runtime::Time when = loop_.now() + pause;
  if (!alarm_.armed() || alarm_.deadline() > when) loop_.start_timer(alarm_, when);
}

// News that came during the pass count.
void Daemon::wait() {
  while (!due_ && !stopping_) loop_.run();
  loop_.cancel_timer(alarm_);
}

int Daemon::run() {
  const auto signals = runtime::Signals::make(loop_, [this](int signal) { on_signal(signal); });
  if (!signals) return fail(signals.error(), no_connection);
  const auto uevents = kernel::Uevents::make(loop_, [this] { soon(settling); });
  if (!uevents) log::warning("{}", uevents.error().text());
  runtime::Time pause = first_retry;
  while (!stopping_) {
    if (std::exchange(reread_, false)) reread();
    if (wants_everything() && browser_ == nullptr) {
      dnssd::Browser::Observer& observer = *this;
      browser_ = std::make_unique<dnssd::Browser>(loop_, observer);
      browser_->start();
      soon(first_look);
      wait();
      if (stopping_) break;
    }
    due_ = false;
    const auto outcome = pass();
    if (options_.once && !reread_) return outcome.failed + problems_ == 0 ? success : no_connection;
    // What fails is tried again sooner, but less and less soon.
    const runtime::Time interval = config_.interval;
    const bool failed = outcome.failed + problems_ > 0;
    pause = failed ? std::min(pause * 2, interval) : first_retry;
    soon(failed ? pause : interval);
    if (browser_ != nullptr) browser_->refresh();
    wait();
  }
  log::info("ending; sessions stay as they are");
  return success;
}

kernel::Keeper::Outcome Daemon::pass() {
  problems_ = 0;
  old_complaints_ = std::move(complaints_);
  complaints_.clear();
  if (const auto ports = kernel::srp_ports(files_); !ports) {
    complain(ports.error());
    return {};
  }
  return keep(wanted());
}

// A login takes as long as the network does; signals are heard meanwhile.
kernel::Keeper::Outcome Daemon::keep(const std::vector<kernel::Wanted>& wanted) {
  kernel::Keeper::Outcome outcome;
  if (stopping_) return outcome;
  abandoned_ = reread_;
  passing_ = true;
  std::thread worker([&] {
    outcome = keeper_.pass(wanted, abandoned_);
    loop_.post(pass_over_);
  });
  while (passing_) loop_.run();
  worker.join();
  return outcome;
}

void Daemon::leave_pass() {
  if (!passing_) return;
  abandoned_ = true;
  writer_.interrupt();
  loop_.start_timer(nag_, loop_.now() + nagging);
}

void Daemon::pass_over() {
  passing_ = false;
  loop_.cancel_timer(nag_);
  loop_.stop();
}

std::vector<kernel::Wanted> Daemon::wanted() {
  std::vector<kernel::Wanted> all;
  std::vector<std::string> targets;
  for (const DaemonRule& rule : config_.rules)
    if (rule.kind == DaemonRule::Kind::target) targets.push_back(rule.target);
  const auto named = finder_.each(targets);
  auto next = named.begin();
  if (wants_everything() && !no_responder_.empty())
    complain({"multicast DNS", no_responder_, "start avahi-daemon, or name hosts"});
  for (const DaemonRule& rule : config_.rules) {
    if (rule.kind == DaemonRule::Kind::login)
      all.push_back({rule.login, rule.device});
    else if (rule.kind == DaemonRule::Kind::target)
      add(rule, *next++, all);
    else if (browser_ != nullptr)
      add(rule, everything(), all);
  }
  return all;
}

void Daemon::add(const DaemonRule& rule, const Findings& findings,
                 std::vector<kernel::Wanted>& to) {
  for (const Error& problem : findings.problems) complain(problem);
  for (const Unit& unit : findings.units) {
    for (kernel::LoginString& login : logins_of(unit, rule.all_addresses)) {
      if (rule.kind == DaemonRule::Kind::everything && excepted(login)) continue;
      login.options = rule.options;
      to.push_back({std::move(login), rule.device});
    }
  }
}

Findings Daemon::everything() {
  Findings findings = finder_.of(browser_->found());
  finder_.add_infiniband(findings);
  return findings;
}

bool Daemon::excepted(const kernel::LoginString& login) const {
  return std::any_of(config_.exceptions.begin(), config_.exceptions.end(), [&](const auto& each) {
    return each.id_ext == login.id_ext && each.ioc_guid == login.ioc_guid;
  });
}

/// Each once, until it has been better.
void Daemon::complain(const Error& problem) {
  ++problems_;
  const std::string text = problem.text();
  const auto has = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), text) != list.end();
  };
  if (!has(complaints_) && !has(old_complaints_)) log::warning("{}", text);
  complaints_.push_back(text);
}

int run_daemon(const Common& common, const Options& options) {
  auto config = read_config(options.config);
  if (!config) return fail(config.error(), usage_error);
  runtime::block_signals();
  const auto transport = make_transport(common);
  if (!transport) return fail(transport.error(), usage_error);
  const auto loop = runtime::make_loop({});
  if (!loop) return fail(loop.error(), no_connection);
  Daemon daemon(common, options, std::move(*config), **loop, **transport);
  return daemon.run();
}

}  // namespace

Action add_daemon(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("--config", options->config, "What to be logged in to")->capture_default_str();
  app.add_flag("--once", options->once, "One pass; 0 when all of it is logged in");
  add_find_options(app, options->find);
  app.footer(
      "Logs in to whatever the file names and is not logged in to: at the start, when a session\n"
      "vanishes, when a target announces itself, and at an interval. Logs out of nothing. SIGHUP:\n"
      "reads the file again. SIGTERM: ends; sessions stay.\n"
      "\n"
      "  interval 60\n"
      "  connect 192.0.2.10 queue_size=64,ch_count=4\n"
      "  connect srp://192.0.2.11/0002c903000e8acc/\n"
      "  connect all");
  return [options, &common] { return run_daemon(common, *options); };
}

}  // namespace srpd::cli
