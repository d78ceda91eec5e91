// Memory that an adapter knows, and what to say when it cannot.
#pragma once

#include <infiniband/verbs.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/error.h"

namespace srpd::transport::verbs {

/// A registered piece of memory.
class Registration {
 public:
  Registration() = default;
  explicit Registration(ibv_mr* mr) : mr_(mr) {}
  Registration(Registration&& other) noexcept : mr_(std::exchange(other.mr_, nullptr)) {}
  Registration& operator=(Registration&& other) noexcept {
    std::swap(mr_, other.mr_);
    return *this;
  }
  ~Registration() { reset(); }

  /// `access`: IBV_ACCESS_ bits. On failure empty; errno says why.
  static Registration make(ibv_pd& pd, std::span<std::byte> memory, int access) {
    return Registration(::ibv_reg_mr(&pd, memory.data(), memory.size(), access));
  }
  void reset() {
    if (mr_ != nullptr) ::ibv_dereg_mr(std::exchange(mr_, nullptr));
  }

  explicit operator bool() const { return mr_ != nullptr; }
  std::uint32_t lkey() const { return mr_->lkey; }
  std::uint32_t rkey() const { return mr_->rkey; }

 private:
  ibv_mr* mr_ = nullptr;
};

/// Cause and remedy of a registration that failed with `error_number`.
Error registration_error(std::string object, std::size_t bytes, int error_number);

/// Raises the limit of locked memory as far as it goes, and warns when it may not suffice.
void prepare_memory_lock();

}  // namespace srpd::transport::verbs
