// Finding targets: the discovery service of hosts that are named, and whatever announces itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "directory/listing.h"
#include "dnssd/service.h"
#include "kernel/login_string.h"

namespace srpd::cli {

/// An I/O unit and how it was found.
struct Unit {
  std::string where;  ///< "192.0.2.10:5556", for people
  directory::Listing listing;
};

struct Findings {
  std::vector<Unit> units;
  std::vector<Error> problems;  ///< of the others
};

/// Options that everything that finds targets has.
struct FindOptions {
  std::optional<std::uint16_t> discovery_port;
  double patience_s = 5;  ///< for each answer
};
void add_find_options(CLI::App& app, FindOptions& options);

class Finder {
 public:
  /// All outlive it. `loop` is run until what is asked for is there.
  Finder(const Common& common, const FindOptions& options, runtime::Loop& loop,
         transport::Transport& transport)
      : common_(common), options_(options), loop_(loop), transport_(transport) {}

  /// HOST[:PORT] or URLs. Where no discovery service answers, the identifier comes from the URL,
  /// or from a login. What a URL does not name is left out.
  Findings at(const std::vector<std::string>& targets);
  /// The same, one for each target.
  std::vector<Findings> each(const std::vector<std::string>& targets);
  /// What multicast DNS knows, asked for its listings, and the InfiniBand subnets of this machine.
  Findings everything();
  /// The services of multicast DNS that are known already.
  Findings of(const std::vector<dnssd::Found>& services);
  /// What answers Device Management in the InfiniBand subnets of this machine.
  void add_infiniband(Findings& findings);

 private:
  struct Question;
  Expected<transport::Address> discovery_address(const initiator::Url& url) const;
  void ask(std::vector<Question>& questions);
  void take(const Question& question, const initiator::Url& url, Findings& findings);
  directory::Listing by_login(const initiator::Url& url, std::optional<Error>& problem);

  const Common& common_;
  const FindOptions& options_;
  runtime::Loop& loop_;
  transport::Transport& transport_;
};

/// The login strings of a unit. Without `all_addresses` one for each service of a target: at the
/// address where the unit was found.
std::vector<kernel::LoginString> logins_of(const Unit& unit, bool all_addresses);

/// A listing of one target, as far as that is known without its discovery service.
directory::Listing listing_of(std::uint64_t id_ext, std::uint64_t ioc_guid,
                              const transport::Address& address);

/// Leaves out of a listing all targets but this one.
void keep_only(directory::Listing& listing, const srp::PortId& target);

/// The halves of a target port identifier.
std::uint64_t id_ext_of(const srp::PortId& id);
std::uint64_t ioc_guid_of(const srp::PortId& id);

}  // namespace srpd::cli
