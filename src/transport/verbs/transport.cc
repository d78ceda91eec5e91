#include "transport/verbs/transport.h"

#include <algorithm>

#include "transport/verbs/connector.h"
#include "transport/verbs/listener.h"
#include "transport/verbs/own_cm/listener.h"
#include "transport/verbs/shared.h"

namespace srpd::transport::verbs {
namespace {

class VerbsTransport final : public Transport {
 public:
  explicit VerbsTransport(const VerbsOptions& options)
      : shared_(std::make_shared<Shared>(options)) {}

  std::string_view name() const override { return "verbs"; }

  Expected<std::unique_ptr<Listener>> listen(runtime::Loop& loop, const Address& address,
                                             Listener::Handler& handler) override {
    if (address.own_cm)
      return std::make_unique<OwnListener>(shared_, loop, address, handler, *shared_->ports);
    return VerbsListener::open(shared_, loop, address, handler);
  }

  std::unique_ptr<Connector> connect(runtime::Loop& loop, const ConnectOptions& options,
                                     Connector::Handler& handler) override {
    return std::make_unique<VerbsConnector>(shared_, loop, options, handler);
  }

  void serve_on(runtime::Loop& loop) override {
    auto& homes = shared_->homes;
    if (std::find(homes.begin(), homes.end(), &loop) == homes.end()) homes.push_back(&loop);
  }

  std::vector<CompletionVectorCount> completion_vectors() override {
    std::vector<CompletionVectorCount> all;
    for (const auto& device : shared_->devices.all())
      for (CompletionVectorCount& each : device->completion_vectors())
        all.push_back(std::move(each));
    return all;
  }

  void lend_memory(runtime::PinnableMemory& memory) override { shared_->lent->add(memory); }
  void take_memory_back(runtime::PinnableMemory& memory) override {
    shared_->lent->remove(memory);
    shared_->devices.forget(memory);
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

std::unique_ptr<Transport> make_transport(const VerbsOptions& options) {
  return std::make_unique<VerbsTransport>(options);
}

}  // namespace srpd::transport::verbs
