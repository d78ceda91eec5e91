#include "srpd/administration.h"

#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "control/apply.h"
#include "control/json_reader.h"
#include "control/saved_file.h"
#include "control/tree_restore.h"
#include "lio/access_states.h"
#include "lio/aptpl.h"
#include "lio/root.h"
#include "mount/mount_table.h"
#include "ns/configfs.h"
#include "rpc/dispatcher.h"
#include "runtime/thread.h"

namespace srpd::app {
namespace {

using namespace std::chrono_literals;

/// Between two looks for what is missing.
constexpr auto patience = 1s;

}  // namespace

Expected<std::optional<gid_t>> control_group(const Options& options) {
  if (options.control_group.empty()) return std::nullopt;
  const auto group = rpc::find_group(options.control_group);
  if (!group)
    return failure("--control-group: " + group.error().object, group.error().cause,
                   group.error().remedy);
  return std::optional(*group);
}

Administration::Administration(const Options& options, Server& server, Loops& loops, Events events)
    : options_(options),
      server_(server),
      home_(loops.home()),
      events_(std::move(events)),
      saved_file_(options.state + "/target/saveconfig.json"),
      engine_(server.target(), loops.home(),
              {.listen = [&server](auto port) { return server.listen_for_rdma_cm(port); },
               .lend = [&server](auto& memory) { server.lend(memory); },
               .take_back = [&server](auto& memory) { server.take_back(memory); }}),
      tree_(lio::make_root(engine_,
                           {.profile = options.profile,
                            .own_dbroot = options.state + "/target",
                            .is_own_mount = [this](const auto& path) { return is_own_mount(path); },
                            .other_subsystems = ns::other_subsystems()})),
      saved_(saved_file_),
      services_{.tree = tree_,
                .sessions = [this] { return rpc::sessions_of(server_.target(), home_); },
                .saved = &saved_,
                .version = SRPD_VERSION,
                .metrics = [sources = server.metrics()] { return observe::page(sources); },
                .listening = [this] { return listening(); },
                .waiting = [this] { return waiting(); },
                .troubles = [this] { return troubles(); },
                .unserved = [this] { return unserved(); }} {
  engine_.set_keep(
      [this](auto device, auto spec, auto changes, auto done) {
        keep([=, this] { lio::take_over_access_states(tree_, device, spec, changes); }, done);
      },
      [this](auto device, auto spec, auto text, auto done) {
        const auto kept = std::make_shared<bool>(false);
        keep([=, this] { *kept = lio::keep_registrations(tree_, device, spec, text); },
             [=] { done(*kept); });
      });
}

Administration::~Administration() {
  if (thread_.joinable()) thread_.join();
}

void Administration::start() {
  thread_ = std::thread([this] { run(); });
}

void Administration::shut_down(std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  done_ = std::move(done);
  changed_.notify_one();
}

bool Administration::is_own_mount(const std::string& path) const {
  const mount::Mount* const own = own_mount_;
  return own != nullptr && own->contains(path);
}

void Administration::run() {
  const bool opened = open();
  while (!sleep()) {
    // One reading answers all who have asked before it.
    auto reloads = take_reloads();
    look_at_kept();
    if (!opened) continue;
    if (!reloads.empty()) apply_saved();
    for (auto& reloaded : reloads) runtime::run_later(home_, std::move(reloaded));
    look_for_waiting();
  }
  end_keeping();
  if (control_) control_->stop();
  if (mount_) mount_->stop();
  own_mount_ = nullptr;
  std::function<void()> done;
  {
    const std::lock_guard lock(mutex_);
    done = std::move(done_);
  }
  runtime::run_later(home_, std::move(done));
}

// What cannot be made is told and left out; what is missing is waited for. A file of which nothing
// can be made is an error: with an empty tree, the next save would put an end to it.
Expected<void> Administration::restore() {
  std::error_code error;
  if (!std::filesystem::exists(saved_file_, error)) return {};
  const auto text = control::SavedFile(saved_file_).read();
  if (!text) return tl::make_unexpected(text.error());
  engine_.set_patient(true);
  auto problems = control::restore_tree(tree_, *text);
  engine_.set_patient(false);
  if (!problems) {
    Error unusable = problems.error();
    unusable.object = saved_file_;
    return tl::make_unexpected(std::move(unusable));
  }
  for (const Error& problem : *problems) log::warning("{}", problem.text());
  services_.not_restored = as_failures(*problems);
  lio::restore_access_states(tree_);
  lost_registrations_ = lio::restore_registrations(tree_);
  for (const Error& problem : lost_registrations_) log::error("{}", problem.text());
  return {};
}

/// For whoever reads them later, elsewhere than behind what was being done.
std::vector<Error> Administration::as_failures(std::vector<Error> problems) const {
  for (Error& each : problems) {
    each.cause = "it was not restored: " + each.cause;
    if (each.remedy.empty()) each.remedy = "correct it in " + saved_file_ + " and reload srpd";
  }
  return problems;
}

std::vector<Error> Administration::unserved() const {
  std::vector<Error> all = engine_.failures();
  all.insert(all.end(), lost_registrations_.begin(), lost_registrations_.end());
  return all;
}

// Commands of hosts wait for `done`, so that it always comes.
void Administration::keep(std::function<void()> work, std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  if (!keeping_) return done();
  kept_.push_back([work = std::move(work), done = std::move(done)] {
    work();
    done();
  });
  changed_.notify_one();
}

void Administration::look_at_kept() {
  std::vector<std::function<void()>> all;
  {
    const std::lock_guard lock(mutex_);
    all = std::exchange(kept_, {});
  }
  for (const auto& each : all) each();
}

void Administration::end_keeping() {
  {
    const std::lock_guard lock(mutex_);
    keeping_ = false;
  }
  look_at_kept();
}

void Administration::reload(std::function<void()> done) {
  const std::lock_guard lock(mutex_);
  reloads_.push_back(std::move(done));
  changed_.notify_one();
}

std::vector<std::function<void()>> Administration::take_reloads() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reloads_, {});
}

// A file that cannot be read, or is no configuration, changes nothing.
void Administration::apply_saved() {
  const auto text = control::SavedFile(saved_file_).read();
  if (!text) return log::error("reload: {}; nothing is changed", text.error().text());
  const auto json = control::parse_json(*text);
  if (!json)
    return log::error("reload: {}: {}; nothing is changed", saved_file_, json.error().text());
  const std::lock_guard lock(services_.configuration);
  engine_.set_patient(true);
  const auto applied = control::apply_configuration(tree_, *json);
  engine_.set_patient(false);
  if (!applied)
    return log::error("reload: {}: {}; nothing is changed", saved_file_, applied.error().text());
  for (const Error& problem : applied->problems) log::warning("reload: {}", problem.text());
  services_.not_restored = as_failures(applied->problems);
  log::info("reload: {} difference{} to {}", applied->differences.size(),
            applied->differences.size() == 1 ? "" : "s", saved_file_);
}

// A host that logs in too early would look for its LUNs once and miss some, so the server is opened
// last.
bool Administration::open() {
  auto opened = restore();
  if (opened) {
    mount();
    answer();
    opened = runtime::run_on(home_, [&] { return server_.open(); });
  }
  runtime::run_on(home_, [&] { opened ? events_.ready() : events_.failed(opened.error()); });
  // What the text of the configuration took.
  ::malloc_trim(0);
  return opened.has_value();
}

// Without it, srpctl still works.
void Administration::mount() {
  mount::Options where;
  where.directory = options_.tree;
  auto mounted = mount::Mount::start(tree_, where);
  if (!mounted) {
    log::warning("the tree is not mounted: {}", mounted.error().text());
    not_mounted_ = mounted.error();
    return;
  }
  mount_ = std::move(*mounted);
  own_mount_ = mount_.get();
  log::info("the tree is mounted at {}", mount_->directory());
}

// Without it, the mounted tree still works.
void Administration::answer() {
  std::error_code error;  // Saving says it better.
  std::filesystem::create_directories(std::filesystem::path(saved_file_).parent_path(), error);
  rpc::ServerOptions options;
  options.path = options_.control;
  options.group = control_group(options_).value_or(std::nullopt);
  options.passed = runtime::run_on(home_, [this] { return server_.take_passed(options_.control); });
  auto started = rpc::Server::start(
      [this](std::string_view line) { return rpc::answer_line(services_, line); }, options);
  if (!started) {
    log::warning("srpctl cannot ask: {}", started.error().text());
    return;
  }
  control_ = std::move(*started);
}

std::vector<std::string> Administration::listening() const {
  return runtime::run_on(home_, [this] {
    std::vector<std::string> texts;
    for (const transport::Address& address : server_.listening()) texts.push_back(address.text());
    return texts;
  });
}

std::vector<Error> Administration::troubles() const {
  std::vector<Error> found;
  const mount::Mount* const own = own_mount_;
  if (not_mounted_)
    found.push_back(
        {options_.tree,
         "the tree is not mounted, so LIO's tools find nothing: " + not_mounted_->text(),
         "mend that and restart srpd; srpctl works meanwhile"});
  else if (own != nullptr && mount::find_mounted(mount::mount_table(), own->directory()) == nullptr)
    found.push_back({own->directory(), "the tree was unmounted, so LIO's tools find nothing",
                     "restart srpd; srpctl works meanwhile"});
  if (options_.loop.backend == runtime::LoopOptions::Backend::automatic && home_.kind() == "epoll")
    found.push_back({"io_uring",
                     "this machine refuses it, so disks are reached by threads, which is slower",
                     "allow it: sysctl kernel.io_uring_disabled=0, and no filter of system calls "
                     "against it (containers have one)"});
  return found;
}

std::vector<Error> Administration::waiting() const {
  std::vector<Error> missing;
  for (const control::WaitingDevice& device : engine_.waiting())
    missing.push_back(control::error_of(device));
  std::sort(missing.begin(), missing.end(),
            [](const Error& a, const Error& b) { return a.object < b.object; });
  auto addresses = runtime::run_on(home_, [this] { return server_.waiting(); });
  std::move(addresses.begin(), addresses.end(), std::back_inserter(missing));
  return missing;
}

void Administration::look_for_waiting() {
  for (const control::Arrival& arrival : engine_.look_for_waiting())
    lio::device_arrived(tree_, arrival.id, arrival.spec, arrival.properties);
  look_for_listeners();
}

// The name service is asked by this thread, since it may take its time.
void Administration::look_for_listeners() {
  const auto waiting = runtime::run_on(home_, [this] { return server_.waiting_listeners(); });
  for (const WaitingListener& each : waiting) {
    const auto address = parse_listen(each.text);
    runtime::run_on(home_, [&] { server_.try_again(each.text, address); });
  }
}

// Whether it is time to end.
bool Administration::sleep() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience,
                    [this] { return stopping_ || !reloads_.empty() || !kept_.empty(); });
  return stopping_;
}

}  // namespace srpd::app
