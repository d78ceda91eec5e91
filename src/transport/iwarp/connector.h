// An outgoing connection: TCP, then the MPA exchange, with the fall back to MPA revision 1 that
// real drivers do when the peer resets the connection on revision 2.
#pragma once

#include <memory>

#include "runtime/loop.h"
#include "transport/connector_base.h"
#include "transport/iwarp/negotiation.h"
#include "transport/iwarp/shared.h"
#include "transport/iwarp/socket.h"

namespace srpd::transport::iwarp {

class IwarpConnector final : public ConnectorBase<IwarpConnector>, private runtime::Watch {
 public:
  IwarpConnector(std::shared_ptr<Shared> shared, runtime::Loop& loop, const ConnectOptions& options,
                 Handler& handler);
  ~IwarpConnector() override;

 private:
  friend class ConnectorBase<IwarpConnector>;
  enum class Phase : std::uint8_t { starting, connecting, replying, finished };
  void on_ready(std::uint32_t events) override;
  void begin();
  void timed_out();
  void connected();
  void receive_reply();
  void reply_complete();
  void lost(int error_number);
  void disengage();
  void fail(std::string cause, std::string remedy = {});

  const std::shared_ptr<Shared> shared_;
  const Wishes wishes_;
  Socket socket_;
  Phase phase_ = Phase::starting;
  std::uint8_t revision_;
  MpaSetup request_;
  FrameBuffer reply_;
  std::size_t have_ = 0;
};

}  // namespace srpd::transport::iwarp
