// A backstore in memory whose ways the test decides: mapped or not, completing inline or later or
// when told, with errors at chosen places. An operation out of range ends the test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/loop.h"
#include "store/backstore.h"

namespace srpd::test {

struct MemoryStoreOptions {
  std::uint64_t bytes = std::uint64_t{1} << 20;
  store::Properties properties = {.plugin = "rd_mcp", .product = "RAMDISK-MCP"};
  bool mapped = false;
  enum class When { inline_, deferred, held } when = When::inline_;
};

class MemoryStore final : public store::Backstore {
 public:
  explicit MemoryStore(const MemoryStoreOptions& options);
  ~MemoryStore() override;

  const store::Properties& properties() const override { return options_.properties; }
  std::uint64_t size() const override { return bytes_.size(); }
  std::string description() const override { return "memory of a test"; }
  void submit(runtime::Loop& loop, store::Operation& operation) override;
  std::byte* map(std::uint64_t offset, std::uint64_t length) override;
  void set_observer(store::Observer* observer) override { observer_ = observer; }

  /// The content.
  std::vector<std::byte>& bytes() { return bytes_; }
  using Backstore::resize;
  /// A file that grew.
  void resize(std::uint64_t bytes);
  void set_when(MemoryStoreOptions::When when) { options_.when = when; }

  /// Operations of `kind` that touch byte `at` (flush: all) fail with -`error` from now on.
  void fail(store::Operation::Kind kind, int error, std::uint64_t at = 0);
  /// Runs in place of an operation's completion when held: how many there are, and complete them.
  std::size_t held() const { return waiting_.size(); }
  void release_held();

  /// Operations so far, by kind, and how many of the writes had FUA.
  std::size_t count(store::Operation::Kind kind) const;
  std::size_t fua_writes() const { return fua_writes_; }
  /// True when the last operation was allowed to unmap.
  bool last_may_unmap() const { return last_may_unmap_; }

 private:
  struct Deferral : runtime::Deferred {
    explicit Deferral(MemoryStore& owner) : Deferred(run_it), store(owner) {}
    static void run_it(runtime::Deferred& self);
    MemoryStore& store;
  };
  struct Fault {
    store::Operation::Kind kind;
    int error;
    std::uint64_t at;
  };
  int perform(store::Operation& operation);
  int fault_of(store::Operation& operation) const;

  MemoryStoreOptions options_;
  std::vector<std::byte> bytes_;
  std::vector<store::Operation*> waiting_;
  std::vector<Fault> faults_;
  std::size_t counts_[5]{};
  std::size_t fua_writes_ = 0;
  bool last_may_unmap_ = false;
  store::Observer* observer_ = nullptr;
  Deferral deferral_{*this};
};

}  // namespace srpd::test
