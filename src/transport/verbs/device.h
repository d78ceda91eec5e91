// An RDMA device as its users on all loops share it: protection domain, limits, and the
// registrations of memory that does not belong to one loop.
//
// Whoever holds a Device holds a CmId of it as well and lets go of that one last: librdmacm owns
// the device context and closes it, when it has noticed that the device is gone, with the last
// identifier.
#pragma once

#include <infiniband/verbs.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/counter.h"
#include "runtime/loop.h"
#include "runtime/pinnable_memory.h"
#include "transport/transport.h"
#include "transport/verbs/registration.h"

namespace srpd::transport::verbs {

class LoopContext;

/// Any thread, unless a member says otherwise.
class Device {
 public:
  static Expected<std::shared_ptr<Device>> open(ibv_context& context);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  ibv_context& context() const { return context_; }
  ibv_pd& pd() const { return *pd_; }
  const ibv_device_attr& limits() const { return limits_; }
  std::string name() const { return ::ibv_get_device_name(context_.device); }
  bool iwarp() const { return context_.device->transport_type == IBV_TRANSPORT_IWARP; }
  /// Access that local memory needs. On iWARP the sink of an RDMA Read is written to by the peer's
  /// Read Response, which names it (RFC 5040 5.1).
  int local_access() const {
    return IBV_ACCESS_LOCAL_WRITE | (iwarp() ? IBV_ACCESS_REMOTE_WRITE : 0);
  }
  std::uint32_t max_message(std::uint8_t port) const;

  /// The kernel waits for us to let go of everything.
  void mark_removed() { removed_ = true; }
  bool removed() const { return removed_; }
  /// Whether its driver has taken it away; then it is removed(). RDMA/CM says so as well, but not
  /// before the verbs have been let go of, if its module was loaded before theirs and the driver
  /// cannot take them from us (rdma_rxe). A system call.
  bool look_whether_removed();

  /// What one loop counts at one vector.
  struct VectorCounter {
    VectorCounter(const runtime::Loop& of, int at) : loop(&of), vector(at) {}
    const runtime::Loop* const loop;
    const int vector;
    Counter completions, events;
  };
  /// Stays as long as the device.
  VectorCounter& counter_of(const runtime::Loop& loop, int vector);
  std::vector<CompletionVectorCount> completion_vectors();

  /// Spreads completion queues over the device's vectors.
  int next_vector();

  /// The key of the chunk around `offset`; registers it at the first time. Nothing, with errno set,
  /// when that fails.
  std::optional<std::uint32_t> key_of(runtime::PinnableMemory& memory, std::size_t offset);

  /// What was registered of it is no longer known to the adapter.
  void forget(const runtime::PinnableMemory& memory);

  void add(const std::shared_ptr<LoopContext>& context);
  /// Those that are still there.
  std::vector<std::shared_ptr<LoopContext>> loop_contexts();

 private:
  explicit Device(ibv_context& context);
  void let_go_of_context();

  ibv_context& context_;
  const ino_t inode_;  // of its folder in sysfs; another one when a device of the same name came
  ibv_pd* pd_ = nullptr;
  ibv_device_attr limits_{};
  std::atomic<bool> removed_{false};
  std::atomic<unsigned> vectors_used_{0};
  std::mutex mutex_;
  std::map<const runtime::PinnableMemory*, std::vector<Registration>> registrations_;
  std::vector<std::weak_ptr<LoopContext>> contexts_;
  std::list<VectorCounter> vector_counters_;
};

/// The devices that are in use.
class Devices {
 public:
  /// Any thread.
  Expected<std::shared_ptr<Device>> of(ibv_context& context);
  /// Null when nobody uses it.
  std::shared_ptr<Device> find(const ibv_context* context);
  /// None of them knows it any more. Any thread.
  void forget(const runtime::PinnableMemory& memory);
  /// Those that are in use.
  std::vector<std::shared_ptr<Device>> all();

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Device>> devices_;
};

}  // namespace srpd::transport::verbs
