// Announces services through the machine's mDNS responder, and again whenever that starts anew.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dnssd/responder.h"
#include "dnssd/service.h"

namespace srpd::dnssd {

class Publisher final : private ResponderWatch::Observer {
 public:
  /// `loop` outlives it. What it announces vanishes with it.
  Publisher(runtime::Loop& loop, std::vector<Announcement> services);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void start() { watch_.start(); }

 private:
  void on_connected() override;
  void on_responder(Responder responder, const std::string& why) override;

  void on_server_state(std::int32_t state);
  void on_group_state(std::int32_t state, const char* error);
  void make_group();
  void add_services();
  Message add_service(const Announcement& service);
  void commit();
  void rename();
  void give_up(const std::string& why);
  void announced();

  void register_services();
  void register_service(std::size_t index, bool again);
  void unregister_services(bool wait);

  std::string name_of(const Announcement& service) const;
  Method group_method(const char* member) const;

  const std::vector<Announcement> services_;
  ResponderWatch watch_;
  std::string group_;  ///< path of Avahi's object; empty: none
  bool group_asked_ = false;
  unsigned generation_ = 0;  ///< answers to earlier ones are void
  unsigned renamed_ = 0;     ///< how often, because the names were taken
  std::size_t registered_ = 0;
  bool told_absent_ = false;
};

}  // namespace srpd::dnssd
