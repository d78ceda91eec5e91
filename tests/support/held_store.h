// A backstore in memory whose operations wait until the test lets go of them.
#pragma once

#include <cerrno>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "store/backstore.h"

namespace srpd::test {

class HeldStore final : public store::Backstore {
 public:
  explicit HeldStore(std::size_t bytes = 1 << 20) : bytes_(bytes) {
    properties_.plugin = "test";
    properties_.product = "TEST";
  }

  bool hold = false;
  int result = 0;
  std::size_t held() const { return held_.size(); }
  std::vector<std::byte>& bytes() { return bytes_; }

  /// Everything that waits is carried out and completes.
  void let_go() {
    while (!held_.empty()) {
      store::Operation& operation = *held_.front();
      held_.pop_front();
      carry_out(operation);
    }
  }

  const store::Properties& properties() const override { return properties_; }
  std::uint64_t size() const override { return bytes_.size(); }
  std::string description() const override { return "held"; }
  void submit(runtime::Loop&, store::Operation& operation) override {
    if (hold)
      held_.push_back(&operation);
    else
      carry_out(operation);
  }

 private:
  void carry_out(store::Operation& operation) {
    std::uint64_t at = operation.offset;
    for (const iovec& piece : operation.buffers) {
      std::byte* const there = bytes_.data() + at;
      if (operation.kind == store::Operation::Kind::read)
        std::memcpy(piece.iov_base, there, piece.iov_len);
      else
        std::memcpy(there, piece.iov_base, piece.iov_len);
      at += piece.iov_len;
    }
    operation.complete(result);
  }

  store::Properties properties_;
  std::vector<std::byte> bytes_;
  std::deque<store::Operation*> held_;
};

}  // namespace srpd::test
