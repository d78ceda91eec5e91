// One channel of a session: login, credits, tag slots, and what is under way. Decides nothing about
// retries; its owner, the Session, does.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "initiator/options.h"
#include "initiator/request.h"
#include "transport/transport.h"

namespace srpd::initiator {

class Connection final : private transport::Channel::Handler,
                         private transport::Connector::Handler {
 public:
  class Owner {
   public:
    virtual void on_login(Connection& connection) = 0;
    /// The attempt is over; `rejection` when it was an SRP_LOGIN_REJ.
    virtual void on_login_failed(Connection& connection, const Error& error,
                                 std::optional<srp::LoginReject> rejection) = 0;
    /// The request left its slot; `error` and the results are set.
    virtual void on_finished(Connection& connection, Request& request) = 0;
    /// The answer to manage(); `code` is empty when none came before the connection ended.
    virtual void on_managed(Connection& connection, std::optional<srp::ResponseCode> code) = 0;
    /// A slot or credit became free.
    virtual void on_room(Connection& connection) = 0;
    /// The channel has ended. Nothing touches the memory of its requests any more; take_back()
    /// them.
    virtual void on_lost(Connection& connection, const std::string& why) = 0;

   protected:
    ~Owner() = default;
  };

  Connection(runtime::Loop& loop, const SessionOptions& options, SessionCounters& counters,
             Owner& owner, std::uint32_t index);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// `multi`: keep the other channels of the nexus, else end them.
  void open(transport::Transport& transport, bool multi);
  /// True: on_lost or on_login_failed follows. False: nothing does, it is over.
  bool disconnect(std::string_view why, bool graceful);
  /// SRP_I_LOGOUT, then disconnect().
  bool logout();

  bool up() const { return state_ == State::up; }
  bool idle() const { return in_flight_ == 0; }
  std::uint32_t index() const { return index_; }
  std::uint32_t in_flight() const { return in_flight_; }
  std::int64_t credits() const { return credits_; }
  std::string description() const;

  bool can_send() const { return up() && credits_ > 1 && free_slots_ != nullptr; }
  /// 0, or -EMSGSIZE when it does not fit (nothing was sent). Needs can_send().
  int send(Request& request);

  bool can_manage() const { return up() && credits_ > 0 && !managing_ && !task_send_.busy; }
  /// Needs can_manage(). `victim`: for ABORT TASK, must be under way here.
  void manage(srp::TaskFunction function, std::uint64_t lun, const Request* victim);
  bool carries(const Request& request) const { return find(request) != nullptr; }
  /// The answer to manage() is not waited for any longer.
  void give_up_managing() { managing_ = false; }
  /// After the last manage() succeeded: ends what it made the target forget, `victim` or, when
  /// null, every request of `lun` that was sent before it.
  void forget(const Request* victim, std::uint64_t lun, int error);

  /// Calls `visit(Request&)` for everything under way.
  template <class Visitor>
  void for_each(Visitor visit) {
    for (Slot& slot : slots_)
      if (slot.request != nullptr) visit(*slot.request);
  }
  /// After on_lost: empties the slots into `visit(Request&)`.
  template <class Visitor>
  void take_back(Visitor visit) {
    for (Slot& slot : slots_)
      if (slot.request != nullptr) {
        Request& request = *std::exchange(slot.request, nullptr);
        --in_flight_;
        visit(request);
      }
  }

 private:
  enum class State : std::uint8_t { idle, connecting, up, closing, ended };

  struct Slot {
    Request* request = nullptr;
    std::uint64_t tag = 0;
    bool sending = false;  ///< the IU buffer is still in use
    std::uint16_t key_count = 0;
    std::byte* iu = nullptr;
    std::uint32_t* keys = nullptr;                       ///< what was exposed
    wire::srp::MemoryDescriptor* descriptors = nullptr;  ///< room for both directions
    struct Work : transport::SendWork {
      using SendWork::SendWork;
      Connection* connection = nullptr;
      Slot* slot = nullptr;
    } work;
    Slot* next_free = nullptr;

    Slot();
  };
  /// SRP_TSK_MGMT, SRP_I_LOGOUT, SRP_CRED_RSP and SRP_AER_RSP.
  struct SmallSend : transport::SendWork {
    SmallSend();
    Connection* connection = nullptr;
    bool busy = false;
    std::array<std::byte, sizeof(wire::srp::TskMgmt)> bytes{};
  };

  void on_connected(std::unique_ptr<transport::Channel> channel,
                    std::span<const std::byte> private_data) override;
  void on_rejected(std::span<const std::byte> private_data) override;
  void on_failed(const Error& error) override;
  void on_iu(transport::Iu& iu) override;
  void on_closed(const transport::CloseReason& reason) override;

  std::uint32_t longest_command() const;
  void make_slots(std::uint32_t iu_size, std::uint32_t count);
  void on_small_sent();
  Slot* find(const Request& request) const;
  Slot* find_tag(std::uint64_t tag);
  void free_slot(Slot& slot);
  void finish(Slot& slot, int error);
  void withdraw(Slot& slot);

  srp::DataBufferSpec describe(Slot& slot, std::span<std::byte> data, transport::Access access,
                               bool out);
  void expose_segments(Slot& slot, std::span<std::byte> data, transport::Access access,
                       std::span<wire::srp::MemoryDescriptor> table);
  std::size_t segments_of(std::size_t bytes) const;
  bool immediate_fits(const Request& request) const;

  void on_sent(Slot& slot, int result);
  void on_response(std::span<const std::byte> iu);
  void on_task_response(const srp::Response& response);
  void on_credit_request(std::span<const std::byte> iu);
  void on_async_event(std::span<const std::byte> iu);
  void answer(std::span<const std::byte> bytes);
  void post_small(SmallSend& send, std::span<const std::byte> bytes);
  void protocol_error(const std::string& what);

  runtime::Loop& loop_;
  const SessionOptions& options_;
  SessionCounters& counters_;
  Owner& owner_;
  const std::uint32_t index_;
  State state_ = State::idle;
  std::unique_ptr<transport::Connector> connector_;
  std::unique_ptr<transport::Channel> channel_;

  std::int64_t credits_ = 0;
  bool immediate_ = false;
  std::uint32_t iu_size_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint32_t generation_ = 0;
  std::vector<Slot> slots_;
  Slot* free_slots_ = nullptr;
  std::unique_ptr<std::byte[]> iu_memory_;
  std::vector<std::uint32_t> key_memory_;
  std::vector<wire::srp::MemoryDescriptor> descriptor_memory_;

  bool managing_ = false;  ///< an answer is awaited
  std::uint64_t managing_tag_ = 0;
  SmallSend task_send_;
  SmallSend logout_send_;
  std::array<SmallSend, 8> answers_;
};

}  // namespace srpd::initiator
