#include "lio/aptpl.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "base/log.h"
#include "base/whole_file.h"
#include "lio/device.h"
#include "lio/hba.h"
#include "lio/model.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::string_view begin_line = "PR_REG_START:", end_line = "PR_REG_END:";
/// Of thousands of registrations.
constexpr std::size_t max_file_size = std::size_t{16} << 20;
constexpr std::string_view nothing = "No Registrations or Reservations\n";

struct Place {
  std::string path;  ///< empty: nowhere
  bool own = false;  ///< the daemon's own, so that directories may be made
};

Place place_of(const Device& device) {
  const Model& model = device.model();
  Place place;
  if (model.dbroot().empty()) return place;
  place.path = aptpl_path(model.place_of_dbroot(), device.identity().serial);
  place.own = model.place_of_dbroot() == model.options().own_dbroot;
  if (model.is_own_mount(place.path)) place.path.clear();
  return place;
}

void for_each_device(const tree::Directory& root, const std::function<void(Device&)>& visit) {
  const tree::Directory* const target = root.find_directory("target");
  const tree::Directory* const core = target ? target->find_directory("core") : nullptr;
  if (!core) return;
  core->for_each_made([&](tree::Entry& hba) {
    auto* const devices = dynamic_cast<Hba*>(&hba);
    if (!devices) return;
    devices->for_each_made([&](tree::Entry& entry) {
      if (auto* const device = dynamic_cast<Device*>(&entry)) visit(*device);
    });
  });
}

/// A number as LIO's patterns find it in an item: to its end, without blanks or a plus sign; what
/// does not fit 64 bits runs over.
std::optional<std::int64_t> pattern_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  unsigned base = 10;
  if (text.size() > 1 && text[0] == '0') {
    base = text[1] == 'x' || text[1] == 'X' ? 16 : 8;
    text.remove_prefix(base == 16 ? 2 : 1);
  }
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const std::size_t digit =
        std::string_view("0123456789abcdef")
            .find(static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c));
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

/// Numbers of the items of one registration: nothing for those that are passed over, and for those
/// that are wrong, which `good` says.
struct Numbers {
  using Number = std::optional<std::uint64_t>;

  Reading reading;
  Result<void> good;

  template <class T>
  Number checked(const Result<T>& parsed) {
    if (parsed) return *parsed;
    good = tl::unexpected(parsed.error());
    return std::nullopt;
  }

  Number key(std::string_view text) { return checked(parse_number<std::uint64_t>(text)); }

  Number whole(std::string_view text) {
    const bool is_none = text.starts_with('-') || !pattern_number(text);
    if (reading == Reading::attribute && is_none) return std::nullopt;
    return key(text);
  }

  Number integer(std::string_view text) {
    if (reading == Reading::file) return key(text);
    const auto number = pattern_number(text);
    if (!number) return std::nullopt;
    if (*number < INT32_MIN || *number > INT32_MAX) {
      good = fail(ERANGE, "the number is too large");
      return std::nullopt;
    }
    return static_cast<std::uint64_t>(*number);
  }

  /// The file has these as two hex digits without 0x: "05". LIO passes over "08", which it writes
  /// itself.
  Number octet(std::string_view text) {
    if (reading == Reading::attribute && pattern_number(text)) return integer(text);
    const auto parsed = parse_number<std::uint8_t>("0x" + std::string(text));
    if (!parsed && reading == Reading::attribute) return std::nullopt;
    return checked(parsed);
  }
};

}  // namespace

Result<AptplRegistration> parse_registration(std::string_view text, Reading reading) {
  AptplRegistration found;
  Numbers numbers{reading, {}};
  const auto number = [&](std::string_view item, std::string_view key, auto& member,
                          Numbers::Number (Numbers::*read)(std::string_view)) {
    const auto value = value_of(item, key);
    if (!value) return false;
    if (const auto parsed = (numbers.*read)(*value))
      member = static_cast<std::remove_reference_t<decltype(member)>>(*parsed);
    return true;
  };
  const auto word = [](std::string_view item, std::string_view key, std::string& member) {
    const auto value = value_of(item, key);
    if (value) member = std::string(*value);
    return value.has_value();
  };
  using N = Numbers;
  for (const std::string_view item : split_items(text)) {
    word(item, "initiator_fabric", found.initiator_fabric) ||
        word(item, "initiator_node", found.initiator_node) ||
        word(item, "initiator_sid", found.initiator_sid) ||
        number(item, "sa_res_key", found.key, &N::key) ||
        number(item, "res_holder", found.holder, &N::integer) ||
        number(item, "res_type", found.type, &N::octet) ||
        number(item, "res_scope", found.scope, &N::octet) ||
        number(item, "res_all_tg_pt", found.all_target_ports, &N::integer) ||
        number(item, "mapped_lun", found.mapped_lun, &N::whole) ||
        word(item, "target_fabric", found.target_fabric) ||
        word(item, "target_node", found.target_node) ||
        number(item, "tpgt", found.tag, &N::integer) ||
        number(item, "port_rtpi", found.port_rtpi, &N::integer) ||
        number(item, "target_lun", found.target_lun, &N::whole);
  }
  if (!numbers.good) return tl::unexpected(numbers.good.error());
  if (found.initiator_node.empty() || found.target_node.empty() || found.key == 0)
    return fail(EINVAL, "initiator_node, target_node or sa_res_key is missing");
  if (found.holder && found.type == 0) return fail(EINVAL, "res_type of the holder is missing");
  return found;
}

std::string aptpl_text(const std::vector<AptplRegistration>& registrations) {
  if (registrations.empty()) return std::string(nothing);
  std::string text;
  std::size_t number = 0;
  for (const AptplRegistration& each : registrations) {
    text += fmt::format(
        "{} {}\ninitiator_fabric={}\ninitiator_node={}\nsa_res_key={}\nres_holder={}\n", begin_line,
        number, each.initiator_fabric, each.initiator_node, each.key, each.holder ? 1 : 0);
    if (each.holder)
      text += fmt::format("res_type={:02x}\nres_scope={:02x}\n", each.type, each.scope);
    text += fmt::format(
        "res_all_tg_pt={}\nmapped_lun={}\ntarget_fabric={}\ntarget_node={}\ntpgt={}\n"
        "port_rtpi={}\ntarget_lun={}\n{} {}\n",
        each.all_target_ports ? 1 : 0, each.mapped_lun, each.target_fabric, each.target_node,
        each.tag, each.port_rtpi, each.target_lun, end_line, number);
    ++number;
  }
  return text;
}

// The kernel ends it with a zero byte.
Result<std::vector<AptplRegistration>> parse_aptpl(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  std::vector<AptplRegistration> found;
  if (stripped(text) == stripped(nothing)) return found;
  while (!stripped(text).empty()) {
    const std::size_t end = text.find(end_line);
    if (end == std::string_view::npos || !stripped(text).starts_with(begin_line))
      return fail(EINVAL, fmt::format("registration {} has no end", found.size()));
    const std::size_t items = text.find('\n', text.find(begin_line));
    if (items > end) return fail(EINVAL, "a line is missing");
    const auto registration = parse_registration(text.substr(items, end - items), Reading::file);
    if (!registration) return tl::unexpected(registration.error());
    found.push_back(*registration);
    text.remove_prefix(std::min(text.size(), text.find('\n', end)));
  }
  return found;
}

std::string aptpl_path(const std::string& dbroot, const std::string& serial) {
  if (dbroot.empty() || serial.empty() || serial.find('/') != std::string::npos) return {};
  return dbroot + "/pr/aptpl_" + serial;
}

Expected<void> write_aptpl(const std::string& path, std::string_view text) {
  const auto written = replace_file(path, text);
  if (written) return {};
  return failure(path, "registrations cannot be saved: " + errno_text(written.error().number),
                 "the host was told so, and nothing has changed; make room, or the directory",
                 written.error().number);
}

Expected<std::vector<AptplRegistration>> read_aptpl(const std::string& path) {
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) return {};
  const auto text = read_file(path, max_file_size);
  const auto unreadable = [&](const std::string& cause) {
    return failure(
        path, "saved registrations cannot be read: " + cause,
        "mend or remove the file and restart srpd; until then nobody is kept out by them");
  };
  if (!text) return unreadable(errno_text(text.error().number));
  auto found = parse_aptpl(*text);
  if (!found) return unreadable(found.error().cause);
  return std::move(*found);
}

bool keep_registrations(tree::Tree& tree, DeviceId device, const DeviceSpec& spec,
                        const std::string& text) {
  Place place;
  const auto found = tree.resolve("target/core/" + spec.hba + "/" + spec.name);
  if (found)
    static_cast<void>(tree.change(*found, [&](Change&, tree::Directory& directory) {
      auto* const here = dynamic_cast<Device*>(&directory);
      if (here && here->device_id() == device) place = place_of(*here);
    }));
  if (place.path.empty()) {
    log::warning("{}/{}: there is no place to save registrations; dbroot says where", spec.hba,
                 spec.name);
    return false;
  }
  std::error_code error;  // Writing says it better.
  if (place.own)
    std::filesystem::create_directories(std::filesystem::path(place.path).parent_path(), error);
  const auto written = write_aptpl(place.path, text);
  if (!written) log::warning("{}", written.error().text());
  return written.has_value();
}

std::vector<Error> restore_registrations(tree::Tree& tree) {
  struct Saved {
    tree::Id id = 0;
    std::string file;
  };
  const auto all = tree.inspect([](const tree::Directory& root) {
    std::vector<Saved> saved;
    for_each_device(root, [&](Device& device) {
      if (device.enabled() && device.plugin() != Plugin::pscsi)
        saved.push_back({device.id(), place_of(device).path});
    });
    return saved;
  });
  std::vector<Error> problems;
  for (const Saved& saved : all) {
    const auto registrations = read_aptpl(saved.file);
    if (!registrations) {
      problems.push_back(registrations.error());
      continue;
    }
    if (registrations->empty()) continue;
    static_cast<void>(tree.change(saved.id, [&](Change& change, tree::Directory& directory) {
      auto& device = dynamic_cast<Device&>(directory);
      const DeviceId id = device.device_id();
      change.unlocked([&] {
        for (const AptplRegistration& each : *registrations)
          if (auto restored = device.engine().restore_registration(id, each); !restored)
            problems.push_back(restored.error().error(saved.file));
      });
    }));
  }
  return problems;
}

}  // namespace srpd::lio
