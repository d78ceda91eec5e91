// The threads that serve a mount. One of them, the leader, takes requests from the kernel and
// answers those that never wait. Before one that may wait it hands its place over to another, so
// there is always a leader: a store that waits for a slow device delays nobody who reads. More
// threads come to be as more requests wait, and end when they are not needed any more.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

struct fuse_buf;
struct fuse_session;

namespace srpd::mount {

class Crew {
 public:
  /// `on_end` is called once, by the leader, when the kernel will send no more requests although
  /// nobody called stop(): the mount is gone.
  Crew(fuse_session& session, std::function<void()> on_end);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// An errno, or 0.
  int start();
  /// Returns when what is being answered has been answered.
  void stop();

  /// Called by the thread that answers a request, before it does what may wait.
  void hand_over();
  std::uint64_t requests() const { return requests_; }

 private:
  void run();
  bool become_leader();
  bool receive(fuse_buf& buffer);
  bool add_thread();
  void join_ended();

  fuse_session& session_;
  std::function<void()> on_end_;
  int stop_event_ = -1;
  std::atomic<std::uint64_t> requests_ = 0;
  std::mutex lock_;
  std::condition_variable vacant_;
  bool led_ = false;
  bool stopping_ = false;
  unsigned idle_ = 0;
  std::list<std::thread> threads_;
  std::list<std::thread> ended_;
};

}  // namespace srpd::mount
