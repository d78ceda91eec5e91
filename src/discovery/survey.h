// The asking side: which question comes next, until the whole I/O unit is known. It does not know
// how questions travel. A unit may lie about anything but the number of questions, which is
// bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/error.h"
#include "discovery/attributes.h"

namespace srpd::discovery {

class Survey {
 public:
  Survey();

  /// What to ask next. Nothing: unit() is complete.
  std::optional<Question> question() const;
  /// The answer to question(). An error says what is wrong with it, and the survey is over. A
  /// controller that went away meanwhile is left out instead.
  Expected<void> take(const Answer& answer);

  const IoUnit& unit() const { return unit_; }

 private:
  Expected<void> take_unit(const Answer& answer);
  Expected<void> take_controller(const Question& question, const Answer& answer);
  Expected<void> take_services(const Question& question, const Answer& answer);

  IoUnit unit_;
  std::deque<Question> questions_;
};

}  // namespace srpd::discovery
