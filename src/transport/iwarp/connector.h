// An outgoing connection: TCP, then the MPA exchange, with the fall back to MPA revision 1 that
// real drivers do when the peer resets the connection on revision 2.
#pragma once

#include <memory>
#include <vector>

#include "runtime/loop.h"
#include "transport/iwarp/negotiation.h"
#include "transport/iwarp/shared.h"
#include "transport/iwarp/socket.h"
#include "transport/transport.h"

namespace srpd::transport::iwarp {

class IwarpConnector final : public Connector, private runtime::Watch {
 public:
  IwarpConnector(std::shared_ptr<Shared> shared, runtime::Loop& loop, const ConnectOptions& options,
                 Handler& handler);
  ~IwarpConnector() override;

 private:
  enum class Phase : std::uint8_t { starting, connecting, replying, finished };
  struct Alarm : runtime::Timer {
    explicit Alarm(IwarpConnector& owner)
        : Timer([](Timer& self) { static_cast<Alarm&>(self).connector.on_alarm(); }),
          connector(owner) {}
    IwarpConnector& connector;
  };

  void on_ready(std::uint32_t events) override;
  void on_alarm();
  void begin();
  void connected();
  void receive_reply();
  void reply_complete();
  void lost(int error_number);
  void disengage();
  void fail(std::string cause, std::string remedy = {});

  const std::shared_ptr<Shared> shared_;
  runtime::Loop& loop_;
  Handler& handler_;
  const Address peer_;
  const std::optional<Address> source_;
  const std::vector<std::byte> private_data_;
  const ChannelParameters parameters_;
  const Wishes wishes_;
  runtime::Time deadline_;
  Socket socket_;
  Phase phase_ = Phase::starting;
  std::uint8_t revision_;
  MpaSetup request_;
  FrameBuffer reply_;
  std::size_t have_ = 0;
  Alarm alarm_{*this};
};

}  // namespace srpd::transport::iwarp
