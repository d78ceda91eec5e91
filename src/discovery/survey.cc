#include "discovery/survey.h"

#include <fmt/format.h>

#include <algorithm>

namespace srpd::discovery {
namespace {

using wire::mad::Attribute;
using wire::mad::Status;

const char* name(Attribute attribute) {
  switch (attribute) {
    case Attribute::class_port_info:
      return "ClassPortInfo";
    case Attribute::io_unit_info:
      return "IOUnitInfo";
    case Attribute::io_controller_profile:
      return "IOControllerProfile";
    case Attribute::service_entries:
      return "ServiceEntries";
  }
  return "unknown attribute";
}

tl::unexpected<Error> refused(const Question& question, Status status) {
  return failure(fmt::format("{} {:#x}", name(question.attribute), question.modifier),
                 fmt::format("refused with status {:#06x}", static_cast<unsigned>(status)),
                 "check that the port is one of an SRP target");
}

std::uint8_t slot_of(const Question& question) {
  return static_cast<std::uint8_t>(question.attribute == Attribute::service_entries
                                       ? question.modifier >> 16
                                       : question.modifier);
}

}  // namespace

Survey::Survey() { questions_.push_back(ask_io_unit()); }

std::optional<Question> Survey::question() const {
  if (questions_.empty()) return std::nullopt;
  return questions_.front();
}

Expected<void> Survey::take(const Answer& answer) {
  if (questions_.empty()) return failure("I/O unit", "it answers what nobody asked");
  const Question question = questions_.front();
  questions_.pop_front();
  Expected<void> taken;
  if (question.attribute == Attribute::io_unit_info)
    taken = take_unit(answer);
  else if (question.attribute == Attribute::io_controller_profile)
    taken = take_controller(question, answer);
  else
    taken = take_services(question, answer);
  if (!taken) questions_.clear();
  return taken;
}

Expected<void> Survey::take_unit(const Answer& answer) {
  if (answer.status != Status::ok) return refused(ask_io_unit(), answer.status);
  const auto info = parse_io_unit(answer.data);
  if (!info) return failure("IOUnitInfo", "it is too short");
  unit_.change_id = info->change_id;
  unit_.max_controllers = info->max_controllers;
  for (const std::uint8_t slot : info->present) questions_.push_back(ask_controller(slot));
  return {};
}

Expected<void> Survey::take_controller(const Question& question, const Answer& answer) {
  if (answer.status == Status::no_controller) return {};
  if (answer.status != Status::ok) return refused(question, answer.status);
  const auto profile = parse_controller(answer.data);
  if (!profile) return failure("IOControllerProfile", "it is too short");
  const std::uint8_t slot = slot_of(question);
  unit_.controllers.emplace(slot, profile->controller);
  for (unsigned first = 0; first < profile->service_entries;
       first += wire::mad::entries_per_attribute) {
    const unsigned last =
        std::min<unsigned>(first + wire::mad::entries_per_attribute, profile->service_entries) - 1;
    questions_.push_back(
        ask_services(slot, static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last)));
  }
  return {};
}

Expected<void> Survey::take_services(const Question& question, const Answer& answer) {
  if (answer.status == Status::no_controller) return {};
  if (answer.status != Status::ok) return refused(question, answer.status);
  const std::size_t first = question.modifier & 0xff, last = question.modifier >> 8 & 0xff;
  const auto services = parse_services(answer.data, last - first + 1);
  if (!services) return failure("ServiceEntries", "they are too short");
  auto& known = unit_.controllers[slot_of(question)].services;
  known.insert(known.end(), services->begin(), services->end());
  return {};
}

}  // namespace srpd::discovery
