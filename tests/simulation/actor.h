// One initiator of the simulation: a session with random options that does random things to its
// share of the disks and checks every answer.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "initiator/session.h"
#include "model.h"
#include "runtime/simulated_loop.h"

namespace srpd::simulation {

/// A range of a disk that one actor has for itself.
struct Share {
  std::uint64_t lun = 0;
  std::uint64_t first = 0;
  DiskModel model;
};

/// Collects what the checks find.
class Findings {
 public:
  void add(std::string text) {
    if (texts_.size() < 20) texts_.push_back(std::move(text));
  }
  bool empty() const { return texts_.empty(); }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;
};

class Actor final : private initiator::Session::Observer {
 public:
  Actor(runtime::Simulation& simulation, transport::Transport& transport,
        const transport::Address& target, std::uint32_t number, std::uint64_t seed,
        std::uint32_t operations, std::vector<Share> shares, Findings& findings);

  void start();
  /// All operations were done and answered.
  bool finished() const { return started_ && remaining_ == 0 && under_way_ == 0 && tasks_ == 0; }
  bool over() const { return over_; }
  /// Reads everything back and compares; afterwards finished() again. Only without faults.
  void verify();
  void close() { session_.close(); }

  const initiator::Session& session() const { return session_; }
  /// For the log of a failing run.
  std::string status() const;

 private:
  enum class Kind : std::uint8_t { read, write, unmap, other };
  struct Operation : initiator::Request {
    Actor* actor = nullptr;
    Kind kind = Kind::other;
    bool busy = false;
    Share* share = nullptr;
    std::uint64_t block = 0;  ///< relative to the share
    std::uint64_t blocks = 0;
    Value value = 0;
    std::uint64_t began = 0;
    std::vector<std::byte> data;
    std::vector<std::byte> parameters;
  };
  struct Task : initiator::TaskRequest {
    Actor* actor = nullptr;
    bool busy = false;
  };

  void on_up() override {}
  void on_down(const std::string&) override {}
  void on_over(const Error* error) override;

  static initiator::SessionOptions random_options(Random& random, std::uint32_t number,
                                                  const transport::Address& target);
  void fill();
  Operation* idle_operation();
  void begin(Operation& operation);
  void begin_read(Operation& operation);
  void begin_write(Operation& operation);
  void begin_unmap(Operation& operation);
  void begin_other(Operation& operation);
  void submit(Operation& operation);
  void ended(Operation& operation);
  void read_ended(Operation& operation);
  void write_ended(Operation& operation);
  void maybe_manage();
  void complain(const Operation& operation, const std::string& what);

  runtime::SimulatedLoop loop_;
  std::uint32_t number_;
  Random random_;
  Findings& findings_;
  std::uint32_t remaining_;
  std::vector<Share> shares_;
  initiator::Session session_;
  std::deque<Operation> operations_;
  Task task_;
  bool started_ = false;
  bool over_ = false;
  bool verifying_ = false;
  bool filling_ = false;
  std::uint64_t verified_ = 0;  ///< pieces
  std::uint32_t under_way_ = 0;
  std::uint32_t tasks_ = 0;
};

}  // namespace srpd::simulation
