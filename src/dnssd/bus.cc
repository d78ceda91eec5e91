#include "dnssd/bus.h"

#include <time.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace srpd::dnssd {
namespace {

using namespace std::chrono_literals;

constexpr runtime::Time retry_pause = 10s;
constexpr std::uint64_t call_timeout_us = 20'000'000;

std::uint64_t monotonic_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

Bus::Bus(runtime::Loop& loop, Observer& observer) : loop_(loop), observer_(observer) {}

Bus::~Bus() {
  loop_.cancel_timer(retry_);
  close();
}

void Bus::start() { connect(); }

void Bus::connect() {
  int rc = sd_bus_open_system(&bus_);
  if (rc >= 0) rc = loop_.watch(*this, sd_bus_get_fd(bus_));
  if (rc < 0) return drop(-rc);
  watched_ = true;
  observer_.on_bus_up();
  process();
}

void Bus::on_ready(std::uint32_t) { process(); }

// Not from inside a callback of the bus: what that starts is sent when the callback returns.
void Bus::process() {
  if (processing_ || bus_ == nullptr) return;
  processing_ = true;
  int rc = 0;
  do {
    rc = sd_bus_process(bus_, nullptr);
  } while (rc > 0);
  processing_ = false;
  if (rc < 0) return drop(-rc);
  arm_timeout();
}

void Bus::arm_timeout() {
  std::uint64_t deadline = UINT64_MAX;
  if (sd_bus_get_timeout(bus_, &deadline) < 0 || deadline == UINT64_MAX)
    return loop_.cancel_timer(timeout_);
  const std::uint64_t now = monotonic_us();
  const std::uint64_t left = deadline > now ? deadline - now : 0;
  loop_.start_timer(timeout_, loop_.now() + std::chrono::microseconds(left));
}

void Bus::drop(int error_number) {
  close();
  loop_.start_timer(retry_, loop_.now() + retry_pause);
  observer_.on_bus_down({"D-Bus", errno_text(error_number), "start dbus if it is wanted here"});
}

void Bus::close() {
  loop_.cancel_timer(timeout_);
  if (watched_) loop_.unwatch(*this);
  watched_ = false;
  for (Call& call : calls_) sd_bus_slot_unref(call.slot);
  calls_.clear();
  for (Subscription& each : subscriptions_) sd_bus_slot_unref(each.slot);
  subscriptions_.clear();
  bus_ = sd_bus_close_unref(bus_);
}

Message Bus::method(const Method& method) {
  sd_bus_message* message = nullptr;
  sd_bus_message_new_method_call(bus_, &message, method.destination, method.path.c_str(),
                                 method.interface, method.member);
  // A daemon that is not running is not started for this: the administrator decides.
  if (message != nullptr) sd_bus_message_set_auto_start(message, 0);
  return Message(message);
}

void Bus::call(const Message& message, Reply reply) {
  calls_.push_front({*this, std::move(reply)});
  Call& call = calls_.front();
  call.self = calls_.begin();
  const int rc = message == nullptr ? -ENOMEM
                                    : sd_bus_call_async(bus_, &call.slot, message.get(), &on_reply,
                                                        &call, call_timeout_us);
  if (rc < 0) {
    const Reply failed = std::move(call.reply);
    calls_.pop_front();
    sd_bus_error error{};  // what SD_BUS_ERROR_NULL is, in the words of C++
    sd_bus_error_set_errno(&error, rc);
    failed(nullptr, &error);
    sd_bus_error_free(&error);
    return;
  }
  if (!processing_) loop_.start_timer(timeout_, loop_.now());
}

int Bus::on_reply(sd_bus_message* message, void* context, sd_bus_error*) {
  Call& call = *static_cast<Call*>(context);
  const Reply reply = std::move(call.reply);
  sd_bus_slot_unref(call.slot);
  call.bus.calls_.erase(call.self);
  const sd_bus_error* const error = sd_bus_message_get_error(message);
  reply(error == nullptr ? message : nullptr, error);
  return 0;
}

void Bus::subscribe(const std::string& match, Signal signal) {
  Subscription& made = subscriptions_.emplace_back(Subscription{std::move(signal)});
  sd_bus_add_match_async(bus_, &made.slot, match.c_str(), &on_signal, nullptr, &made);
  if (!processing_) loop_.start_timer(timeout_, loop_.now());
}

int Bus::on_signal(sd_bus_message* message, void* context, sd_bus_error*) {
  static_cast<Subscription*>(context)->signal(message);
  return 0;
}

void Bus::flush() {
  if (bus_ != nullptr) sd_bus_flush(bus_);
}

}  // namespace srpd::dnssd
