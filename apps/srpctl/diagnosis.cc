#include "srpctl/diagnosis.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

/// Less, and adapters soon have no memory for buffers.
constexpr std::uint64_t enough_memlock = std::uint64_t{64} << 20;

std::string word(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? printable(found->get<std::string>())
                                                   : std::string();
}

/// "ib.00…0a01", "0x0a01" and "A01" are the same initiator.
std::string bare(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* prefix : {"ib.", "0x"})
    if (name.starts_with(prefix)) name = name.substr(std::string_view(prefix).size());
  const std::size_t digits = name.find_first_not_of('0');
  return digits == std::string::npos ? name : name.substr(digits);
}

bool is_host(const std::string& name, const std::string& host) {
  return !host.empty() && bare(name) == bare(host);
}

/// "192.0.2.1:4000" without its port.
std::string address_of(const std::string& peer) {
  if (peer.starts_with('[')) return peer.substr(1, peer.find(']') - 1);
  return peer.substr(0, peer.rfind(':'));
}

class Diagnosis {
 public:
  Diagnosis(const Answers& answers, const Machine& machine, const Question& question)
      : answers_(answers), machine_(machine), question_(question) {}

  std::vector<Finding> run() {
    listening();
    machine();
    devices();
    targets();
    refusals();
    if (!question_.host.empty()) host();
    return std::move(findings_);
  }

 private:
  void problem(std::string object, std::string cause, std::string remedy) {
    findings_.push_back({true, {std::move(object), std::move(cause), std::move(remedy)}});
  }
  void fine(std::string object, std::string what) {
    findings_.push_back({false, {std::move(object), std::move(what), ""}});
  }

  void listening() {
    const Json& all = answers_.status["listening"];
    if (all.empty()) {
      problem("srpd", "it listens nowhere", "start it with --listen ADDRESS, or set rdma_cm_port");
      return;
    }
    const bool loopback = std::all_of(all.begin(), all.end(), [](const Json& each) {
      const std::string address = each.get<std::string>();
      return address.starts_with("127.") || address.starts_with("[::1]");
    });
    if (loopback)
      problem("srpd", "it listens on loopback only: no other machine reaches it",
              "start it with --listen ADDRESS");
  }

  void machine() {
    if (machine_.kernel_target)
      problem("ib_srpt", "the kernel's own target is loaded and may answer hosts instead",
              "modprobe -r ib_srpt");
    const Json& all = answers_.status["listening"];
    const bool adapters = std::any_of(all.begin(), all.end(), [](const Json& each) {
      const std::string address = each.get<std::string>();
      return address.starts_with("rdma:") || address.starts_with("ib");
    });
    if (adapters && machine_.memlock_bytes && *machine_.memlock_bytes < enough_memlock)
      problem("srpd",
              "it may lock only " + short_size(*machine_.memlock_bytes) + " of memory for adapters",
              "start it with LimitMEMLOCK=infinity (ulimit -l unlimited)");
    firewall(all);
  }

  void firewall(const Json& listening) {
    const std::string& rules = machine_.firewall;
    if (rules.find("hook input") == std::string::npos ||
        rules.find("policy drop") == std::string::npos)
      return;
    for (const Json& each : listening) {
      const std::string address = each.get<std::string>();
      const std::string port = address.substr(address.rfind(':') + 1);
      if (rules.find(port) == std::string::npos)
        problem(printable(address),
                "the firewall drops what no rule names, and none names port " + printable(port),
                "nft add rule inet filter input tcp dport " + printable(port) + " accept");
    }
  }

  // Backstores

  void devices() {
    for (const Json& each : answers_.objects["backstores"])
      if (!each["enabled"].get<bool>()) device(each);
  }

  void device(const Json& json) {
    const std::string object = "/backstores/" + word(json, "plugin") + "/" + word(json, "name");
    const std::string path = json["where"].get<std::string>();
    const std::string shown = printable(path);
    struct stat status{};
    if (path.empty() || path.front() != '/' || word(json, "plugin") == "user") {
      problem(object, "it is not enabled", "delete it and create it with what it needs");
    } else if (::stat(path.c_str(), &status) != 0) {
      problem(object, shown + ": " + errno_text(errno),
              errno == ENOENT ? "make the file or attach the device; srpd waits for it"
                              : "correct the permissions of the path");
    } else if (S_ISDIR(status.st_mode)) {
      problem(object, shown + " is a directory", "delete the backstore and name a file");
    } else if (S_ISREG(status.st_mode) && status.st_size == 0 && json["size"] == 0) {
      problem(object, shown + " is empty", "create the backstore with a size");
    } else if (::access(path.c_str(), R_OK | W_OK) != 0) {
      problem(object, shown + ": " + errno_text(errno), "let srpd's user read and write it");
    } else {
      problem(object, "it is not enabled although " + shown + " is there",
              "'srpctl set " + object + " enable=1' tries again and says why");
    }
  }

  // Targets

  void targets() {
    if (answers_.objects["targets"].empty())
      problem("/srpt", "there is no target", "'srpctl create /srpt' makes one");
    for (const Json& target : answers_.objects["targets"]) {
      const std::string name = "/srpt/" + word(target, "wwn");
      for (const Json& tpg : target["tpgs"]) this->target(name, tpg);
    }
  }

  void target(const std::string& name, const Json& tpg) {
    const auto& drained = answers_.status["drained"];
    const bool is_drained = std::find(drained.begin(), drained.end(), tpg["path"]) != drained.end();
    if (!tpg["enabled"].get<bool>())
      problem(name,
              is_drained ? "it is drained: no host can log in"
                         : "it is not enabled: no host can log in",
              is_drained ? "srpctl drain --off" : "srpctl set " + name + " enable=1");
    if (tpg["luns"].empty())
      problem(name, "it has no LUN", "srpctl create " + name + "/luns OBJECT");
    if (tpg["acls"].empty())
      problem(name, "it has no ACL: nobody may log in",
              "srpctl create " + name + "/acls INITIATOR");
    for (const Json& lun : tpg["luns"])
      if (lun["object"].is_null())
        problem(name + "/luns/lun" + lun["index"].dump(), "no backstore is behind it",
                "delete it and create it anew");
    for (const Json& acl : tpg["acls"]) this->acl(name, acl);
  }

  void acl(const std::string& target, const Json& acl) {
    const std::string name = target + "/acls/" + word(acl, "initiator");
    if (acl["luns"].empty())
      problem(name, "no LUN is mapped: this host sees no disk", "srpctl create " + name + " 0 0");
    for (const Json& mapped : acl["luns"])
      if (mapped["lun"].is_null() || mapped["object"].is_null())
        problem(name + "/mapped_lun" + mapped["index"].dump(), "the LUN that it stands for is gone",
                "delete it and create it anew");
  }

  // Hosts

  bool asked(const Json& refusal) const {
    return question_.host.empty() || is_host(word(refusal, "initiator"), question_.host) ||
           word(refusal, "host") == question_.host;
  }

  void refusals() {
    for (const Json& each : answers_.refusals)
      if (asked(each))
        problem("login of " + word(each, "initiator") + " at " + word(each, "host"),
                fmt::format("refused {}, last {} ago: {}",
                            plural(each["count"].get<std::size_t>(), "time"),
                            short_time(each["seconds_ago"].get<double>()), word(each, "cause")),
                word(each, "remedy"));
  }

  /// Its ACLs' names are what srpd knows of it before it comes.
  void host() {
    const std::string& host = question_.host;
    std::size_t channels = 0;
    for (const Json& each : answers_.sessions)
      if (is_host(word(each, "initiator"), host) || is_host(word(each, "initiator_id"), host) ||
          address_of(word(each, "peer")) == host)
        ++channels;
    bool known = false;
    for (const Json& target : answers_.objects["targets"])
      for (const Json& tpg : target["tpgs"])
        for (const Json& acl : tpg["acls"])
          if (is_host(word(acl, "initiator"), host)) {
            known = true;
            lun_of_host("/srpt/" + word(target, "wwn") + "/acls/" + word(acl, "initiator"), acl);
          }
    if (channels > 0)
      fine(printable(host), "logged in, " + plural(channels, "channel"));
    else
      not_logged_in(known);
  }

  void not_logged_in(bool known) {
    const std::string host = printable(question_.host);
    const bool refused = std::any_of(answers_.refusals.begin(), answers_.refusals.end(),
                                     [this](const Json& each) { return asked(each); });
    if (!known)
      problem(host, "no ACL names it",
              "srpctl create /srpt/WWN/acls " + host + " (an initiator port id, GUID or address)");
    if (!refused)
      problem(host, "no login of it has arrived",
              "check that it reaches an address that srpd listens on (ping, firewall), and what "
              "its kernel says (dmesg)");
  }

  void lun_of_host(const std::string& name, const Json& acl) {
    if (!question_.lun) return;
    const auto found =
        std::find_if(acl["luns"].begin(), acl["luns"].end(),
                     [this](const Json& each) { return each["index"] == *question_.lun; });
    const std::string lun = "LUN " + std::to_string(*question_.lun);
    if (found == acl["luns"].end())
      problem(name, lun + " is not mapped",
              fmt::format("srpctl create {} {} TPG_LUN", name, *question_.lun));
    else if (!(*found)["object"].is_null())
      fine(name, fmt::format("{} is {}{}", lun, word(*found, "object"),
                             (*found)["write_protect"].get<bool>() ? ", write protected" : ""));
  }

  const Answers& answers_;
  const Machine& machine_;
  const Question& question_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> diagnose(const Answers& answers, const Machine& machine,
                              const Question& question) {
  return Diagnosis(answers, machine, question).run();
}

}  // namespace srpd::ctl
