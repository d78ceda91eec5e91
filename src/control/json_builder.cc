#include "control/json_builder.h"

#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace srpd::control {
namespace {

using Json = nlohmann::ordered_json;

/// Each object and list is made when it ends, of the size that it has.
class Builder {
 public:
  explicit Builder(std::size_t max_depth) : max_depth_(max_depth) {}

  // What the parser calls; false ends it.
  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(Json::number_integer_t value) { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(value); }
  bool number_float(Json::number_float_t value, const Json::string_t&) { return add(value); }
  bool string(Json::string_t& value) { return add(std::move(value)); }
  bool binary(Json::binary_t& value) { return add(std::move(value)); }
  bool start_object(std::size_t) { return begin(); }
  bool start_array(std::size_t) { return begin(); }

  bool key(Json::string_t& name) {
    keys_.push_back(std::move(name));
    return true;
  }

  bool end_object() {
    const std::span<Json> values = inside();
    const auto keys = std::span(keys_).last(values.size());
    Json::object_t object;
    object.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      object[std::move(keys[i])] = std::move(values[i]);
    keys_.resize(keys_.size() - values.size());
    return end(std::move(object));
  }

  bool end_array() {
    const std::span<Json> values = inside();
    return end(Json::array_t(std::make_move_iterator(values.begin()),
                             std::make_move_iterator(values.end())));
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) {
    failure_.cause = error.what();
    if (dynamic_cast<const Json::parse_error*>(&error) != nullptr) failure_.byte = position;
    return false;
  }

  Json take() { return std::move(values_.front()); }
  const JsonFailure& failure() const { return failure_; }

 private:
  template <class Value>
  bool add(Value&& value) {
    values_.emplace_back(std::forward<Value>(value));
    return true;
  }

  bool begin() {
    if (starts_.size() == max_depth_) {
      failure_.cause = "nested deeper than " + std::to_string(max_depth_);
      return false;
    }
    starts_.push_back(values_.size());
    return true;
  }

  /// What belongs to the object or list that ends.
  std::span<Json> inside() { return std::span(values_).subspan(starts_.back()); }

  template <class Container>
  bool end(Container&& made) {
    values_.resize(starts_.back());
    starts_.pop_back();
    return add(std::forward<Container>(made));
  }

  const std::size_t max_depth_;
  std::vector<Json> values_;         ///< of what has not ended yet
  std::vector<std::string> keys_;    ///< of those in objects
  std::vector<std::size_t> starts_;  ///< where the values of each of these begin
  JsonFailure failure_;
};

}  // namespace

tl::expected<Json, JsonFailure> build_json(std::string_view text, std::size_t max_depth) {
  Builder builder(max_depth);
  if (Json::sax_parse(text.begin(), text.end(), &builder)) return builder.take();
  return tl::unexpected(builder.failure());
}

}  // namespace srpd::control
