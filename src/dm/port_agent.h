// The Device Management agent of one InfiniBand port: keeps itself registered, says what the
// administrator must know, answers what hosts ask. No thread of its own; agents.h has it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "discovery/io_unit.h"
#include "dm/fabric.h"

namespace srpd::dm {

/// What hosts are told of.
struct Offer {
  std::vector<discovery::ServedPort> ports;
  std::uint32_t send_size = discovery::Controller{}.send_size;  ///< the longest IU that is taken
};

class PortAgent {
 public:
  /// `fabric` outlives it.
  PortAgent(Fabric& fabric, Port port);

  /// The port as it is now and what it is to offer. Called again and again; registers if that did
  /// not work before.
  void refresh(const Port& port, const Offer& offer);
  /// Readable when answer() has something to do; -1: not registered.
  int fd() const { return link_ ? link_->fd() : -1; }
  /// Answers what is there.
  void answer();

  const Port& port() const { return port_; }
  const discovery::IoUnit& unit() const { return unit_; }

 private:
  bool register_agent();
  bool update_unit(const Offer& offer);
  void tell(const std::string& complaint);
  void tell_capability();
  void announce();

  Fabric& fabric_;
  Port port_;
  discovery::Hardware hardware_;
  discovery::IoUnit unit_;
  std::unique_ptr<Link> link_;
  std::string failure_;  // of the last attempt to register
  std::string told_;     // the last complaint, said once
  enum class Capability : unsigned char { unknown, set, missing };
  Capability capability_ = Capability::unknown;
};

}  // namespace srpd::dm
