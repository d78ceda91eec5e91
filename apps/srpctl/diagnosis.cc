#include "srpctl/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>

#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

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
  Diagnosis(const Answers& answers, const Question& question, Findings& findings)
      : answers_(answers), question_(question), findings_(findings) {}

  void run() {
    targets();
    refusals();
    if (!question_.host.empty()) host();
  }

 private:
  void problem(std::string object, std::string cause, std::string remedy) {
    findings_.problem(std::move(object), std::move(cause), std::move(remedy));
  }
  void fine(std::string object, std::string what) {
    findings_.fine(std::move(object), std::move(what));
  }

  // Targets

  void targets() {
    if (answers_.objects["targets"].empty())
      problem("/srpt", "there is no target", "'srpctl create /srpt' makes one");
    for (const Json& target : answers_.objects["targets"]) {
      const std::string name = "/srpt/" + shown(target, "wwn");
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
    const std::string name = target + "/acls/" + shown(acl, "initiator");
    if (acl["luns"].empty())
      problem(name, "no LUN is mapped: this host sees no disk", "srpctl create " + name + " 0 0");
    for (const Json& mapped : acl["luns"])
      if (mapped["lun"].is_null() || mapped["object"].is_null())
        problem(name + "/mapped_lun" + mapped["index"].dump(), "the LUN that it stands for is gone",
                "delete it and create it anew");
  }

  // Hosts

  bool asked(const Json& refusal) const {
    return question_.host.empty() || is_host(shown(refusal, "initiator"), question_.host) ||
           shown(refusal, "host") == question_.host;
  }

  void refusals() {
    for (const Json& each : answers_.refusals)
      if (asked(each))
        problem("login of " + shown(each, "initiator") + " at " + shown(each, "host"),
                fmt::format("refused {}, last {} ago: {}",
                            plural(each["count"].get<std::size_t>(), "time"),
                            short_time(each["seconds_ago"].get<double>()), shown(each, "cause")),
                shown(each, "remedy"));
  }

  /// Its ACLs' names are what srpd knows of it before it comes.
  void host() {
    const std::string& host = question_.host;
    std::size_t channels = 0;
    for (const Json& each : answers_.sessions)
      if (is_host(shown(each, "initiator"), host) || is_host(shown(each, "initiator_id"), host) ||
          address_of(shown(each, "peer")) == host)
        ++channels;
    bool known = false;
    for (const Json& target : answers_.objects["targets"])
      for (const Json& tpg : target["tpgs"])
        for (const Json& acl : tpg["acls"])
          if (is_host(shown(acl, "initiator"), host)) {
            known = true;
            const std::string name =
                "/srpt/" + shown(target, "wwn") + "/acls/" + shown(acl, "initiator");
            lun_of_host(name, acl);
            for (const Json& mapped : acl["luns"]) reservation_of(name, acl, mapped);
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
      fine(name, fmt::format("{} is {}{}", lun, shown(*found, "object"),
                             (*found)["write_protect"].get<bool>() ? ", write protected" : ""));
  }

  /// Whether another host keeps it out.
  void reservation_of(const std::string& name, const Json& acl, const Json& mapped) {
    if (question_.lun && mapped["index"] != *question_.lun) return;
    if (mapped["object"].is_null()) return;
    for (const Json& each : answers_.reservations) {
      if (each["object"] != mapped["object"] || each["holder"].is_null()) continue;
      const std::string who = shown(acl, "initiator"), holder = shown(each, "holder");
      const std::string type = shown(each, "type");
      const bool registered =
          std::any_of(each["registrations"].begin(), each["registrations"].end(),
                      [&](const Json& one) { return is_host(shown(one, "initiator"), who); });
      const std::string reserved =
          fmt::format("{} is reserved by {} ({})", shown(each, "object"), holder, type);
      if (is_host(holder, who) || (registered && type.find("Registrants") != std::string::npos))
        fine(name, reserved + ", which lets this host in");
      else
        problem(name, reserved + ": commands of this host get RESERVATION CONFLICT",
                "release it there; or, where that host is gone, register and preempt it: "
                "sg_persist --out --preempt");
    }
  }

  const Answers& answers_;
  const Question& question_;
  Findings& findings_;
};

}  // namespace

std::string shown(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? printable(found->get<std::string>())
                                                   : std::string();
}

std::vector<Finding> diagnose(const Answers& answers, const Machine& machine,
                              const Question& question) {
  Findings findings;
  diagnose_daemon(answers, machine, findings);
  diagnose_backstores(answers, findings);
  Diagnosis(answers, question, findings).run();
  return findings.take();
}

}  // namespace srpd::ctl
