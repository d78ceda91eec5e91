// Device Management in MADs: the agent's answer to whatever a host sends, and what a host makes of
// an answer. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "discovery/attributes.h"

namespace srpd::discovery {

using Mad = std::array<std::byte, wire::mad::size>;

/// The response to `request`. Nothing where none is due: not 256 bytes, of another class, or itself
/// a response.
std::optional<Mad> answer_mad(const IoUnit& unit, std::span<const std::byte> request);

/// A Get of the class.
Mad request_mad(const Question& question, std::uint64_t transaction);
/// The answer in a response to that Get. Nothing when it is none, or of another question.
std::optional<Answer> parse_response_mad(std::span<const std::byte> response,
                                         const Question& question, std::uint64_t transaction);

}  // namespace srpd::discovery
