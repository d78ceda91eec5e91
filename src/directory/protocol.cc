#include "directory/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "wire/srp.h"

namespace srpd::directory {
namespace {

using discovery::Answer;
using discovery::Question;
using wire::directory::NodeInfo;
using wire::directory::Refusal;
using wire::directory::Rejection;
using wire::directory::Welcome;
using wire::mad::Status;
using WireHello = wire::directory::Hello;
using WireListener = wire::directory::ListenerInfo;

/// A unit that changes more often while somebody asks is told as it was last.
constexpr unsigned max_restarts = 3;

template <std::size_t Size>
void put(char (&field)[Size], const std::string& text) {
  std::memcpy(field, text.data(), std::min(Size, text.size()));
}

/// Up to the first zero, without what would confuse a terminal.
template <std::size_t Size>
std::string get(const char (&field)[Size]) {
  std::string text(field, ::strnlen(field, Size));
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

template <wire::Layout T>
const T* with_magic(std::span<const std::byte> private_data) {
  const T* layout = wire::view<T>(private_data);
  const bool ours = layout != nullptr && std::memcmp(layout->magic, wire::directory::magic,
                                                     sizeof wire::directory::magic) == 0;
  return ours ? layout : nullptr;
}

template <wire::Layout T>
T made() {
  T layout{};
  std::memcpy(layout.magic, wire::directory::magic, sizeof layout.magic);
  layout.version = wire::directory::version;
  return layout;
}

template <wire::Layout T>
Answer reply(const T& layout) {
  Answer answer;
  static_assert(sizeof layout <= sizeof answer.data);
  std::memcpy(answer.data.data(), &layout, sizeof layout);
  return answer;
}

Answer node_answer(const Listing& listing) {
  NodeInfo info{};
  info.change_id = listing.unit.change_id;
  info.listeners = static_cast<std::uint8_t>(std::min<std::size_t>(listing.listeners.size(), 255));
  put(info.node, listing.node);
  put(info.software, listing.software);
  return reply(info);
}

Answer listener_answer(const Listing& listing, std::uint32_t number) {
  if (number == 0 || number > std::min<std::size_t>(listing.listeners.size(), 255))
    return {Status::invalid_field, {}};
  const Listener& listener = listing.listeners[number - 1];
  WireListener info{};
  info.form = listener.form;
  info.slot = listener.slot;
  info.port = listener.port;
  std::copy(listener.address.begin(), listener.address.end(), info.address);
  info.service_id = listener.service_id;
  info.pkey = listener.pkey;
  put(info.transport, listener.transport);
  put(info.device, listener.device);
  return reply(info);
}

/// Nothing for attributes that are Device Management's.
std::optional<Answer> own_answer(const Listing& listing, const wire::mad::Header& header) {
  const auto attribute = static_cast<wire::mad::Attribute>(header.attribute.value());
  if (attribute == wire::directory::node_info) return node_answer(listing);
  if (attribute == wire::directory::listener_info) return listener_answer(listing, header.modifier);
  return std::nullopt;
}

/// The general form of the answer is Device Management's, which knows every rule of the header; of
/// ours only status and data differ.
void fill_in(discovery::Mad& mad, const Answer& answer) {
  auto& out = *wire::view_mut<wire::mad::DeviceManagement>(std::span<std::byte>(mad));
  out.header.status = static_cast<std::uint16_t>(answer.status);
  std::memcpy(out.data, answer.data.data(), answer.data.size());
}

bool is_plain_get(const wire::mad::Header& header) {
  return header.method == wire::mad::Method::get &&
         header.base_version == wire::mad::base_version &&
         header.class_version == wire::mad::device_management_version;
}

tl::unexpected<Error> senseless(std::string cause) {
  return failure("discovery service", std::move(cause),
                 "check that both ends run versions that know each other");
}

}  // namespace

HelloKind parse_hello(std::span<const std::byte> private_data) {
  if (const auto* hello = with_magic<WireHello>(private_data))
    return hello->version == wire::directory::version ? HelloKind::hello : HelloKind::other_version;
  const auto* login = wire::view<wire::srp::LoginReqRdma>(private_data);
  return login != nullptr && login->opcode == wire::srp::Opcode::login_req ? HelloKind::srp_login
                                                                           : HelloKind::other;
}

WireHello build_hello() { return made<WireHello>(); }

Welcome build_welcome(std::uint16_t window, std::uint16_t requests) {
  auto welcome = made<Welcome>();
  welcome.window = window;
  welcome.requests = requests;
  return welcome;
}

bool parse_welcome(std::span<const std::byte> private_data) {
  const auto* welcome = with_magic<Welcome>(private_data);
  return welcome != nullptr && welcome->version == wire::directory::version &&
         welcome->window.value() >= 1;
}

Rejection build_rejection(Refusal reason) {
  auto rejection = made<Rejection>();
  rejection.reason = reason;
  return rejection;
}

Error explain_rejection(std::span<const std::byte> private_data, std::string object) {
  const auto* rejection = with_magic<Rejection>(private_data);
  if (rejection == nullptr)
    return {std::move(object), "there is something else on this port than a discovery service",
            "give the port of the target, or that of its discovery service with --discovery-port"};
  switch (rejection->reason) {
    case Refusal::busy:
      return {std::move(object), "the discovery service has too many visitors", "try again later"};
    case Refusal::bad_version:
      return {std::move(object),
              fmt::format("the discovery service speaks version {}, this is {}", rejection->version,
                          wire::directory::version),
              "update the older end"};
    case Refusal::malformed:
      break;
  }
  return {std::move(object), "the discovery service does not take our greeting",
          "update the older end"};
}

std::optional<discovery::Mad> answer(const Listing& listing, std::span<const std::byte> request) {
  auto mad = discovery::answer_mad(listing.unit, request);
  if (!mad) return std::nullopt;
  const auto& header = wire::view<wire::mad::DeviceManagement>(request)->header;
  if (!is_plain_get(header)) return mad;
  if (const auto own = own_answer(listing, header)) fill_in(*mad, *own);
  return mad;
}

std::optional<Question> Inquiry::question() const {
  switch (step_) {
    case Step::unit:
      return survey_.question();
    case Step::node:
      return Question{wire::directory::node_info, 0};
    case Step::listeners:
      return Question{wire::directory::listener_info, listener_};
    case Step::check:
      return discovery::ask_io_unit();
    case Step::done:
      break;
  }
  return std::nullopt;
}

std::optional<discovery::Mad> Inquiry::request() {
  const auto next = question();
  if (!next) return std::nullopt;
  return discovery::request_mad(*next, ++transaction_);
}

Expected<void> Inquiry::take(std::span<const std::byte> response) {
  const auto asked = question();
  if (!asked) return senseless("an answer that nobody asked for");
  const auto answer = discovery::parse_response_mad(response, *asked, transaction_);
  if (!answer) return senseless("an answer to another question");
  switch (step_) {
    case Step::unit: {
      auto taken = survey_.take(*answer);
      if (taken && !survey_.question()) {
        listing_.unit = survey_.unit();
        step_ = Step::node;
      }
      return taken;
    }
    case Step::node:
      return take_node(*answer);
    case Step::listeners:
      return take_listener(*answer);
    case Step::check:
      return take_last(*answer);
    case Step::done:
      break;
  }
  return {};
}

Expected<void> Inquiry::take_node(const Answer& answer) {
  if (answer.status != Status::ok) return senseless("NodeInfo is refused");
  const auto& info = *wire::view<NodeInfo>(answer.data);
  listing_.node = get(info.node);
  listing_.software = get(info.software);
  listing_.listeners.clear();
  listener_count_ = info.listeners;
  listener_ = 1;
  step_ = listener_count_ == 0 ? Step::check : Step::listeners;
  return {};
}

Expected<void> Inquiry::take_listener(const Answer& answer) {
  // One that went away meanwhile is left out.
  if (answer.status == Status::ok) {
    const auto& info = *wire::view<WireListener>(answer.data);
    Listener listener;
    listener.form = info.form;
    listener.slot = info.slot;
    std::copy(std::begin(info.address), std::end(info.address), listener.address.begin());
    listener.port = info.port;
    listener.service_id = info.service_id;
    listener.pkey = info.pkey;
    listener.transport = get(info.transport);
    listener.device = get(info.device);
    // Forms of later versions mean nothing here.
    if (listener.form == LoginForm::rdma_cm || listener.form == LoginForm::ib_cm)
      listing_.listeners.push_back(std::move(listener));
  }
  if (listener_++ == listener_count_) step_ = Step::check;
  return {};
}

Expected<void> Inquiry::take_last(const Answer& answer) {
  const auto info = discovery::parse_io_unit(answer.data);
  const bool changed =
      !info || answer.status != Status::ok || info->change_id != listing_.unit.change_id;
  if (changed && begun_again_++ < max_restarts) {
    survey_ = discovery::Survey();
    step_ = Step::unit;
  } else {
    step_ = Step::done;
  }
  return {};
}

}  // namespace srpd::directory
