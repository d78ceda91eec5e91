// The discovery service without its connections: private data, requests and their answers. Pure;
// docs/discovery.md describes it byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/error.h"
#include "directory/listing.h"
#include "discovery/mad.h"
#include "discovery/survey.h"

namespace srpd::directory {

/// What the private data of a connection request are.
enum class HelloKind : std::uint8_t {
  hello,
  other_version,
  srp_login,  ///< a host takes this for a target's port
  other,
};
HelloKind parse_hello(std::span<const std::byte> private_data);
wire::directory::Hello build_hello();

wire::directory::Welcome build_welcome(std::uint16_t window, std::uint16_t requests);
/// True when the private data are those of an acceptance by a discovery service.
bool parse_welcome(std::span<const std::byte> private_data);

wire::directory::Rejection build_rejection(wire::directory::Refusal reason);
/// Why a connection was rejected, with a remedy; `object` is who rejected it.
Error explain_rejection(std::span<const std::byte> private_data, std::string object);

/// The response to a request IU. Nothing where none is due: the peer broke the protocol.
std::optional<discovery::Mad> answer(const Listing& listing, std::span<const std::byte> request);

/// The asking side: which request comes next, until the listing is complete. Asks again from the
/// start when the unit changes meanwhile, a few times. A server may lie about anything but the
/// number of requests, which is bounded.
class Inquiry {
 public:
  /// Nothing: listing() is complete.
  std::optional<discovery::Mad> request();
  /// The response to request(). An error ends the inquiry.
  Expected<void> take(std::span<const std::byte> response);
  const Listing& listing() const { return listing_; }

 private:
  std::optional<discovery::Question> question() const;
  Expected<void> take_node(const discovery::Answer& answer);
  Expected<void> take_listener(const discovery::Answer& answer);
  Expected<void> take_last(const discovery::Answer& answer);

  enum class Step : std::uint8_t { unit, node, listeners, check, done };
  Step step_ = Step::unit;
  discovery::Survey survey_;
  Listing listing_;
  unsigned listener_ = 0;  ///< the next one to ask for
  unsigned listener_count_ = 0;
  unsigned begun_again_ = 0;
  std::uint64_t transaction_ = 0;
};

}  // namespace srpd::directory
