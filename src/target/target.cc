#include "target/target.h"

#include "base/check.h"
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

}  // namespace

struct Target::Impl {
  Impl(std::vector<runtime::Loop*> given_loops, const TargetOptions& given_options)
      : options(given_options), home(*given_loops.at(0)), logins(home, options, shards) {
    for (runtime::Loop* loop : given_loops)
      shards.push_back(std::make_unique<Shard>(*loop, options, shards));
  }

  const TargetOptions options;
  runtime::Loop& home;
  Shards shards;
  Logins logins;
  std::vector<std::unique_ptr<transport::Listener>> listeners;
};

Target::Target(std::vector<runtime::Loop*> loops, const TargetOptions& options)
    : impl_(std::make_unique<Impl>(std::move(loops), options)) {}

Target::~Target() = default;

Expected<void> Target::add_port(PortDescription description) {
  return impl_->logins.add_port(std::move(description));
}

Expected<transport::Address> Target::listen(transport::Transport& transport,
                                            const transport::Address& address) {
  auto listener = transport.listen(impl_->home, address, impl_->logins);
  if (!listener) return tl::unexpected(listener.error());
  impl_->listeners.push_back(std::move(*listener));
  return impl_->listeners.back()->address();
}

void Target::shutdown(std::function<void()> done) {
  impl_->listeners.clear();
  impl_->logins.shut_down(std::move(done));
}

std::vector<Refusal> Target::refusals() const { return impl_->logins.refusals(); }

void Target::list_sessions(std::function<void(std::vector<SessionInfo>)> report) {
  SessionList::start(impl_->home, impl_->shards, std::move(report));
}

}  // namespace srpd::target
