#include "transport/iwarp/iu_pool.h"

#include <sys/mman.h>

#include <new>

#include "base/check.h"
#include "transport/iwarp/linked_list.h"

namespace srpd::transport::iwarp {
namespace {

constexpr std::size_t page = 4096;

}  // namespace

struct IuPool::Chunk : Linked<IuPool::Chunk> {
  SizeClass* owner = nullptr;
  std::byte* memory = nullptr;
  Slot* free = nullptr;    // linked by Iu::next
  std::size_t carved = 0;  // slots that were ever used: memory behind them is not touched
  std::size_t used = 0;
  bool was_empty = false;  // at the last trim
};

class IuPool::SizeClass {
 public:
  explicit SizeClass(std::size_t pages)
      : stride_(pages == 0 ? 512 : (pages + 1) * page),
        slot_offset_(pages == 0 ? 0 : page - 128),
        data_offset_(pages == 0 ? 64 : page - immediate_offset),
        slots_(pages == 0 ? 64 : 16) {
    static_assert(sizeof(Slot) <= 128 - immediate_offset && sizeof(Slot) <= 64);
    static_assert(small_capacity + 64 == 512);
  }
  ~SizeClass() {
    CHECK(full_.empty());
    while (!available_.empty()) destroy(*available_.front());
  }

  Iu* take() {
    if (available_.empty() && !grow()) return nullptr;
    Chunk& chunk = *available_.front();
    Slot* slot = chunk.free;
    if (slot != nullptr) {
      chunk.free = reinterpret_cast<Slot*>(slot->iu.next);
    } else {
      std::byte* const base = chunk.memory + chunk.carved++ * stride_;
      slot = new (base + slot_offset_) Slot;
      slot->chunk = &chunk;
      slot->iu.data = base + data_offset_;
    }
    slot->iu.length = 0;
    slot->iu.next = nullptr;
    chunk.was_empty = false;
    if (++chunk.used == slots_) {
      available_.remove(chunk);
      full_.push_back(chunk);
    }
    ++lent_;
    return &slot->iu;
  }

  static void release(Slot& slot) {
    Chunk& chunk = *slot.chunk;
    SizeClass& self = *chunk.owner;
    if (chunk.used-- == self.slots_) {
      self.full_.remove(chunk);
      self.available_.push_front(chunk);
    }
    slot.iu.next = reinterpret_cast<Iu*>(chunk.free);
    chunk.free = &slot;
    --self.lent_;
  }

  bool trim() {
    bool empty_left = false;
    for (Chunk* chunk = available_.front(); chunk != nullptr;) {
      Chunk* const next = LinkedList<Chunk>::next(*chunk);
      if (chunk->used == 0 && chunk->was_empty) {
        destroy(*chunk);
      } else {
        chunk->was_empty = chunk->used == 0;
        empty_left |= chunk->was_empty;
      }
      chunk = next;
    }
    return empty_left;
  }

  std::size_t lent() const { return lent_; }
  std::size_t reserved() const { return chunks_ * stride_ * slots_; }

 private:
  bool grow() {
    void* const memory = ::mmap(nullptr, stride_ * slots_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    auto* const chunk = new Chunk;
    chunk->owner = this;
    chunk->memory = static_cast<std::byte*>(memory);
    available_.push_back(*chunk);
    ++chunks_;
    return true;
  }

  void destroy(Chunk& chunk) {
    available_.remove(chunk);
    ::munmap(chunk.memory, stride_ * slots_);
    delete &chunk;
    --chunks_;
  }

  const std::size_t stride_;
  const std::size_t slot_offset_;
  const std::size_t data_offset_;
  const std::size_t slots_;
  LinkedList<Chunk> available_;
  LinkedList<Chunk> full_;
  std::size_t lent_ = 0;
  std::size_t chunks_ = 0;
};

IuPool::IuPool() = default;
IuPool::~IuPool() = default;

IuPool::SizeClass& IuPool::class_for(std::uint32_t size) {
  std::size_t pages = 0;
  if (size > small_capacity)
    pages = size <= immediate_offset ? 1 : (size - immediate_offset + page - 1) / page;
  if (pages >= classes_.size()) classes_.resize(pages + 1);
  auto& entry = classes_[pages];
  if (!entry) entry = std::make_unique<SizeClass>(pages);
  return *entry;
}

Iu* IuPool::take(std::uint32_t size) { return class_for(size).take(); }

void IuPool::release(Iu& iu) {
  // The Iu is the first member of its slot.
  SizeClass::release(reinterpret_cast<Slot&>(iu));
}

bool IuPool::trim() {
  bool empty_left = false;
  for (auto& entry : classes_) {
    if (entry) empty_left |= entry->trim();
  }
  return empty_left;
}

std::size_t IuPool::lent() const {
  std::size_t sum = 0;
  for (const auto& entry : classes_) sum += entry ? entry->lent() : 0;
  return sum;
}

std::size_t IuPool::reserved_bytes() const {
  std::size_t sum = 0;
  for (const auto& entry : classes_) sum += entry ? entry->reserved() : 0;
  return sum;
}

}  // namespace srpd::transport::iwarp
