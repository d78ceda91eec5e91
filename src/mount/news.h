// Has the kernel forget what the daemon itself changed in the tree. What came through the mount the
// kernel knows already, and it may be caching something newer under the same name by now.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "tree/listener.h"

struct fuse_session;

namespace srpd::mount {

class News final : public tree::Listener {
 public:
  explicit News(fuse_session& session) : session_(session) {}
  ~News() { stop(); }
  News(const News&) = delete;
  News& operator=(const News&) = delete;

  void start();
  /// The mount must still be served: the kernel tells when it has forgotten.
  void stop();
  void on_change(const tree::Event& event) override;

  /// While it lives, what this thread changes in a tree comes from the mount.
  class FromMount {
   public:
    FromMount();
    ~FromMount();
    FromMount(const FromMount&) = delete;
    FromMount& operator=(const FromMount&) = delete;
  };

 private:
  void run();
  void tell(const tree::Event& event);

  fuse_session& session_;
  std::mutex lock_;
  std::condition_variable arrived_;
  std::deque<tree::Event> events_;
  bool stopping_ = false;
  std::thread thread_;  ///< of its own: the kernel may wait for one who is being answered
};

}  // namespace srpd::mount
