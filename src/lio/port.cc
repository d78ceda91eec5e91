#include "lio/port.h"

#include <cerrno>

#include "lio/model.h"
#include "lio/text.h"
#include "lio/tpg.h"

namespace srpd::lio {
namespace {

class PortParam final : public Directory {
 public:
  explicit PortParam(Port& port) : port_(port) {}
  std::span<const Attribute> attributes() const override;

 private:
  static const Attribute rows[];

  std::string show_affinity() const { return line(port_.settings().completion_affinity); }
  std::string show_one() const { return "1\n"; }

  Result<void> store_affinity(Change& change, std::string_view text) {
    const auto cpu = parse_number<std::int32_t>(text);
    if (!cpu) return fail(EINVAL, cpu.error().cause);
    if (*cpu < -2 || *cpu >= static_cast<std::int64_t>(port_.model().options().cpus))
      return fail(EINVAL, "there is no such CPU",
                  "write -1 for that of the submitter or -2 for the current one");
    PortSettings wanted = port_.settings();
    wanted.completion_affinity = *cpu;
    return port_.set(change, wanted);
  }

  Port& port_;
};

const Attribute PortParam::rows[] = {
    row<&PortParam::show_affinity, &PortParam::store_affinity>("cmd_completion_affinity"),
    read_only<&PortParam::show_one>("default_submit_type"),
    read_only<&PortParam::show_one>("direct_submit_supported"),
};

std::span<const Attribute> PortParam::attributes() const {
  return port_.model().newer() ? std::span<const Attribute>(rows)
                               : std::span<const Attribute>(rows).first<1>();
}

class Empty final : public Directory {};

}  // namespace

Port::Port(Model& model) : model_(model) {
  make_group<Empty>("fabric_statistics");
  make_group<PortParam>("param", *this);
}

Result<std::unique_ptr<Directory>> Port::make(Change& change, std::string_view name) {
  static_cast<void>(name);
  return Tpg::make_in(change, *this);
}

void Port::drop(Change& change) {
  change.unlocked([this] { model_.engine().remove_port(name()); });
}

Result<void> Port::set(Change& change, const PortSettings& wanted) {
  auto taken = change.unlocked([&] { return model_.engine().set_port(name(), wanted); });
  if (taken) settings_ = wanted;
  return taken;
}

}  // namespace srpd::lio
