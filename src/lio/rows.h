// Rows of attribute tables over typed objects: a row names member functions, the rest is here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tree/attribute.h"
#include "tree/change.h"
#include "tree/directory.h"

namespace srpd::lio {

using tree::Attribute;
using tree::Change;
using tree::Directory;
using tree::fail;
using tree::Result;

namespace detail {

template <class T>
struct MemberOf;
template <class Object, class Return, class... Arguments>
struct MemberOf<Return (Object::*)(Arguments...)> {
  using type = Object;
};
template <class Object, class Return, class... Arguments>
struct MemberOf<Return (Object::*)(Arguments...) const> {
  using type = Object;
};

/// `show` is `std::string f() const` or `Result<std::string> f() const`.
template <auto show>
Result<std::string> call_show(const Directory& directory) {
  using Object = typename MemberOf<decltype(show)>::type;
  return (static_cast<const Object&>(directory).*show)();
}

/// `store` is `Result<void> f(Change&, std::string_view)`.
template <auto store>
Result<void> call_store(Change& change, Directory& directory, std::string_view text) {
  using Object = typename MemberOf<decltype(store)>::type;
  return (static_cast<Object&>(directory).*store)(change, text);
}

}  // namespace detail

template <auto show>
consteval Attribute read_only(std::string_view name) {
  return {name, detail::call_show<show>, nullptr};
}
template <auto show, auto store>
consteval Attribute row(std::string_view name) {
  return {name, detail::call_show<show>, detail::call_store<store>};
}
template <auto store>
consteval Attribute write_only(std::string_view name) {
  return {name, nullptr, detail::call_store<store>};
}

/// A number and a newline: what most attributes show.
template <class Number>
std::string line(Number number) {
  return std::to_string(number) + '\n';
}

}  // namespace srpd::lio
