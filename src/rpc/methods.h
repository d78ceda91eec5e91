// The groups of methods, each a file of its own below methods/; dispatcher.cc lists them.
#pragma once

#include <span>

#include "rpc/method.h"

namespace srpd::rpc {

std::span<const Method> service_methods();
std::span<const Method> tree_methods();
std::span<const Method> object_methods();
std::span<const Method> session_methods();
std::span<const Method> configuration_methods();

}  // namespace srpd::rpc
