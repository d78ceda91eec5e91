#include "srpd/administration.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "control/apply.h"
#include "control/json_reader.h"
#include "control/saved_file.h"
#include "control/tree_restore.h"
#include "lio/root.h"
#include "ns/configfs.h"
#include "rpc/dispatcher.h"
#include "runtime/thread.h"

namespace srpd::app {
namespace {

using namespace std::chrono_literals;

/// Between two looks for what is missing.
constexpr auto patience = 1s;

}  // namespace

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
                           {.own_dbroot = options.state + "/target",
                            .is_own_mount = [this](const auto& path) { return is_own_mount(path); },
                            .other_subsystems = ns::other_subsystems()})),
      saved_(saved_file_),
      services_{.tree = tree_,
                .sessions = [this] { return rpc::sessions_of(server_.target(), home_); },
                .saved = &saved_,
                .version = SRPD_VERSION,
                .listening = [this] { return listening(); }} {}

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
    if (!opened) continue;
    if (!reloads.empty()) apply_saved();
    for (auto& reloaded : reloads) runtime::run_later(home_, std::move(reloaded));
    look_for_waiting();
  }
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
  return {};
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
  const auto applied = control::apply_configuration(tree_, *json);
  if (!applied)
    return log::error("reload: {}: {}; nothing is changed", saved_file_, applied.error().text());
  for (const Error& problem : applied->problems) log::warning("reload: {}", problem.text());
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
  return opened.has_value();
}

// Without it, srpctl still works.
void Administration::mount() {
  mount::Options where;
  where.directory = options_.tree;
  auto mounted = mount::Mount::start(tree_, where);
  if (!mounted) {
    log::warning("the tree is not mounted: {}", mounted.error().text());
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

void Administration::look_for_waiting() {
  for (const control::Arrival& arrival : engine_.look_for_waiting())
    lio::device_arrived(tree_, arrival.id, arrival.spec, arrival.properties);
}

// Whether it is time to end.
bool Administration::sleep() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return stopping_ || !reloads_.empty(); });
  return stopping_;
}

}  // namespace srpd::app
