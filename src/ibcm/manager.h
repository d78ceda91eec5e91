// The responder's side of the InfiniBand communication manager at one port (volume 1, 12.9): who
// asks for a connection, and what becomes of it. Every state ends in bounded time, whatever the
// peer does or does not send. Does no I/O and has no clock: MADs and the time come from outside.
//
//   deciding     a REQ came; the owner has not answered. MRAs keep the requester waiting.
//   replied      the REP is sent, and again until RTU, data or an end comes.
//   established  RTU or data came.
//   leaving      our DREQ is sent, and again until DREP.
//   time_wait    over. What the peer repeats of it is answered and not taken as new.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "ibcm/messages.h"

namespace srpd::ibcm {

/// Where a MAD came from, and where answers go: what the port makes of it. Copied only.
using ReturnAddress = std::array<std::byte, 64>;

/// A connection; our communication ID.
using Handle = std::uint32_t;

/// Why a connection is over.
enum class End : std::uint8_t {
  disconnected,  ///< by the peer
  rejected,      ///< by the peer, after our REP
  unreachable,   ///< the peer did not answer our REP
  stale,         ///< the peer uses the queue pair for something new
  lost,          ///< the port has gone
};

class Manager {
 public:
  /// What it does to the world. May call back into the manager, but not from send().
  class Port {
   public:
    virtual void send(const Mad& mad, const ReturnAddress& to) = 0;
    /// To be answered by accept() or reject(), unless on_end() comes before.
    virtual void on_request(Handle handle, const Request& request) = 0;
    virtual void on_established(Handle handle) = 0;
    /// Nothing else follows, and the handle means nothing any more.
    virtual void on_end(Handle handle, End end) = 0;

   protected:
    ~Port() = default;
  };
  struct Options {
    std::uint64_t ca_guid = 0;
    std::uint32_t first_id = 1;             ///< communication IDs count up from here
    std::size_t most_connections = 16'384;  ///< with those in time_wait
  };

  Manager(Port& port, const Options& options) : port_(port), options_(options) {
    next_id_ = options.first_id;
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  void listen(std::uint64_t service) { services_.insert(service); }
  void unlisten(std::uint64_t service) { services_.erase(service); }

  void receive(const Mad& mad, const ReturnAddress& from, Time now);
  /// The queue pair of `answer` is ready to receive.
  void accept(Handle handle, const Answer& answer, Time now);
  void reject(Handle handle, Reason reason, std::span<const std::byte> private_data);
  /// Data came over the connection; the RTU may have been lost.
  void data_arrived(Handle handle);
  /// No on_end() follows.
  void disconnect(Handle handle, Time now);
  /// The port has gone: everything ends.
  void lose();

  /// When expire() has something to do.
  std::optional<Time> deadline() const;
  void expire(Time now);

  std::size_t connections() const { return connections_.size(); }

 private:
  enum class State : std::uint8_t { deciding, replied, established, leaving, time_wait };
  using Peer = std::pair<std::uint64_t, std::uint32_t>;  // CA GUID with a number of it

  struct Connection {
    State state = State::deciding;
    ReturnAddress address{};
    std::uint64_t transaction = 0;
    Peer remote;             // with its communication ID
    Peer remote_queue_pair;  // with its number
    Mad last{};              // sent, to be repeated: REP or DREQ
    Time interval{};         // of repeating
    Time answer_time{};      // what the requester waits for an answer
    Time time_wait{};        // how long packets may be under way
    Time due{};              // when the state's timer ends
    unsigned tries_left = 0;
    unsigned extensions_left = 0;  // MRAs of the peer that are borne
    std::uint8_t max_retries = 0;
    bool timed = false;
  };
  using Connections = std::map<Handle, Connection>;
  using Entry = Connections::iterator;

  void on(const Request& request, const Mad& mad, const ReturnAddress& from, Time now);
  void on(const Rejected& message, const Mad& mad, const ReturnAddress& from, Time now);
  void on(const Acknowledged& message, const Mad& mad, const ReturnAddress& from, Time now);
  void on(const Ready& message, const Mad& mad, const ReturnAddress& from, Time now);
  void on(const Disconnecting& message, const Mad& mad, const ReturnAddress& from, Time now);
  void on(const Disconnected& message, const Mad& mad, const ReturnAddress& from, Time now);

  std::optional<Reason> objection(const Request& request) const;
  void admit(const Request& request, const Mad& mad, const ReturnAddress& from, Time now);
  void repeat_for(Entry entry, const Mad& mad, const ReturnAddress& from);
  Entry find(std::uint32_t ours, std::uint32_t theirs);
  Handle next_handle();
  void start_timer(Entry entry, Time due);
  void stop_timer(Entry entry);
  void ask_for_time(Entry entry, Time now);
  void send_again(Entry entry, Time now);
  void establish(Entry entry);
  void leave(Entry entry, Time now);
  void wait_out(Entry entry, Time now);
  void forget(Entry entry);
  void forget_queue_pair(Entry entry);
  void give_up(Entry entry, About about, Time now);
  void end(Entry entry, End why, Time now);

  Port& port_;
  const Options options_;
  std::set<std::uint64_t> services_;
  Connections connections_;
  std::map<Peer, Handle> by_remote_;
  std::map<Peer, Handle> by_queue_pair_;
  std::set<std::pair<Time, Handle>> timers_;
  std::uint32_t next_id_;
  std::uint32_t next_transaction_ = 1;
};

}  // namespace srpd::ibcm
