// What keeps hosts from their disks: pure rules over what srpd and the machine say.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rpc/fault.h"

namespace srpd::ctl {

/// What this machine says.
struct Machine {
  bool kernel_target = false;                       ///< ib_srpt is loaded
  std::optional<std::uint64_t> memlock_bytes = {};  ///< of srpd; none: unlimited or unknown
  std::optional<std::uint64_t> file_limit = {};     ///< of srpd: descriptors; none: unknown
  std::uint64_t open_files = 0;                     ///< of srpd; 0: unknown
  std::string firewall = {};  ///< `nft list ruleset`, iptables-save; empty: none or unknown
  /// Who listens at a TCP port: "nginx (process 12)"; empty: unknown.
  std::function<std::string(std::uint16_t port)> owner_of = {};
  /// Why nothing can be written beside a file; empty: it can.
  std::function<std::string(const std::string& path)> not_writable = {};
};
/// `pid` of srpd; 0: unknown.
Machine look_at_machine(int pid);

/// Answers of srpd's methods of these names.
struct Answers {
  rpc::Json status, objects, sessions, refusals;
  rpc::Json reservations;        ///< null: this srpd is older than the method
  rpc::Json history;             ///< null: this srpd saves nothing
  rpc::Json diff;                ///< with what is saved; null where that cannot be read
  std::optional<Error> no_diff;  ///< why
};

struct Question {
  std::string host;  ///< empty: any
  std::optional<std::uint64_t> lun = {};
};

struct Finding {
  bool problem = true;  ///< false: it is as it should be
  Error error;
};

class Findings {
 public:
  void problem(std::string object, std::string cause, std::string remedy) {
    all_.push_back({true, {std::move(object), std::move(cause), std::move(remedy)}});
  }
  void fine(std::string object, std::string what) {
    all_.push_back({false, {std::move(object), std::move(what), ""}});
  }
  std::vector<Finding> take() { return std::move(all_); }

 private:
  std::vector<Finding> all_;
};

/// A member of an answer that can be shown; empty where there is none.
std::string shown(const rpc::Json& json, const char* key);

/// srpd itself, its limits, the machine, and what is saved.
void diagnose_daemon(const Answers& answers, const Machine& machine, Findings& findings);
/// Backstores, and what is behind them.
void diagnose_backstores(const Answers& answers, Findings& findings);

std::vector<Finding> diagnose(const Answers& answers, const Machine& machine,
                              const Question& question);

}  // namespace srpd::ctl
