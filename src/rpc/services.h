// What the methods of the control socket work on. Everything here may be called by any thread and
// may wait, but never by a loop.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/saved_file.h"
#include "target/target.h"
#include "tree/tree.h"

namespace srpd::rpc {

/// The sessions and refusals of one moment; `now` is what their times are compared with.
struct Sessions {
  std::vector<target::SessionInfo> sessions;
  std::vector<target::Refusal> refusals;
  runtime::Time now{};
};

struct Services {
  tree::Tree& tree;
  std::function<Sessions()> sessions;
  /// Null: nothing is saved by this daemon.
  control::SavedFile* saved = nullptr;
  std::string version = {};
  /// The page of metrics.
  std::function<std::string()> metrics = {};
  /// Where hosts log in, as text.
  std::function<std::vector<std::string>()> listening = {};
  /// Backstores and addresses that are not there yet; empty: nothing is waited for.
  std::function<std::vector<Error>()> waiting = {};
  /// What is wrong with the daemon itself; empty: nothing.
  std::function<std::vector<Error>()> troubles = {};
  /// What the tree has and hosts do not get, though nothing is waited for; empty: nothing.
  std::function<std::vector<Error>()> unserved = {};
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  /// Held while the whole configuration is changed or saved: one at a time.
  std::mutex configuration = {};
  /// What could not be made of the configuration that was restored last, under `configuration`: it
  /// is missing in the tree, and must not go missing in what is saved.
  std::vector<Error> not_restored = {};
  /// The tpgs that `drain` has disabled, under `configuration`.
  std::set<std::string> drained = {};
};

/// Asks a target that runs on `home`; waits for that loop.
Sessions sessions_of(target::Target& target, runtime::Loop& home);

}  // namespace srpd::rpc
