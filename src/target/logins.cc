#include "target/logins.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace srpd::target {
namespace {

// Refusals logged in one second: anybody can cause them.
constexpr std::uint32_t refusals_logged = 10;

// A session with fewer credits cannot work: ib_srp keeps one back for task management.
constexpr std::uint32_t least_credits = 4;

std::string port_id_text(const srp::PortId& id) { return "0x" + hex_digits(id); }

bool wants_single(const srp::LoginRequest& login) {
  return (login.flags & wire::srp::multi_channel_action_mask) == wire::srp::multi_channel_single;
}

}  // namespace

Logins::Logins(runtime::Loop& home, const TargetOptions& options, const Shards& shards,
               Ports& ports)
    : home_(home),
      options_(options),
      policy_{.max_iu = options.max_request_iu, .immediate_data = options.immediate_data},
      shards_(shards),
      ports_(ports) {}

Logins::~Logins() { CHECK(sessions_.empty()); }

// Deciding

void Logins::on_request(std::unique_ptr<transport::ConnectRequest> request) {
  const auto login = parse(*request);
  if (!login) return refuse(*request, {}, srp::LoginFault::malformed);
  Access access;
  const srp::LoginFault fault = check(*request, *login, access);
  if (fault != srp::LoginFault::ok) return refuse(*request, *login, fault);
  begin(std::move(request), *login, access);
}

std::optional<srp::LoginRequest> Logins::parse(const transport::ConnectRequest& request) const {
  return request.login_form() == transport::LoginForm::ib_cm
             ? srp::parse_login_ib(request.private_data())
             : srp::parse_login_rdma(request.private_data());
}

srp::LoginFault Logins::check(const transport::ConnectRequest& request,
                              const srp::LoginRequest& login, Access& access) const {
  if (shutting_down_) return srp::LoginFault::shutting_down;
  if (const auto fault = srp::check_login(login, policy_); fault != srp::LoginFault::ok)
    return fault;
  const auto fault =
      ports_.find_access(login.target, login.initiator, request.peer().host(), access);
  if (fault != srp::LoginFault::ok) return fault;
  return check_limits(key_of(request, login), wants_single(login));
}

srp::LoginFault Logins::check_limits(const Key& key, bool single) const {
  std::uint32_t live = 0;
  std::uint32_t channels = 0;
  for (const auto& [id, entry] : sessions_) {
    if (entry.ending) continue;
    ++live;
    channels += entry.nexus->key == key;
  }
  // What a single channel replaces does not count; what still ends counts only so far.
  if (single) live -= std::min(live, channels);
  if (live >= options_.max_sessions || sessions_.size() >= 2 * std::size_t{options_.max_sessions})
    return srp::LoginFault::no_session_left;
  if (!single && channels >= options_.max_channels_per_nexus)
    return options_.max_channels_per_nexus == 1 ? srp::LoginFault::multi_channel_disabled
                                                : srp::LoginFault::too_many_channels;
  const std::size_t per_loop = sessions_.size() / shards_.size() + 1;
  if (options_.credits_per_loop / per_loop < least_credits) return srp::LoginFault::no_memory;
  return srp::LoginFault::ok;
}

bool Logins::may_log_refusal() {
  if (home_.now() >= log_second_ + std::chrono::seconds(1)) {
    if (not_logged_ != 0) log::warning("{} more refused logins were not logged", not_logged_);
    log_second_ = home_.now();
    logged_ = 0;
    not_logged_ = 0;
  }
  if (logged_ < refusals_logged) {
    ++logged_;
    return true;
  }
  ++not_logged_;
  return false;
}

std::string Logins::remedy(srp::LoginFault fault, const transport::ConnectRequest& request,
                           const srp::LoginRequest& login) const {
  if (fault != srp::LoginFault::no_acl || options_.acl_remedy.empty())
    return std::string(srp::describe(fault).remedy);
  return fmt::format(fmt::runtime(options_.acl_remedy), fmt::arg("address", request.peer().host()),
                     fmt::arg("initiator", port_id_text(login.initiator)));
}

void Logins::refuse(transport::ConnectRequest& request, const srp::LoginRequest& login,
                    srp::LoginFault fault) {
  const srp::LoginFaultText& text = srp::describe(fault);
  Refusal refusal{.host = request.peer().host(),
                  .peer = request.peer().text(),
                  .initiator = port_id_text(login.initiator),
                  .port = port_id_text(login.target),
                  .cause = text.cause,
                  .remedy = remedy(fault, request, login),
                  .reason = static_cast<std::uint32_t>(text.reason),
                  .reason_name = srp::name(text.reason),
                  .last = home_.now()};
  if (may_log_refusal())
    log::warning("login of {} at {} to {} refused: {}; {} (reason {:#010x}, {})", refusal.initiator,
                 refusal.peer, refusal.port, refusal.cause, refusal.remedy, refusal.reason,
                 refusal.reason_name);
  refusals_.add(std::move(refusal));
  const auto iu = srp::build_login_rej({login.tag, text.reason});
  request.reject(wire::bytes_of(iu));
}

// Letting in

Logins::Key Logins::key_of(const transport::ConnectRequest& request,
                           const srp::LoginRequest& login) {
  return {login.initiator, login.target,
          request.address_is_identity() ? request.peer().host() : std::string()};
}

// With action single the nexus begins anew: what is left of the old one ends first, so that it
// cannot write to the host's memory after the answer.
void Logins::begin(std::unique_ptr<transport::ConnectRequest> request,
                   const srp::LoginRequest& login, const Access& access) {
  const Key key = key_of(*request, login);
  const std::string host = request->peer().host();
  Candidate candidate{.request = std::move(request), .login = login};
  const auto current = current_.find(key);
  if (!wants_single(login)) {
    const bool joins = current != current_.end() && current->second->port == access.port &&
                       current->second->acl == access.acl;
    candidate.nexus = joins ? current->second : &make_nexus(key, host, access);
    candidate.channels =
        joins ? wire::srp::multi_channel_maintained : wire::srp::multi_channel_none;
    ++candidate.nexus->members;
    return admit(std::move(candidate));
  }
  withdraw_waiting([&](const Nexus& nexus) { return nexus.key == key; },
                   srp::LoginFault::superseded);
  const auto others = end_others(key);
  candidate.nexus = &make_nexus(key, host, access);
  candidate.channels =
      others.empty() ? wire::srp::multi_channel_none : wire::srp::multi_channel_terminated;
  ++candidate.nexus->members;
  if (others.empty()) return admit(std::move(candidate));
  auto waiting = std::make_unique<Waiting>(*this, std::move(candidate));
  waiting->others = others;
  home_.start_timer(waiting->timer, home_.now() + options_.login_timeout);
  waiting_.emplace(waiting.get(), std::move(waiting));
}

Nexus& Logins::make_nexus(const Key& key, const std::string& host, const Access& access) {
  const auto& [initiator, target, address] = key;
  std::string name = access.acl != nullptr ? access.acl->key.text()
                     : address.empty()     ? port_id_text(initiator)
                                           : host;
  // Without an ACL, initiator ports of one host are still several.
  std::string reserved_as;
  if (access.acl == nullptr && !address.empty()) reserved_as = host + '/' + port_id_text(initiator);
  auto nexus = std::make_unique<Nexus>(key, std::move(name), host, access.port->scsi,
                                       std::move(reserved_as));
  Nexus& made = *nexus;
  nexuses_.emplace(&made, std::move(nexus));
  access.port->show(made, access.acl);
  current_[key] = &made;
  return made;
}

// The sessions that have to close before a new single channel may begin.
std::vector<const Session*> Logins::end_others(const Key& key) {
  std::vector<const Session*> others;
  for (auto& [id, entry] : sessions_) {
    if (entry.closed || entry.nexus->key != key) continue;
    entry.ending = true;
    entry.session->request_end(Session::End::multi_channel);
    others.push_back(entry.session.get());
  }
  return others;
}

void Logins::admit_waiting(Waiting& waiting) {
  home_.cancel_timer(waiting.timer);
  Candidate candidate = std::move(waiting.candidate);
  if (!waiting.others.empty())
    log::warning("{}: {} old channels have not closed; the login goes on",
                 candidate.request->peer().text(), waiting.others.size());
  waiting_.erase(&waiting);
  admit(std::move(candidate));
}

void Logins::withdraw_waiting(const std::function<bool(const Nexus&)>& chosen,
                              srp::LoginFault fault) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    Waiting& waiting = *at->second;
    if (!chosen(*waiting.candidate.nexus)) {
      ++at;
      continue;
    }
    home_.cancel_timer(waiting.timer);
    refuse(*waiting.candidate.request, waiting.candidate.login, fault);
    leave(*waiting.candidate.nexus);
    at = waiting_.erase(at);
  }
}

// The loop with the fewest channels of this nexus, then with the fewest of all.
std::size_t Logins::choose_shard(const Nexus& nexus) const {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> load(shards_.size());
  for (const auto& [id, entry] : sessions_) {
    if (entry.ending) continue;
    load[entry.shard].first += entry.nexus == &nexus;
    ++load[entry.shard].second;
  }
  return static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
}

void Logins::admit(Candidate candidate) {
  const srp::LoginRequest& login = candidate.login;
  const bool immediate = srp::grants_immediate(login, policy_);
  const std::size_t at = choose_shard(*candidate.nexus);
  const auto in_shard = static_cast<std::uint32_t>(
      std::count_if(sessions_.begin(), sessions_.end(),
                    [&](const auto& pair) { return pair.second.shard == at; }));
  const std::uint32_t share = std::max(options_.credits_per_loop / (in_shard + 1), least_credits);

  const PortLimits& limits = candidate.nexus->port->limits;
  SessionSetup setup;
  setup.id = ++last_session_;
  setup.peer = candidate.request->peer().text();
  setup.initiator = candidate.nexus->scsi.initiator_name();
  setup.initiator_id = port_id_text(login.initiator);
  setup.port = candidate.nexus->scsi.target().name;
  setup.transport = candidate.request->transport();
  setup.since = home_.now();
  setup.nexus = &candidate.nexus->scsi;
  setup.immediate_offset = immediate ? login.immediate_offset : 0;
  setup.login_flags = login.flags;
  setup.credits = std::min({options_.credits, share, limits.sq_size});
  setup.max_credits = std::max(std::min(options_.max_credits, limits.sq_size), setup.credits);
  setup.max_target_iu = limits.max_rsp_size;
  log::info("{} at {}: logged in to {} over {}, {} credits, IUs of {} bytes{}", setup.initiator,
            setup.peer, setup.port, candidate.request->transport(), setup.credits, login.max_iu,
            immediate ? ", immediate data" : "");

  srp::LoginResponse response;
  response.tag = login.tag;
  response.req_lim_delta = static_cast<std::int32_t>(setup.credits);
  response.max_initiator_iu = login.max_iu;
  response.max_target_iu = setup.max_target_iu;
  response.flags = static_cast<std::uint8_t>(candidate.channels | wire::srp::solnt_supported |
                                             (immediate ? wire::srp::immediate_supported : 0));
  // A receive buffer for every credit that may be given out, and for SRP_CRED_RSP and SRP_AER_RSP.
  transport::ChannelParameters parameters;
  parameters.max_receive_iu = login.max_iu;
  parameters.receive_count = setup.max_credits + 2;
  parameters.max_send_iu = setup.max_target_iu;

  const std::uint64_t id = setup.id;
  auto session = std::make_unique<Session>(*shards_[at], home_, static_cast<SessionOwner&>(*this),
                                           std::move(setup));
  Session& made = *session;
  sessions_.emplace(id,
                    Entry{.session = std::move(session), .nexus = candidate.nexus, .shard = at});
  const auto iu = srp::build_login_rsp(response);
  candidate.request->accept(wire::bytes_of(iu), parameters, shards_[at]->loop(), made);
}

// Leaving

void Logins::on_session_closed(Session& session) {
  const std::uint64_t id = session.setup().id;
  Entry& entry = sessions_.at(id);
  entry.ending = entry.closed = true;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    Waiting& waiting = *(at++)->second;
    if (std::erase(waiting.others, &session) != 0 && waiting.others.empty()) admit_waiting(waiting);
  }
  std::vector<std::function<void()>> done;
  for (auto at = closings_.begin(); at != closings_.end();) {
    Closing& closing = *at;
    if (closing.sessions.erase(id) == 0 || !closing.sessions.empty()) {
      ++at;
      continue;
    }
    done.push_back(std::move(closing.done));
    at = closings_.erase(at);
  }
  for (const auto& call : done)
    if (call) call();
}

void Logins::on_session_gone(Session& session) {
  const auto at = sessions_.find(session.setup().id);
  Nexus& nexus = *at->second.nexus;
  sessions_.erase(at);
  leave(nexus);
  if (shutting_down_ && sessions_.empty() && shut_down_done_)
    std::exchange(shut_down_done_, nullptr)();
}

void Logins::leave(Nexus& nexus) {
  if (--nexus.members != 0) return;
  const auto current = current_.find(nexus.key);
  if (current != current_.end() && current->second == &nexus) current_.erase(current);
  nexuses_.erase(&nexus);
}

void Logins::end(const std::set<std::uint64_t>& sessions, Session::End how,
                 std::function<void()> done) {
  if (sessions.empty()) {
    if (done) done();
    return;
  }
  for (const std::uint64_t id : sessions) {
    Entry& entry = sessions_.at(id);
    entry.ending = true;
    entry.session->request_end(how);
  }
  closings_.push_back({sessions, std::move(done)});
}

void Logins::close(const std::function<bool(const Nexus&)>& chosen, srp::LoginFault fault,
                   Session::End how, std::function<void()> done) {
  std::erase_if(current_, [&](const auto& entry) { return chosen(*entry.second); });
  withdraw_waiting(chosen, fault);
  std::set<std::uint64_t> sessions;
  for (const auto& [id, entry] : sessions_)
    if (!entry.closed && chosen(*entry.nexus)) sessions.insert(id);
  end(sessions, how, std::move(done));
}

bool Logins::close(std::uint64_t session, std::function<void()> done) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return false;
  std::set<std::uint64_t> sessions;
  if (!found->second.closed) sessions.insert(session);
  end(sessions, Session::End::administrator, std::move(done));
  return true;
}

void Logins::say_where(SessionInfo& session) const {
  const auto found = sessions_.find(session.id);
  if (found == sessions_.end()) return;
  const Nexus& nexus = *found->second.nexus;
  if (nexus.acl != nullptr) session.acl = nexus.acl->key.text();
  if (nexus.port != nullptr) session.port_handle = nexus.port->handle;
}

void Logins::shut_down(std::function<void()> done) {
  shutting_down_ = true;
  withdraw_waiting([](const Nexus&) { return true; }, srp::LoginFault::shutting_down);
  if (sessions_.empty()) return done();
  shut_down_done_ = std::move(done);
  for (auto& [id, entry] : sessions_) {
    entry.ending = true;
    entry.session->request_end(Session::End::shutdown);
  }
}

}  // namespace srpd::target
