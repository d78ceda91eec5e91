#include "kernel/login.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <thread>

#include "kernel/kernel_log.h"
#include "srp/login.h"

namespace srpd::kernel {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto step = 50ms;
/// ib_srp forgets a session a moment after its SCSI host has vanished, and says so long that it is
/// there.
constexpr auto forgetting = 5000ms;
constexpr auto forgetting_step = 500ms;  // each question is a line in the kernel's log
constexpr auto udev_patience = 3000ms;
constexpr auto no_lun_patience = 1000ms;

bool wait_until(const auto& holds, std::chrono::milliseconds patience,
                std::chrono::milliseconds pause = step) {
  const auto end = Clock::now() + patience;
  while (!holds()) {
    if (Clock::now() >= end) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

bool same_target(const Session& session, const LoginString& login) {
  return session.id_ext == login.id_ext && session.ioc_guid == login.ioc_guid &&
         (session.place.empty() || session.place == login.place());
}

std::optional<unsigned> host_of(const Files& files, const LoginString& login,
                                const std::vector<Session>& without = {}) {
  for (const Session& session : sessions(files)) {
    const bool old = std::any_of(without.begin(), without.end(),
                                 [&](const Session& s) { return s.host == session.host; });
    if (!old && same_target(session, login)) return session.host;
  }
  return std::nullopt;
}

/// The session that keeps another one out: ib_srp lets one RDMA port log in to a target once,
/// whatever the address.
std::optional<unsigned> host_through(const Files& files, const LoginString& login,
                                     const Port& port) {
  for (const Session& session : sessions(files)) {
    if (session.id_ext == login.id_ext && session.ioc_guid == login.ioc_guid &&
        session.device == port.device + ":" + port.number)
      return session.host;
  }
  return std::nullopt;
}

/// The number behind `marker` in the newest line that has it.
std::optional<std::uint32_t> number_after(const std::vector<std::string>& lines,
                                          std::string_view marker) {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const std::size_t at = line->find(marker);
    if (at == std::string::npos) continue;
    const char* const begin = line->data() + at + marker.size();
    std::uint32_t value = 0;
    if (std::from_chars(begin, line->data() + line->size(), value, 16).ptr != begin) return value;
  }
  return std::nullopt;
}

/// The newest line of ib_srp, without who says it.
std::string last_word(const std::vector<std::string>& lines) {
  constexpr std::string_view marker = "ib_srp: ";
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const std::size_t at = line->find(marker);
    if (at == std::string::npos) continue;
    std::string text = line->substr(at + marker.size());
    text.erase(0, text.find_first_not_of(' '));
    return text;
  }
  return {};
}

std::string remedy_for(srp::LoginReject reason) {
  switch (reason) {
    case srp::LoginReject::unable_to_associate:
      return "allow this host at the target (srpd: --allow ADDRESS, or an ACL), and check id_ext "
             "and ioc_guid";
    case srp::LoginReject::insufficient_resources:
      return "the target is out of sessions or memory, or the port is disabled; see its log";
    case srp::LoginReject::iu_length_too_large:
      return "ask for less: max_it_iu_size, cmd_sg_entries";
    case srp::LoginReject::multi_channel_unsupported:
    case srp::LoginReject::channel_limit_reached:
      return "log in with fewer channels (ch_count=1), and check that the target allows this host";
    default:
      return "see the log of the target";
  }
}

/// Of a connection that was rejected without SRP_LOGIN_REJ, or, over iWARP, with one that ib_srp
/// does not get to see.
std::optional<Error> explain_plain_rejection(const std::vector<std::string>& log,
                                             const std::string& object) {
  constexpr std::uint32_t no_such_service = 8;  // volume 1, 12.6.7.2
  const auto reason = number_after(log, "REJ reason 0x");
  if (!reason) return std::nullopt;
  const std::string code = fmt::format(" (REJ reason 0x{:x})", *reason);
  if (*reason == no_such_service)
    return Error{object, "nothing listens there" + code,
                 "check that the target runs, and its port or service ID"};
  return Error{object, "the target rejects the login" + code,
               "see the log of the target for the reason; does it allow this host (srpd: --allow "
               "ADDRESS, or an ACL)?"};
}

std::optional<Error> explain_rejection(const std::vector<std::string>& log,
                                       const std::string& object) {
  auto reason = number_after(log, "REJECTED, reason 0x");
  const bool too_long = std::any_of(log.begin(), log.end(), [](const std::string& line) {
    return line.find("requested max_it_iu_len too large") != std::string::npos;
  });
  if (too_long) reason = static_cast<std::uint32_t>(srp::LoginReject::iu_length_too_large);
  if (!reason) return explain_plain_rejection(log, object);
  const auto known = static_cast<srp::LoginReject>(*reason);
  return Error{
      object, fmt::format("the target rejects the login: {} (0x{:08x})", srp::name(known), *reason),
      remedy_for(known)};
}

Error no_connection(const std::string& object, const std::string& words) {
  return {object, "no connection" + words,
          "check that the target runs and listens there, and the firewall"};
}

}  // namespace

Error explain_login_failure(int error_number, const LoginString& login, const Port& port,
                            const std::vector<std::string>& log) {
  const std::string object = "login to " + login.place();
  if (auto rejection = explain_rejection(log, object)) return *rejection;
  const std::string said = last_word(log);
  const std::string words = said.empty() ? "" : " (ib_srp: " + said + ")";
  switch (error_number) {
    case EACCES:
    case EPERM:
      return {object, "only root may write to " + port.add_target(), "run it as root"};
    case ENOENT:
      return {object, "the RDMA device " + port.device + " has gone", "try again"};
    case ECONNRESET:
    case ECONNREFUSED:
      return no_connection(object, words);
    case ENODEV:
      return {object, "the fabric knows no way there" + words,
              login.path ? "check the cables, and that a subnet manager runs"
                         : "check the address and the route"};
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return {object, "it does not answer" + words, "check the address, the network and firewalls"};
    case EINVAL:
      // iWARP devices say so where nobody listens.
      if (said.starts_with("Connection ")) return no_connection(object, words);
      return {object, "ib_srp does not take this: " + login.text() + words,
              "leave out the options that this kernel does not know"};
    case EIO:
    case ENOMEM:
      return {object, errno_text(error_number) + words, "see the kernel's log (dmesg)"};
    default:
      return {object, errno_text(error_number) + words, "see the kernel's log (dmesg)"};
  }
}

Expected<LoggedIn> log_in(const Files& files, const LoginString& login, const Port& port) {
  forget_gone(files);
  const auto before = sessions(files);
  KernelLog log(files);
  int rc = 0;
  std::optional<unsigned> there;
  wait_until(
      [&] {
        rc = files.write(port.add_target(), login.text());
        if (rc == -EEXIST) there = host_through(files, login, port);
        return rc != -EEXIST || there;
      },
      forgetting, forgetting_step);
  if (there) return LoggedIn{*there, true};
  if (rc == -EEXIST)
    return failure("login to " + login.place(), "ib_srp says that it is logged in there already",
                   "log out first: srp disconnect");
  if (rc < 0) return tl::make_unexpected(explain_login_failure(-rc, login, port, log.take()));
  const auto host = host_of(files, login, before);
  if (!host)
    return failure("login to " + login.place(), "the session ended at once",
                   "see the kernel's log (dmesg)");
  remember(files, *host, login);
  return LoggedIn{*host, false};
}

Expected<void> log_out(const Files& files, const Session& session,
                       std::chrono::milliseconds patience) {
  const std::string path =
      fmt::format("/sys/class/srp_remote_ports/port-{}:1/delete", session.host);
  const std::string object = session.host_name();
  if (const int rc = files.write(path, "1"); rc < 0)
    return failure(
        object, "cannot log out: " + errno_text(-rc),
        rc == -EACCES || rc == -EPERM ? "run it as root" : "see the kernel's log (dmesg)");
  const auto gone = [&] { return !files.exists("/sys/class/scsi_host/" + object); };
  if (!wait_until(gone, patience))
    return failure(object, "it is still there", "see what uses its disks (lsblk, fuser)");
  forget_gone(files);
  return {};
}

std::vector<Disk> wait_for_disks(const Files& files, unsigned host,
                                 std::chrono::milliseconds patience) {
  std::vector<Disk> found;
  const auto ready = [&] {
    found = disks(files, host);
    return !found.empty() && std::all_of(found.begin(), found.end(), [&](const Disk& disk) {
      return disk.bytes > 0 && files.exists("/dev/" + disk.name);
    });
  };
  // The kernel has asked for the LUNs when the login returns; disks are made of them afterwards.
  wait_until(ready, std::min<std::chrono::milliseconds>(patience, no_lun_patience));
  if (found.empty()) return found;
  if (!wait_until(ready, patience) || !files.exists("/run/udev/control")) return found;
  const auto named = [&] {
    found = disks(files, host);
    return std::all_of(found.begin(), found.end(),
                       [](const Disk& disk) { return !disk.by_id.empty(); });
  };
  wait_until(named, std::min<std::chrono::milliseconds>(patience, udev_patience));
  return found;
}

}  // namespace srpd::kernel
