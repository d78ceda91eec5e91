#include "dm/subnet.h"

#include <fmt/format.h>
#include <infiniband/umad.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "discovery/survey.h"
#include "dm/umad_fabric.h"
#include "wire/subnet_administration.h"

namespace srpd::dm {
namespace {

using discovery::Mad;
using Clock = std::chrono::steady_clock;
using Bytes = std::vector<std::byte>;

constexpr std::uint32_t management_qkey = 0x80010000;  // of every QP1 (volume 1, 10.2.5)
constexpr std::uint32_t management_qp = 1;
constexpr std::uint8_t segmented = 1;  // RMPP: tables are longer than a MAD
constexpr int retries = 2;
/// A table of 16,000 ports.
constexpr std::size_t longest_answer = 1u << 20;

/// A port of ours, open for asking.
class Asker {
 public:
  static Expected<std::unique_ptr<Asker>> open(const Port& port,
                                               std::chrono::milliseconds patience);
  ~Asker() { ::umad_close_port(id_); }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  /// Transaction IDs of requests to come. Their other half belongs to the kernel.
  std::uint64_t next_transaction() { return ++transaction_ << 32; }

  /// The response, with the kernel's half of the transaction ID cleared. Nothing when none came.
  std::optional<Bytes> ask_sa(const Mad& request) { return ask(sa_, sm_lid_, request); }
  std::optional<Bytes> ask_device(std::uint16_t lid, const Mad& request) {
    return ask(dm_, lid, request);
  }

 private:
  Asker(int id, std::uint16_t sm_lid, std::chrono::milliseconds patience)
      : id_(id), sm_lid_(sm_lid), patience_(patience), memory_(::umad_size() + longest_answer) {}

  std::optional<Bytes> ask(int agent, std::uint16_t lid, const Mad& request);
  std::byte* mad() { return static_cast<std::byte*>(::umad_get_mad(memory_.data())); }

  int id_;
  std::uint16_t sm_lid_;
  std::chrono::milliseconds patience_;
  Bytes memory_;
  int sa_ = -1;
  int dm_ = -1;
  std::uint64_t transaction_ = 0;
};

Expected<std::unique_ptr<Asker>> Asker::open(const Port& port, std::chrono::milliseconds patience) {
  errno = 0;
  const int id = ::umad_open_port(port.device.c_str(), port.number);
  if (id < 0)
    return failure(port.text(),
                   "its file in /dev/infiniband cannot be opened" +
                       (errno != 0 ? ": " + errno_text(errno) : std::string()),
                   "run it as root, and load the module ib_umad (modprobe ib_umad)");
  std::unique_ptr<Asker> made(new Asker(id, port.sm_lid, patience));
  made->sa_ =
      ::umad_register(id, wire::sa::management_class, wire::sa::class_version, segmented, nullptr);
  made->dm_ = ::umad_register(id, wire::mad::device_management_class,
                              wire::mad::device_management_version, 0, nullptr);
  if (made->sa_ < 0 || made->dm_ < 0)
    return failure(port.text(), "the kernel lets nobody ask there", "see the kernel's log (dmesg)");
  return made;
}

std::optional<Bytes> Asker::ask(int agent, std::uint16_t lid, const Mad& request) {
  std::fill_n(memory_.begin(), ::umad_size(), std::byte{0});
  std::memcpy(mad(), request.data(), request.size());
  ::umad_set_addr(memory_.data(), lid, management_qp, 0, static_cast<int>(management_qkey));
  const auto timeout = static_cast<int>(patience_.count()) / (retries + 1);
  if (::umad_send(id_, agent, memory_.data(), static_cast<int>(request.size()), timeout, retries) <
      0)
    return std::nullopt;
  const auto deadline = Clock::now() + patience_ + patience_ / 2;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    int length = static_cast<int>(longest_answer);
    if (::umad_recv(id_, memory_.data(), &length, static_cast<int>(left)) < 0) return std::nullopt;
    // Our own request comes back where nobody answered.
    if (::umad_status(memory_.data()) != 0) return std::nullopt;
    if (length < static_cast<int>(sizeof(wire::mad::Header))) continue;
    auto& header = *reinterpret_cast<wire::mad::Header*>(mad());
    std::fill_n(header.transaction, 4, std::uint8_t{0});
    const auto& asked = *wire::view<wire::mad::Header>(std::span<const std::byte>(request));
    // Late answers to what was asked before.
    if (std::memcmp(header.transaction, asked.transaction, sizeof header.transaction) != 0)
      continue;
    return Bytes(mad(), mad() + std::min<std::size_t>(length, longest_answer));
  }
}

Expected<discovery::IoUnit> survey(Asker& asker, const RemotePort& port, const std::string& name) {
  discovery::Survey survey;
  while (const auto question = survey.question()) {
    const std::uint64_t transaction = asker.next_transaction();
    const auto response =
        asker.ask_device(port.lid, discovery::request_mad(*question, transaction));
    const auto answer =
        response ? discovery::parse_response_mad(*response, *question, transaction) : std::nullopt;
    if (!answer)
      return failure(name, "the port says that it can be asked, and does not answer",
                     "see whether its target runs");
    if (auto taken = survey.take(*answer); !taken) return failure(name, taken.error().text());
  }
  return survey.unit();
}

Expected<std::vector<RemotePort>> ports_of(Asker& asker, const std::string& name) {
  const auto info = asker.ask_sa(ask_class_port_info_of_sa(asker.next_transaction()));
  const auto matches = info ? parse_class_port_info_of_sa(*info) : std::nullopt;
  if (!matches)
    return failure(name, "the subnet administrator does not answer",
                   "see whether a subnet manager (opensm) runs");
  const auto table = asker.ask_sa(ask_ports(*matches, asker.next_transaction()));
  auto ports = table ? parse_ports(*table) : std::nullopt;
  if (!ports) return failure(name, "the subnet administrator does not list the ports");
  for (RemotePort& port : *ports) {
    const auto node = asker.ask_sa(ask_node(port.lid, asker.next_transaction()));
    if (const auto guid = node ? parse_node(*node) : std::nullopt)
      std::copy(guid->begin(), guid->end(), port.gid.begin() + 8);
  }
  return *ports;
}

void search(const Port& own, std::chrono::milliseconds patience, SubnetFindings& findings) {
  const std::string name = own.text();
  const auto asker = Asker::open(own, patience);
  if (!asker) return findings.problems.push_back(asker.error());
  const auto ports = ports_of(**asker, name);
  if (!ports) return findings.problems.push_back(ports.error());
  for (const RemotePort& port : *ports) {
    const auto unit = survey(**asker, port, fmt::format("LID {} through {}", port.lid, name));
    if (unit)
      findings.units.push_back(
          {fmt::format("{}:{}", own.device, own.number), port, own.pkey, *unit});
    else
      findings.problems.push_back(unit.error());
  }
}

}  // namespace

SubnetFindings search_subnets(std::chrono::milliseconds patience) {
  SubnetFindings findings;
  for (const Port& port : make_umad_fabric()->ports()) {
    // Without a subnet manager a port has no LID, and nobody can be asked.
    if (port.lid != 0 && port.sm_lid != 0) search(port, patience, findings);
  }
  return findings;
}

}  // namespace srpd::dm
