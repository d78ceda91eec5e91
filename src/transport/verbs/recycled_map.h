// A map whose elements come and go: once it was as large as it gets, nothing is allocated.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

namespace srpd::transport::verbs {

template <class Key, class Value>
class RecycledMap {
 public:
  std::size_t size() const { return map_.size(); }

  /// Replaces what has this key.
  void insert(const Key& key, Value value) {
    if (spare_.empty()) {
      map_.insert_or_assign(key, std::move(value));
      return;
    }
    erase(key);
    auto node = std::move(spare_.back());
    spare_.pop_back();
    node.key() = key;
    node.mapped() = std::move(value);
    map_.insert(std::move(node));
  }
  /// The value goes at once. Does nothing for an unknown key.
  void erase(const Key& key) {
    auto node = map_.extract(key);
    if (node.empty()) return;
    node.mapped() = Value();
    spare_.push_back(std::move(node));
  }
  void clear() {
    map_.clear();
    spare_.clear();
  }

 private:
  using Map = std::unordered_map<Key, Value>;
  Map map_;
  std::vector<typename Map::node_type> spare_;
};

}  // namespace srpd::transport::verbs
