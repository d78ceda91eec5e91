#include "target/target.h"

#include <algorithm>
#include <utility>

#include "target/administration.h"
#include "target/exports.h"
#include "target/io_list.h"
#include "target/logins.h"
#include "target/shard.h"

namespace srpd::target {
namespace {

// Asks every loop for its sessions and gathers the answers. Lives until it has reported.
class SessionList {
 public:
  static void start(runtime::Loop& home, const Shards& shards,
                    std::function<void(std::vector<SessionInfo>)> report) {
    auto* list = new SessionList(home, std::move(report));
    for (const auto& shard : shards) list->parts_.push_back(std::make_unique<Part>(*list, *shard));
    list->missing_ = list->parts_.size();
    for (const auto& part : list->parts_) part->shard.loop().post(part->there);
  }

 private:
  struct Part {
    Part(SessionList& list, Shard& visited) : owner(list), shard(visited) {}
    void visit() {
      for (const Session* session = shard.first_session(); session != nullptr;
           session = session->next_in_shard)
        infos.push_back(session->info());
      owner.home_.post(back);
    }
    void returned() { owner.returned(); }

    SessionList& owner;
    Shard& shard;
    std::vector<SessionInfo> infos;
    Bound<runtime::Mail, Part, &Part::visit> there{*this};
    Bound<runtime::Mail, Part, &Part::returned> back{*this};
  };

  SessionList(runtime::Loop& home, std::function<void(std::vector<SessionInfo>)> report)
      : home_(home), report_(std::move(report)) {}

  void returned() {
    if (--missing_ != 0) return;
    std::vector<SessionInfo> all;
    for (const auto& part : parts_)
      std::move(part->infos.begin(), part->infos.end(), std::back_inserter(all));
    const auto report = std::move(report_);
    delete this;
    report(std::move(all));
  }

  runtime::Loop& home_;
  std::function<void(std::vector<SessionInfo>)> report_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::size_t missing_ = 0;
};

// Says once for all changes of a loop iteration that ports have changed.
class PortNews {
 public:
  explicit PortNews(runtime::Loop& home) : home_(home) {}
  ~PortNews() { home_.cancel_deferred(tell_); }
  PortNews(const PortNews&) = delete;
  PortNews& operator=(const PortNews&) = delete;

  void watch(std::function<void()> changed) { changed_ = std::move(changed); }
  /// The answer, which is of an operation that changed a port if it went well.
  template <class Answer>
  Answer told(Answer answer) {
    if (answer && changed_ && !tell_.queued()) home_.defer(tell_);
    return answer;
  }

 private:
  void tell() {
    if (changed_) changed_();
  }

  runtime::Loop& home_;
  std::function<void()> changed_;
  Bound<runtime::Deferred, PortNews, &PortNews::tell> tell_{*this};
};

}  // namespace

struct Target::Impl {
  Impl(std::vector<runtime::Loop*> given_loops, const TargetOptions& given_options)
      : options(given_options),
        home(*given_loops.at(0)),
        port_news(home),
        ports(home, given_loops.size()),
        logins(home, options, shards, ports),
        administration(home, shards, ports, logins) {
    std::uint32_t index = 0;
    for (runtime::Loop* loop : given_loops)
      shards.push_back(std::make_unique<Shard>(*loop, options, shards, index++));
  }

  const TargetOptions options;
  runtime::Loop& home;
  PortNews port_news;
  Shards shards;
  Ports ports;
  Logins logins;
  Administration administration;
  std::vector<std::unique_ptr<transport::Listener>> listeners;
};

Target::Target(std::vector<runtime::Loop*> loops, const TargetOptions& options)
    : impl_(std::make_unique<Impl>(std::move(loops), options)) {}

Target::~Target() = default;

Expected<transport::Address> Target::listen(transport::Transport& transport,
                                            const transport::Address& address) {
  for (const auto& shard : impl_->shards) transport.serve_on(shard->loop());
  auto listener = transport.listen(impl_->home, address, impl_->logins);
  if (!listener) return tl::unexpected(listener.error());
  impl_->listeners.push_back(std::move(*listener));
  return impl_->listeners.back()->address();
}

void Target::stop_listening(const transport::Address& address) {
  std::erase_if(impl_->listeners,
                [&](const auto& listener) { return listener->address().text() == address.text(); });
}

void Target::shutdown(Done done) {
  impl_->listeners.clear();
  impl_->administration.shut_down(std::move(done));
}

// Ports

Expected<PortHandle> Target::add_port(const PortDescription& description) {
  return impl_->port_news.told(impl_->ports.add(description));
}
Expected<void> Target::remove_port(PortHandle port, Removed done) {
  return impl_->port_news.told(impl_->administration.remove_port(port, std::move(done)));
}
Expected<void> Target::enable_port(PortHandle port) {
  return impl_->port_news.told(impl_->administration.enable_port(port));
}
Expected<void> Target::disable_port(PortHandle port, Done done) {
  return impl_->port_news.told(impl_->administration.disable_port(port, std::move(done)));
}
Expected<void> Target::set_port_open(PortHandle port, bool open, Done done) {
  return impl_->administration.set_port_open(port, open, std::move(done));
}
Expected<void> Target::set_any_identifier(PortHandle port, bool any) {
  return impl_->administration.set_any_identifier(port, any);
}
Expected<void> Target::set_relative_port(PortHandle port, std::uint16_t relative_target_port) {
  return impl_->port_news.told(impl_->administration.set_relative_port(port, relative_target_port));
}
Expected<void> Target::set_port_limits(PortHandle port, const PortLimits& limits) {
  return impl_->port_news.told(impl_->administration.set_port_limits(port, limits));
}
Expected<void> Target::close_sessions(PortHandle port, Done done) {
  return impl_->administration.close_sessions(port, std::move(done));
}

std::vector<PortInfo> Target::list_ports() const { return impl_->ports.list(); }
void Target::watch_ports(std::function<void()> changed) {
  impl_->port_news.watch(std::move(changed));
}

// LUNs

Expected<void> Target::add_lun(PortHandle port, const Lun& lun) {
  return impl_->administration.add_lun(port, lun);
}
Expected<void> Target::remove_lun(PortHandle port, std::uint32_t number, Removed done) {
  return impl_->administration.remove_lun(port, number, std::move(done));
}

Expected<void> Target::set_lun_access(PortHandle port, std::uint32_t number,
                                      const scsi::PortAccess& access) {
  return impl_->administration.set_lun_access(port, number, access);
}

// ACLs

Expected<void> Target::add_acl(PortHandle port, AclKey key) {
  return impl_->administration.add_acl(port, std::move(key));
}
Expected<void> Target::remove_acl(PortHandle port, std::string_view acl, Done done) {
  return impl_->administration.remove_acl(port, acl, std::move(done));
}
Expected<void> Target::map_lun(PortHandle port, std::string_view acl, const MappedLun& lun) {
  return impl_->administration.map_lun(port, acl, lun);
}
Expected<void> Target::unmap_lun(PortHandle port, std::string_view acl, std::uint32_t number,
                                 Removed done) {
  return impl_->administration.unmap_lun(port, acl, number, std::move(done));
}
Expected<void> Target::set_write_protect(PortHandle port, std::string_view acl,
                                         std::uint32_t number, bool on) {
  return impl_->administration.set_write_protect(port, acl, number, on);
}

// What goes on

Expected<scsi::IoCount> Target::lun_count(PortHandle handle, std::uint32_t number) const {
  const auto port = impl_->ports.find(handle);
  if (!port) return tl::unexpected(port.error());
  return (*port)->lun_count(number);
}

Expected<scsi::IoCount> Target::mapped_lun_count(PortHandle handle, std::string_view acl,
                                                 std::uint32_t number) const {
  const auto port = impl_->ports.find(handle);
  if (!port) return tl::unexpected(port.error());
  return (*port)->mapped_lun_count(acl, number);
}

std::vector<Refusal> Target::refusals() const { return impl_->logins.refusals().list(); }
std::map<std::string, std::uint64_t> Target::refusal_counts() const {
  return impl_->logins.refusals().counts();
}

// Its loop knows a session's counters, the home loop its ACL.
void Target::list_sessions(std::function<void(std::vector<SessionInfo>)> report) {
  SessionList::start(
      impl_->home, impl_->shards,
      [&logins = impl_->logins, report = std::move(report)](std::vector<SessionInfo> all) {
        for (SessionInfo& info : all) logins.say_where(info);
        std::sort(all.begin(), all.end(),
                  [](const SessionInfo& a, const SessionInfo& b) { return a.id < b.id; });
        report(std::move(all));
      });
}

void Target::list_io(std::function<void(std::vector<IoRow>)> report) {
  IoList::start(impl_->home, impl_->ports, std::move(report));
}

Expected<void> Target::close_session(std::uint64_t id, Done done) {
  if (impl_->logins.close(id, std::move(done))) return {};
  return failure("session " + std::to_string(id), "there is no such session", "list the sessions");
}

}  // namespace srpd::target
