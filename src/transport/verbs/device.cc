#include "transport/verbs/device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "transport/verbs/loop_context.h"

namespace srpd::transport::verbs {
namespace {

// 0: there is none, or this process cannot see it.
ino_t inode_of(const char* path) {
  struct stat status{};
  return ::stat(path, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

Device::Device(ibv_context& context)
    : context_(context), inode_(inode_of(context.device->dev_path)) {}

Expected<std::shared_ptr<Device>> Device::open(ibv_context& context) {
  std::shared_ptr<Device> made(new Device(context));
  if (const int rc = ::ibv_query_device(&context, &made->limits_); rc != 0)
    return failure(made->name(), "cannot be queried: " + errno_text(rc));
  made->pd_ = ::ibv_alloc_pd(&context);
  if (made->pd_ == nullptr)
    return failure(made->name(), "no protection domain: " + errno_text(errno));
  return made;
}

Device::~Device() {
  registrations_.clear();
  if (pd_ != nullptr) ::ibv_dealloc_pd(pd_);
  if (removed_) let_go_of_context();
}

bool Device::look_whether_removed() {
  if (inode_ != 0 && inode_of(context_.device->dev_path) != inode_) mark_removed();
  return removed();
}

// librdmacm keeps the context open although nothing uses it, and the removal of a device waits
// until no process has it open. So the descriptors are put to something else, which librdmacm may
// close when it likes. It never gives this context to a new identifier.
void Device::let_go_of_context() {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) {
    log::error("{}: cannot be let go of: {}; end srpd to remove the device", name(),
               errno_text(errno));
    return;
  }
  for (const int fd : {context_.cmd_fd, context_.async_fd}) ::dup3(nothing, fd, O_CLOEXEC);
  ::close(nothing);
}

std::uint32_t Device::max_message(std::uint8_t port) const {
  ibv_port_attr attributes{};
  if (::ibv_query_port(&context_, port, &attributes) != 0 || attributes.max_msg_sz == 0)
    return 1u << 20;
  // The length of a message is a 32-bit number, and 2^31 bytes the most (IBTA 9.4.3).
  return std::min(attributes.max_msg_sz, 1u << 31);
}

int Device::next_vector() {
  const auto vectors = static_cast<unsigned>(std::max(context_.num_comp_vectors, 1));
  return static_cast<int>(vectors_used_++ % vectors);
}

std::optional<std::uint32_t> Device::key_of(runtime::PinnableMemory& memory, std::size_t offset) {
  constexpr std::size_t chunk = runtime::PinnableMemory::chunk;
  const std::lock_guard lock(mutex_);
  auto& chunks = registrations_[&memory];
  if (chunks.empty()) chunks.resize((memory.bytes().size() + chunk - 1) / chunk);
  Registration& registration = chunks[offset / chunk];
  if (!registration) registration = Registration::make(*pd_, memory.pin(offset), local_access());
  if (!registration) return std::nullopt;
  return registration.lkey();
}

void Device::forget(const runtime::PinnableMemory& memory) {
  const std::lock_guard lock(mutex_);
  registrations_.erase(&memory);
}

void Device::add(const std::shared_ptr<LoopContext>& context) {
  const std::lock_guard lock(mutex_);
  std::erase_if(contexts_, [](const auto& each) { return each.expired(); });
  contexts_.push_back(context);
}

std::vector<std::shared_ptr<LoopContext>> Device::loop_contexts() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<LoopContext>> all;
  for (const auto& each : contexts_) {
    if (auto context = each.lock()) all.push_back(std::move(context));
  }
  return all;
}

Device::VectorCounter& Device::counter_of(const runtime::Loop& loop, int vector) {
  const std::lock_guard lock(mutex_);
  for (VectorCounter& each : vector_counters_)
    if (each.loop == &loop && each.vector == vector) return each;
  return vector_counters_.emplace_back(loop, vector);
}

std::vector<CompletionVectorCount> Device::completion_vectors() {
  const std::lock_guard lock(mutex_);
  std::vector<CompletionVectorCount> counts;
  for (const VectorCounter& each : vector_counters_)
    counts.push_back({.device = name(),
                      .vector = each.vector,
                      .loop = each.loop,
                      .completions = each.completions.get(),
                      .events = each.events.get()});
  return counts;
}

std::vector<std::shared_ptr<Device>> Devices::all() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Device>> devices;
  for (const auto& each : devices_)
    if (auto device = each.lock()) devices.push_back(std::move(device));
  return devices;
}

Expected<std::shared_ptr<Device>> Devices::of(ibv_context& context) {
  const std::lock_guard lock(mutex_);
  std::erase_if(devices_, [](const auto& each) { return each.expired(); });
  for (const auto& each : devices_) {
    auto device = each.lock();
    if (device && &device->context() == &context && !device->removed()) return device;
  }
  auto device = Device::open(context);
  if (device) devices_.push_back(*device);
  return device;
}

std::shared_ptr<Device> Devices::find(const ibv_context* context) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : devices_) {
    auto device = each.lock();
    if (device && &device->context() == context && !device->removed()) return device;
  }
  return nullptr;
}

void Devices::forget(const runtime::PinnableMemory& memory) {
  std::vector<std::shared_ptr<Device>> present;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : devices_) present.push_back(each.lock());
  }
  for (const auto& device : present)
    if (device) device->forget(memory);
}

}  // namespace srpd::transport::verbs
