// --metrics: the numbers of the process for Prometheus, over HTTP on a local port or socket.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "observe/http_server.h"
#include "observe/metrics.h"
#include "rpc/unix_socket.h"
#include "srpd/options.h"

namespace srpd::app {

class Metrics {
 public:
  /// What `sources` has outlives it.
  Metrics(const Options& options, observe::Sources sources)
      : where_(options.metrics), sources_(std::move(sources)) {}
  /// After shut_down(), or before start().
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Takes the address, if there is one.
  Expected<void> open();
  /// Answers from now on. When the loops run, or are about to; after open().
  Expected<void> start();
  /// `done` on the home loop, when nothing more is asked of the loops.
  void shut_down(std::function<void()> done);

 private:
  bool is_path() const { return where_.find('/') != std::string::npos; }

  const std::string where_;
  const observe::Sources sources_;
  rpc::Descriptor listening_;
  bool open_ = false;
  std::string bound_;  ///< the TCP port, as text
  std::unique_ptr<observe::HttpServer> server_;
};

}  // namespace srpd::app
