// Whether hosts can get to srpd at all, and whether it has what it needs.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "srpctl/diagnosis.h"
#include "srpctl/firewall.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

/// Less, and adapters soon have no memory for buffers.
constexpr std::uint64_t enough_memlock = std::uint64_t{64} << 20;
/// A session and a backing file take one each.
constexpr std::uint64_t enough_files = 1024;
constexpr std::uint64_t spare_files = 64;

/// The one at the end of "192.0.2.1:5555".
std::uint16_t port_of(const std::string& address) {
  const std::string text = address.substr(address.rfind(':') + 1);
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

bool on_adapters(const std::string& address) {
  return address.starts_with("rdma:") || address.starts_with("ib");
}

class Daemon {
 public:
  Daemon(const Answers& answers, const Machine& machine, Findings& findings)
      : status_(answers.status),
        waiting_(status_.value("waiting", Json::array())),
        failures_(status_.value("failures", Json::array())),
        answers_(answers),
        machine_(machine),
        findings_(findings) {
    for (const Json& each : status_["listening"]) listening_.push_back(each.get<std::string>());
  }

  void run() {
    listening();
    waiting();
    failures();
    troubles();
    limits();
    if (machine_.kernel_target)
      findings_.problem("ib_srpt", "the kernel's own target is loaded and may answer hosts instead",
                        "modprobe -r ib_srpt");
    firewall();
    saved();
  }

 private:
  void listening() {
    if (listening_.empty())
      return findings_.problem("srpd", "it listens nowhere",
                               "start it with --listen ADDRESS, or set rdma_cm_port");
    const bool loopback =
        std::all_of(listening_.begin(), listening_.end(), [](const std::string& address) {
          return address.starts_with("127.") || address.starts_with("[::1]");
        });
    if (loopback)
      findings_.problem("srpd", "it listens on loopback only: no other machine reaches it",
                        "start it with --listen ADDRESS");
  }

  void waiting() {
    for (const Json& each : waiting_) {
      std::string cause = shown(each, "cause");
      const std::string object = shown(each, "object");
      const std::string owner =
          cause.find("already in use") != std::string::npos && machine_.owner_of
              ? machine_.owner_of(port_of(object))
              : std::string();
      if (!owner.empty()) cause += " by " + owner;
      findings_.problem(object, cause, shown(each, "remedy"));
    }
  }

  void failures() {
    for (const Json& each : failures_)
      findings_.problem(shown(each, "object"), shown(each, "cause"), shown(each, "remedy"));
  }

  /// What srpd says of itself; the rest of its problems is looked at more closely.
  void troubles() {
    for (const Json& each : status_["problems"]) {
      const std::string object = shown(each, "object");
      if (!object.starts_with("/backstores/") && !object.starts_with("/srpt"))
        findings_.problem(object, shown(each, "cause"), shown(each, "remedy"));
    }
  }

  void limits() {
    const bool adapters = std::any_of(listening_.begin(), listening_.end(), on_adapters);
    if (adapters && machine_.memlock_bytes && *machine_.memlock_bytes < enough_memlock)
      findings_.problem(
          "srpd",
          "it may lock only " + short_size(*machine_.memlock_bytes) + " of memory for adapters",
          "start it with LimitMEMLOCK=infinity (ulimit -l unlimited)");
    if (!machine_.file_limit) return;
    const std::uint64_t limit = *machine_.file_limit;
    if (machine_.open_files + spare_files > limit)
      findings_.problem("srpd",
                        fmt::format("{} of the {} files that it may open are open: soon no host "
                                    "can log in",
                                    machine_.open_files, limit),
                        "start it with a higher LimitNOFILE (ulimit -n 524288)");
    else if (limit < enough_files)
      findings_.problem("srpd",
                        fmt::format("it may open only {} files: a session and a file of a "
                                    "backstore take one each",
                                    limit),
                        "start it with a higher LimitNOFILE (ulimit -n 524288)");
  }

  void firewall() {
    for (const std::string& address : listening_) {
      if (on_adapters(address)) continue;
      const Blocked blocked = blocked_by(machine_.firewall, port_of(address));
      if (!blocked.by.empty())
        findings_.problem(printable(address),
                          "the firewall keeps hosts away: " + printable(blocked.by),
                          blocked.remedy);
    }
  }

  void saved() {
    if (!answers_.history.is_array() || answers_.history.empty()) return;
    const std::string path = shown(answers_.history[0], "path");
    const std::string reason = machine_.not_writable ? machine_.not_writable(path) : std::string();
    if (!reason.empty())
      findings_.problem(path, "the configuration cannot be saved: " + reason,
                        "make room or let it be written; until then the next start comes up with "
                        "what was saved before");
    const bool anything =
        !answers_.objects["backstores"].empty() || !answers_.objects["targets"].empty();
    if (answers_.history[0]["time"] == 0) {
      if (anything)
        findings_.problem(path, "the configuration was never saved: it ends with srpd",
                          "srpctl save");
    } else if (answers_.no_diff) {
      findings_.problem(path, "what is saved cannot be used: " + answers_.no_diff->cause,
                        "srpctl save writes it anew; the version before is kept");
    } else if (!waiting_.empty() || !failures_.empty() || !status_["drained"].empty()) {
      // What is not there yet has some of its attributes later, what could not be made is not to be
      // saved away, and what is drained is so for a while.
    } else if (const std::size_t count = answers_.diff["differences"].size(); count != 0) {
      findings_.problem(path,
                        plural(count, "difference") +
                            " between what is saved and what is served: the next start serves "
                            "what is saved",
                        "'srpctl diff' shows them; srpctl save");
    }
  }

  const Json& status_;
  const Json waiting_, failures_;  ///< an older srpd does not tell
  const Answers& answers_;
  const Machine& machine_;
  Findings& findings_;
  std::vector<std::string> listening_;
};

}  // namespace

void diagnose_daemon(const Answers& answers, const Machine& machine, Findings& findings) {
  Daemon(answers, machine, findings).run();
}

}  // namespace srpd::ctl
