// The attributes of Device Management as 192 bytes each: what the asked side encodes and what the
// asking side reads. On InfiniBand they travel in MADs (mad.h), elsewhere in the discovery service.
// Pure; what comes from outside is checked against its length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "discovery/io_unit.h"
#include "wire/mad.h"

namespace srpd::discovery {

/// Which attribute, and which part of it.
struct Question {
  wire::mad::Attribute attribute = wire::mad::Attribute::class_port_info;
  std::uint32_t modifier = 0;

  friend bool operator==(const Question&, const Question&) = default;
};

Question ask_class_port_info();
Question ask_io_unit();
Question ask_controller(std::uint8_t slot);
/// Entries `first` to `last`, counted from 0, at most four of them.
Question ask_services(std::uint8_t slot, std::uint8_t first, std::uint8_t last);

using AttributeData = std::array<std::byte, wire::mad::attribute_size>;

struct Answer {
  wire::mad::Status status = wire::mad::Status::ok;
  AttributeData data{};  ///< zeros unless the status is ok
};

/// What the unit says to the question; the attribute may be any number.
Answer answer(const IoUnit& unit, const Question& question);

/// IOUnitInfo, read.
struct UnitInfo {
  std::uint16_t change_id = 0;
  std::uint8_t max_controllers = 0;
  std::vector<std::uint8_t> present;  ///< the slots that hold a controller, at most max_controllers
};

/// IOControllerProfile, read.
struct Profile {
  Controller controller;  ///< without its services
  std::uint8_t service_entries = 0;
};

// Nothing when there are fewer bytes than the attribute takes.
std::optional<UnitInfo> parse_io_unit(std::span<const std::byte> data);
std::optional<Profile> parse_controller(std::span<const std::byte> data);
/// The first `count` entries, at most four.
std::optional<std::vector<Service>> parse_services(std::span<const std::byte> data,
                                                   std::size_t count);

}  // namespace srpd::discovery
