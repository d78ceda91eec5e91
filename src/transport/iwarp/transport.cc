#include "transport/iwarp/transport.h"

#include "transport/iwarp/connector.h"
#include "transport/iwarp/listener.h"
#include "transport/iwarp/shared.h"

namespace srpd::transport::iwarp {
namespace {

class IwarpTransport final : public Transport {
 public:
  explicit IwarpTransport(const IwarpOptions& options)
      : shared_(std::make_shared<Shared>(options)) {}

  std::string_view name() const override { return "iwarp"; }

  Expected<std::unique_ptr<Listener>> listen(runtime::Loop& loop, const Address& address,
                                             Listener::Handler& handler) override {
    return IwarpListener::open(shared_, loop, address, handler);
  }

  std::unique_ptr<Connector> connect(runtime::Loop& loop, const ConnectOptions& options,
                                     Connector::Handler& handler) override {
    return std::make_unique<IwarpConnector>(shared_, loop, options, handler);
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

}  // namespace

std::unique_ptr<Transport> make_transport(const IwarpOptions& options) {
  return std::make_unique<IwarpTransport>(options);
}

}  // namespace srpd::transport::iwarp
