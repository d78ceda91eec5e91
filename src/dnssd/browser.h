// Finds services through the machine's mDNS responder.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "dnssd/responder.h"
#include "dnssd/service.h"

namespace srpd::dnssd {

class Browser final : private ResponderWatch::Observer {
 public:
  class Observer {
   public:
    /// found() has changed.
    virtual void on_services() = 0;
    /// Of each responder in turn: it has told what it knew and what answered first; more may
    /// follow. `why` is not empty where nothing can be found.
    virtual void on_settled(const std::string& why) = 0;

   protected:
    ~Observer() = default;
  };

  /// `loop` and `observer` outlive it.
  Browser(runtime::Loop& loop, Observer& observer);

  void start() { watch_.start(); }
  /// systemd-resolved does not tell what comes and goes: asks it again. Nothing with Avahi.
  void refresh();
  std::vector<Found> found() const;

 private:
  /// A service of Avahi on one interface with one protocol.
  struct Item {
    std::int32_t interface = 0, protocol = 0;
    std::string name, type, domain;

    friend auto operator<=>(const Item&, const Item&) = default;
  };

  void on_connected() override;
  void on_responder(Responder responder, const std::string& why) override;

  void browse_avahi();
  void on_item(sd_bus_message* signal, bool appeared);
  void resolve(const Item& item);
  void on_resolved(const Item& item, sd_bus_message* reply);
  void on_all_for_now();

  void ask_resolved();
  void on_pointers(sd_bus_message* reply);
  void resolve_by_name(const std::string& instance);
  void on_service(const std::string& instance, sd_bus_message* reply);

  void add(const Item& item, std::vector<Found> services);
  void one_less();
  void settle(const std::string& why);

  Observer& observer_;
  ResponderWatch watch_;
  unsigned generation_ = 0;
  std::size_t resolving_ = 0;
  bool all_for_now_ = false;
  bool settled_ = false;
  std::map<Item, std::vector<Found>> items_;
};

}  // namespace srpd::dnssd
