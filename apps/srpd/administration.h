// srpd --tree: what is served is what LIO's tree says. The tree is restored from the saved
// configuration, mounted for LIO's tools, and drives the target of the server.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/engine.h"
#include "control/saved_file.h"
#include "mount/mount.h"
#include "rpc/server.h"
#include "rpc/services.h"
#include "srpd/options.h"
#include "srpd/server.h"
#include "tree/tree.h"

namespace srpd::app {

/// Of the control socket, as the options have it.
Expected<std::optional<gid_t>> control_group(const Options& options);

class Administration {
 public:
  /// What it calls, on the home loop.
  struct Events {
    std::function<void()> ready;               ///< hosts are let in
    std::function<void(const Error&)> failed;  ///< they cannot be
  };

  /// All outlive it. Nothing happens before start().
  Administration(const Options& options, Server& server, Loops& loops, Events events);
  /// After shut_down(), or before start().
  ~Administration();
  Administration(const Administration&) = delete;
  Administration& operator=(const Administration&) = delete;

  /// Restores, mounts, and opens the server, in a thread of its own, since the home loop has to run
  /// meanwhile. Devices that are missing are waited for as long as it lives.
  void start();
  /// Makes the tree what the saved configuration says now, by what differs: hosts on objects that
  /// stay do not notice. `done` on the home loop; not when it ends meanwhile.
  void reload(std::function<void()> done);
  /// No more changes; `done` on the home loop when none is under way.
  void shut_down(std::function<void()> done);

 private:
  void run();
  Expected<void> restore();
  bool open();
  void mount();
  void answer();
  std::vector<std::string> listening() const;
  std::vector<Error> waiting() const;
  std::vector<Error> troubles() const;
  std::vector<Error> unserved() const;
  std::vector<Error> as_failures(std::vector<Error> problems) const;
  void look_for_waiting();
  void look_for_listeners();
  void apply_saved();
  bool sleep();
  std::vector<std::function<void()>> take_reloads();
  void keep(std::function<void()> work, std::function<void()> done);
  void look_at_kept();
  void end_keeping();
  bool is_own_mount(const std::string& path) const;

  const Options& options_;
  Server& server_;
  runtime::Loop& home_;
  const Events events_;
  const std::string saved_file_;
  control::Engine engine_;
  std::atomic<const mount::Mount*> own_mount_ = nullptr;
  tree::Tree tree_;
  std::unique_ptr<mount::Mount> mount_;
  std::optional<Error> not_mounted_;       ///< why
  std::vector<Error> lost_registrations_;  ///< from before anybody can ask
  control::SavedFile saved_;
  rpc::Services services_;
  std::unique_ptr<rpc::Server> control_;  ///< what srpctl asks

  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_:
  bool stopping_ = false;
  std::function<void()> done_;
  std::vector<std::function<void()>> reloads_;
  std::vector<std::function<void()>> kept_;  ///< what hosts have set and the tree has yet to know
  bool keeping_ = true;
  std::thread thread_;
};

}  // namespace srpd::app
