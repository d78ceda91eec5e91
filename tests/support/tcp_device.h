// Two of our own ends on TCP: a target on threads of its own that serves one unit of a real store,
// and the initiator's client in the thread of the test, with software iWARP between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "initiator/client.h"
#include "runtime/thread.h"
#include "scsi/lu.h"
#include "store/registry.h"
#include "support/scsi_device.h"
#include "target/target.h"
#include "transport/iwarp/options.h"

namespace srpd::test {

struct TcpOptions {
  /// Of the unit; a fileio without a path gets a new file, which goes with the device.
  store::Specification store;
  /// How hosts connect and describe their data; address and initiator port are filled in.
  initiator::SessionOptions session;
  transport::iwarp::IwarpOptions iwarp;  ///< both ends
  runtime::LoopOptions loop;             ///< both ends
  std::size_t target_loops = 1;
};

/// A file name of nobody else, and the end of what is made under it.
class TemporaryFile {
 public:
  TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The target: one port, open to everybody, with the unit as LUN 0.
class TcpTarget {
 public:
  explicit TcpTarget(const TcpOptions& options);
  TcpTarget(const TcpTarget&) = delete;
  TcpTarget& operator=(const TcpTarget&) = delete;
  /// Every session is over. Fails the test when a buffer or a frame was lost.
  ~TcpTarget();

  const transport::Address& address() const { return address_; }
  const scsi::Lu& lu() const { return *lu_; }

 private:
  void open_unit(store::Specification specification);
  void serve();

  std::unique_ptr<TemporaryFile> file_;
  std::vector<std::unique_ptr<runtime::LoopThread>> threads_;
  std::unique_ptr<transport::Transport> transport_;
  std::shared_ptr<scsi::Lu> lu_;
  std::unique_ptr<target::Target> target_;
  transport::Address address_;
};

class TcpDevice final : public ScsiDevice {
 public:
  explicit TcpDevice(const TcpOptions& options);
  ~TcpDevice() override;

  std::uint32_t block_size() const override { return options_.store.block_size; }
  std::uint64_t block_count() const override { return options_.store.size / block_size(); }
  const store::Properties& properties() const override;
  /// From the first host, whose power-on unit attention is gone.
  ScsiReply execute(const ScsiRequest& request) override;
  /// All of them at once, as many under way as there are credits.
  std::vector<ScsiReply> execute_all(const std::vector<ScsiRequest>& requests);
  std::unique_ptr<ScsiDevice> another_host() override;

 private:
  class Host;

  TcpOptions options_;
  TcpTarget target_;
  std::unique_ptr<runtime::Loop> loop_;
  std::unique_ptr<transport::Transport> transport_;
  std::size_t hosts_ = 0;
  std::unique_ptr<Host> first_;
};

}  // namespace srpd::test
