// Integers as they stand on the wire, and the one cast from bytes to layouts.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace srpd::wire {

/// A big-endian unsigned integer of `Bytes` bytes (2, 3, 4, 6 or 8) with alignment 1; converts to
/// and from T. memcpy and bswap rather than a byte loop: g++ 12 does not turn the loop into bswap
/// at -O2.
template <std::unsigned_integral T, std::size_t Bytes = sizeof(T)>
class Be {
  static_assert(Bytes <= sizeof(T) && std::endian::native == std::endian::little);

 public:
  Be() = default;
  constexpr Be(T value) {
    *this = value;
  }  // NOLINT: implicit on purpose, it stands for the integer

  constexpr Be& operator=(T value) {
    if (std::is_constant_evaluated()) {
      for (std::size_t i = 0; i < Bytes; ++i)
        bytes_[i] =
            static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * (Bytes - 1 - i)));
    } else {
      const T swapped = swap(value);
      std::memcpy(bytes_, reinterpret_cast<const char*>(&swapped) + (sizeof(T) - Bytes), Bytes);
    }
    return *this;
  }

  constexpr operator T() const {  // NOLINT: implicit on purpose
    if (std::is_constant_evaluated()) {
      std::uint64_t value = 0;
      for (std::size_t i = 0; i < Bytes; ++i) value = value << 8 | bytes_[i];
      return static_cast<T>(value);
    }
    T raw = 0;
    std::memcpy(reinterpret_cast<char*>(&raw) + (sizeof(T) - Bytes), bytes_, Bytes);
    return swap(raw);
  }

  constexpr T value() const { return *this; }

 private:
  static T swap(T value) {
    if constexpr (sizeof(T) == 2)
      return __builtin_bswap16(value);
    else if constexpr (sizeof(T) == 4)
      return __builtin_bswap32(value);
    else
      return __builtin_bswap64(value);
  }

  std::uint8_t bytes_[Bytes];
};

using be16 = Be<std::uint16_t>;
using be24 = Be<std::uint32_t, 3>;
using be32 = Be<std::uint32_t>;
using be48 = Be<std::uint64_t, 6>;
using be64 = Be<std::uint64_t>;

static_assert(sizeof(be24) == 3 && alignof(be64) == 1 && std::is_trivially_copyable_v<be64>);

/// A wire layout: may be laid over any bytes.
template <class T>
concept Layout = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && alignof(T) == 1;

/// The layout at the start of `bytes`, or null when they are too few. The only cast from bytes to
/// structs.
template <Layout T>
const T* view(std::span<const std::byte> bytes) {
  return bytes.size() < sizeof(T) ? nullptr : reinterpret_cast<const T*>(bytes.data());
}
template <Layout T>
T* view_mut(std::span<std::byte> bytes) {
  return bytes.size() < sizeof(T) ? nullptr : reinterpret_cast<T*>(bytes.data());
}

template <Layout T>
std::span<const std::byte> bytes_of(const T& layout) {
  return std::as_bytes(std::span<const T, 1>(&layout, 1));
}

}  // namespace srpd::wire
