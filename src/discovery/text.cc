#include "discovery/text.h"

#include <fmt/format.h>

namespace srpd::discovery {
namespace {

std::string printable(const std::string& text) {
  std::string out = text;
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

std::string controller_text(unsigned slot, const Controller& controller) {
  std::string text = fmt::format(
      "\n"
      "    controller[{:3}]\n"
      "        GUID:      {:016x}\n"
      "        vendor ID: {:06x}\n"
      "        device ID: {:06x}\n"
      "        IO class : {:04x}\n"
      "        Maximum size of Send Messages in bytes: {}\n"
      "        ID:        {}\n"
      "        service entries: {}\n",
      slot, controller.guid, controller.vendor >> 8, controller.device, controller.io_class,
      controller.send_size, printable(controller.id), controller.services.size());
  for (std::size_t i = 0; i < controller.services.size(); ++i)
    text += fmt::format("            service[{:3}]: {:016x} / {}\n", i, controller.services[i].id,
                        printable(controller.services[i].name));
  return text;
}

/// ib_srp takes io_class 0x0100 for granted.
std::string io_class_option(const Login& login) {
  return login.io_class == 0x0100 ? "" : fmt::format(",io_class={:04x}", login.io_class);
}

}  // namespace

std::string hex(const Gid& gid) {
  std::string text;
  for (const std::byte b : gid) text += fmt::format("{:02x}", static_cast<unsigned>(b));
  return text;
}

std::string place_line(std::string_view label, std::string_view value) {
  return fmt::format("    {:<17}{}\n", std::string(label) + ":", value);
}

std::string infiniband_place(std::uint16_t lid, const Gid& gid) {
  return place_line("port LID", fmt::format("{:04x}", lid)) + place_line("port GID", hex(gid));
}

std::string block(const IoUnit& unit, std::string_view place) {
  std::string text = "IO Unit Info:\n" + std::string(place);
  text += place_line("change ID", fmt::format("{:04x}", unit.change_id));
  text += place_line("max controllers", fmt::format("0x{:02x}", unit.max_controllers));
  for (const auto& [slot, controller] : unit.controllers) text += controller_text(slot, controller);
  return text;
}

std::vector<Login> logins(const IoUnit& unit) {
  std::vector<Login> found;
  for (const auto& entry : unit.controllers) {
    const Controller& controller = entry.second;
    for (const Service& service : controller.services) {
      if (const auto id_ext = id_ext_of(service))
        found.push_back(
            {*id_ext, controller.guid, service.id, controller.io_class, controller.send_size});
    }
  }
  return found;
}

std::string login_by_gid(const Login& login, const Gid& gid, std::uint16_t pkey) {
  return fmt::format("id_ext={:016x},ioc_guid={:016x},dgid={},pkey={:04x},service_id={:016x}{}",
                     login.id_ext, login.ioc_guid, hex(gid), pkey, login.service_id,
                     io_class_option(login));
}

std::string login_by_address(const Login& login, std::string_view ip_and_port) {
  return fmt::format("id_ext={:016x},ioc_guid={:016x},dest={}{}", login.id_ext, login.ioc_guid,
                     ip_and_port, io_class_option(login));
}

}  // namespace srpd::discovery
