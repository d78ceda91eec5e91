// The CRC is isa-l's, which chooses by the processor (PCLMULQDQ, AVX-512) and computes by table
// where there is nothing better.
#include "store/protection.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "wire/protection_information.h"

namespace srpd::store {
namespace {

using wire::ProtectionInformation;

std::uint32_t reference_tag(const Protection& protection, std::uint64_t lba) {
  return protection.type == ProtectionType::type_1 ? static_cast<std::uint32_t>(lba) : 0;
}

ProtectionInformation unmasked(std::span<const std::byte, tuple_bytes> stored, std::uint64_t mask) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, stored.data(), sizeof bits);
  return std::bit_cast<ProtectionInformation>(bits ^ mask);
}

// SBC-3 4.22.2.2 and 4.22.2.4: what tells the device server not to check.
bool is_unchecked(const Protection& protection, const ProtectionInformation& tuple) {
  if (tuple.application_tag != wire::unchecked_application_tag) return false;
  return protection.type == ProtectionType::type_1 ||
         tuple.reference_tag == wire::unchecked_reference_tag;
}

int check_tuple(const Protection& protection, std::uint64_t lba, std::uint16_t guard,
                const ProtectionInformation& tuple) {
  if (is_unchecked(protection, tuple)) return 0;
  if (tuple.guard != guard) return guard_check_failed;
  if (protection.check_application_tag && tuple.application_tag != 0)
    return application_tag_check_failed;
  if (protection.type == ProtectionType::type_1 &&
      tuple.reference_tag != static_cast<std::uint32_t>(lba))
    return reference_tag_check_failed;
  return 0;
}

}  // namespace

std::uint16_t crc16_t10dif(std::uint16_t crc, std::span<const std::byte> data) {
  return ::crc16_t10dif(crc, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

std::uint16_t Guards::next() {
  std::uint16_t crc = 0;
  for (std::size_t left = block_size_; left != 0;) {
    CHECK(!cursor_.at_end());
    const iovec piece = cursor_.next().front();
    const std::size_t size = std::min(left, piece.iov_len);
    crc = crc16_t10dif(crc, {static_cast<const std::byte*>(piece.iov_base), size});
    cursor_.advance(size);
    left -= size;
  }
  return crc;
}

void make_tuples(const Protection& protection, std::uint64_t lba, Guards& data,
                 std::span<std::byte> tuples, std::uint64_t mask) {
  for (; tuples.size() >= tuple_bytes; tuples = tuples.subspan(tuple_bytes), ++lba) {
    const ProtectionInformation tuple{.guard = data.next(),
                                      .application_tag = std::uint16_t{0},
                                      .reference_tag = reference_tag(protection, lba)};
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(tuple) ^ mask;
    std::memcpy(tuples.data(), &bits, sizeof bits);
  }
}

std::optional<Mismatch> check_tuples(const Protection& protection, std::uint64_t lba, Guards& data,
                                     std::span<const std::byte> tuples, std::uint64_t mask) {
  for (; tuples.size() >= tuple_bytes; tuples = tuples.subspan(tuple_bytes), ++lba) {
    const auto tuple = unmasked(tuples.first<tuple_bytes>(), mask);
    const int result = check_tuple(protection, lba, data.next(), tuple);
    if (result != 0) return Mismatch{lba, result};
  }
  return std::nullopt;
}

}  // namespace srpd::store
