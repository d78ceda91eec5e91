#include "find.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>

#include "directory/address.h"
#include "directory/query.h"
#include "dm/subnet.h"
#include "dnssd/browser.h"
#include "initiator/decode_inquiry.h"
#include "initiator/lun.h"

namespace srpd::cli {
namespace {

using directory::Listing;
using directory::Query;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::optional<std::uint64_t> hexadecimal(const dnssd::Txt& txt, const std::string& key) {
  const auto entry = txt.find(key);
  if (entry == txt.end()) return std::nullopt;
  const std::string& text = entry->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> discovery_port_of(const dnssd::Txt& txt) {
  const auto entry = txt.find("discovery");
  if (entry == txt.end()) return std::nullopt;
  const std::string& text = entry->second;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return bare_ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

/// Waits for the first answers of the responder.
class Wait final : public dnssd::Browser::Observer {
 public:
  explicit Wait(runtime::Loop& loop) : loop_(loop) {}
  void on_services() override {}
  void on_settled(const std::string& why) override {
    settled = true;
    cause = why;
    loop_.stop();
  }
  bool settled = false;
  std::string cause;

 private:
  runtime::Loop& loop_;
};

struct Alarm : runtime::Timer {
  explicit Alarm(runtime::Loop& of)
      : Timer([](Timer& self) {
          auto& alarm = static_cast<Alarm&>(self);
          alarm.expired = true;
          alarm.loop.stop();
        }),
        loop(of) {}
  ~Alarm() { loop.cancel_timer(*this); }
  runtime::Loop& loop;
  bool expired = false;
};

/// The same targets on the same machine are one unit, found at several addresses.
bool merge(Listing& known, const Listing& other) {
  if (known.node != other.node || known.unit != other.unit) return false;
  for (const directory::Listener& listener : other.listeners) {
    if (std::find(known.listeners.begin(), known.listeners.end(), listener) ==
        known.listeners.end())
      known.listeners.push_back(listener);
  }
  return true;
}

/// Each port is a unit of its own, as ibsrpdm has it.
Unit unit_of(const dm::SubnetUnit& found) {
  Unit unit;
  unit.where = fmt::format("LID {} through {}", found.port.lid, found.through);
  unit.listing.unit = found.unit;
  unit.listing.lid = found.port.lid;
  directory::Listener listener;
  listener.form = directory::LoginForm::ib_cm;
  listener.address = found.port.gid;
  listener.pkey = found.pkey;
  listener.transport = "infiniband";
  unit.listing.listeners.push_back(std::move(listener));
  return unit;
}

void add_unit(Findings& findings, std::string where, Listing listing) {
  if (listing.unit.controllers.empty()) {
    findings.problems.push_back({where, "it has no target to log in to", "see srpd's messages"});
    return;
  }
  const bool known = std::any_of(findings.units.begin(), findings.units.end(),
                                 [&](Unit& unit) { return merge(unit.listing, listing); });
  if (!known) findings.units.push_back({std::move(where), std::move(listing)});
}

}  // namespace

std::uint64_t id_ext_of(const srp::PortId& id) { return directory::served_port(id).id_ext; }
std::uint64_t ioc_guid_of(const srp::PortId& id) { return directory::served_port(id).ioc_guid; }

void add_find_options(CLI::App& app, FindOptions& options) {
  app.add_option("--discovery-port", options.discovery_port,
                 "Port of the discovery service (default: the one after the target's)");
  app.add_option("--patience", options.patience_s, "Seconds to wait for each answer")
      ->capture_default_str();
}

directory::Listing listing_of(std::uint64_t id_ext, std::uint64_t ioc_guid,
                              const transport::Address& address) {
  Listing listing;
  const discovery::ServedPort port{id_ext, ioc_guid, ioc_guid};
  // One port always fits.
  static_cast<void>(discovery::update(listing.unit, discovery::controllers_of({&port, 1})));
  directory::Listener listener;
  listener.address = directory::gid_of(address);
  listener.port = directory::port_of(address);
  listener.scope = directory::scope_of(address);
  listing.listeners.push_back(std::move(listener));
  return listing;
}

void keep_only(directory::Listing& listing, const srp::PortId& target) {
  auto& controllers = listing.unit.controllers;
  for (auto slot = controllers.begin(); slot != controllers.end();) {
    auto& services = slot->second.services;
    std::erase_if(services, [&](const discovery::Service& service) {
      return discovery::id_ext_of(service) != id_ext_of(target);
    });
    const bool other = services.empty() || slot->second.guid != ioc_guid_of(target);
    slot = other ? controllers.erase(slot) : std::next(slot);
  }
}

std::vector<kernel::LoginString> logins_of(const Unit& unit, bool all_addresses) {
  std::vector<kernel::LoginString> logins;
  for (const directory::LoginLine& line : directory::login_lines(unit.listing)) {
    const bool first = line.listener == &unit.listing.listeners.front();
    if (!first && !all_addresses) continue;
    if (const auto login = kernel::parse_login_string(line.text)) logins.push_back(*login);
  }
  return logins;
}

/// A discovery service to ask, and what it said.
struct Finder::Question {
  std::string where;
  transport::Address address;
  std::unique_ptr<Query> query;
  std::optional<Query::Result> result;
};

// All at once, so that one that does not answer does not hold up the others.
void Finder::ask(std::vector<Question>& questions) {
  std::size_t missing = questions.size();
  for (Question& question : questions) {
    question.query =
        std::make_unique<Query>(loop_, transport_, question.address,
                                milliseconds(options_.patience_s), [&, this](Query::Result result) {
                                  question.result = std::move(result);
                                  if (--missing == 0) loop_.stop();
                                });
  }
  while (missing > 0) loop_.run();
}

std::vector<Findings> Finder::each(const std::vector<std::string>& targets) {
  std::vector<Findings> findings(targets.size());
  std::vector<initiator::Url> urls;
  std::vector<Question> questions;
  std::vector<std::size_t> asked;  // the target of each question
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const bool whole = targets[i].starts_with("srp://");
    const auto url = initiator::Url::parse(whole ? targets[i] : "srp://" + targets[i]);
    const auto address = url ? discovery_address(*url) : tl::make_unexpected(url.error());
    if (!address) {
      findings[i].problems.push_back(address.error());
      continue;
    }
    urls.push_back(*url);
    asked.push_back(i);
    questions.push_back({address->text(), *address, nullptr, {}});
  }
  ask(questions);
  for (std::size_t i = 0; i < questions.size(); ++i)
    take(questions[i], urls[i], findings[asked[i]]);
  return findings;
}

Findings Finder::at(const std::vector<std::string>& targets) {
  Findings all;
  for (Findings& findings : each(targets)) {
    for (Unit& unit : findings.units) add_unit(all, std::move(unit.where), std::move(unit.listing));
    std::move(findings.problems.begin(), findings.problems.end(), std::back_inserter(all.problems));
  }
  return all;
}

Expected<transport::Address> Finder::discovery_address(const initiator::Url& url) const {
  if (url.host.starts_with("ib:"))
    return failure(url.text(), "the discovery service is asked over IP",
                   "srp discover, without a host, searches InfiniBand");
  const std::uint16_t port = options_.discovery_port.value_or(directory::discovery_port(url.port));
  return transport::Address::parse(host_and_port(url.host, port), port);
}

void Finder::take(const Question& question, const initiator::Url& url, Findings& findings) {
  const Query::Result& result = *question.result;
  std::optional<Error> problem;
  Listing listing;
  if (result) {
    listing = *result;
    directory::set_scope(listing, question.address);
  } else if (result.error().absent) {
    listing = by_login(url, problem);
  } else {
    problem = result.error().error;
  }
  if (problem) return findings.problems.push_back(*problem);
  if (url.target) keep_only(listing, *url.target);
  if (url.target && listing.unit.controllers.empty())
    return findings.problems.push_back({url.text(), "there is no such target on that machine",
                                        "srp discover " + url.host + " shows those there are"});
  add_unit(findings, question.where, std::move(listing));
}

// Targets of others, and of srpd with --no-discovery, say who they are when somebody is logged in.
directory::Listing Finder::by_login(const initiator::Url& url, std::optional<Error>& problem) {
  auto found =
      connect(common_, url.target ? url.text() : "srp://" + url.endpoint(), {.needs_lun = false});
  if (!found) {
    problem = found.error().error;
    return {};
  }
  srp::PortId id = url.target.value_or(srp::PortId{});
  const auto luns = initiator::report_luns(*found->client);
  if (luns && !luns->empty()) {
    const auto page = initiator::inquiry_page(*found->client, luns->front(), 0x83);
    if (page) id = initiator::parse_port_id(initiator::target_name_of(*page)).value_or(id);
  }
  return listing_of(id_ext_of(id), ioc_guid_of(id), found->client->session().options().address);
}

Findings Finder::everything() {
  Wait wait(loop_);
  dnssd::Browser browser(loop_, wait);
  Alarm alarm(loop_);
  loop_.start_timer(alarm, loop_.now() + milliseconds(options_.patience_s));
  browser.start();
  while (!wait.settled && !alarm.expired) loop_.run();
  Findings findings = of(browser.found());
  add_infiniband(findings);
  if (!wait.cause.empty())
    findings.problems.push_back(
        {"multicast DNS", wait.cause, "start avahi-daemon, or name the host: srp discover HOST"});
  return findings;
}

void Finder::add_infiniband(Findings& findings) {
  auto infiniband = dm::search_subnets(milliseconds(options_.patience_s));
  for (const dm::SubnetUnit& found : infiniband.units) findings.units.push_back(unit_of(found));
  std::move(infiniband.problems.begin(), infiniband.problems.end(),
            std::back_inserter(findings.problems));
}

Findings Finder::of(const std::vector<dnssd::Found>& services) {
  Findings findings;
  std::vector<Question> questions;
  std::set<std::string> asked;
  for (const dnssd::Found& service : services) {
    const std::uint16_t port = discovery_port_of(service.txt).value_or(service.port);
    const auto address = transport::Address::parse(host_and_port(service.address, port), port);
    if (!address || port == 0) continue;
    if (discovery_port_of(service.txt)) {
      if (asked.insert(address->text()).second)
        questions.push_back({address->text(), *address, nullptr, {}});
      continue;
    }
    const auto id_ext = hexadecimal(service.txt, "id_ext");
    const auto ioc_guid = hexadecimal(service.txt, "ioc_guid");
    if (id_ext && ioc_guid)
      add_unit(findings, address->text(), listing_of(*id_ext, *ioc_guid, *address));
  }
  ask(questions);
  for (Question& question : questions) {
    Query::Result& result = *question.result;
    if (result) {
      directory::set_scope(*result, question.address);
      add_unit(findings, question.where, std::move(*result));
    } else {
      findings.problems.push_back(result.error().error);
    }
  }
  return findings;
}

}  // namespace srpd::cli
