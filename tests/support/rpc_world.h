// LIO's tree over the fake engine, and the methods of the control socket on it.
#pragma once

#include <string>
#include <utility>

#include "rpc/dispatcher.h"
#include "support/lio_configured.h"

namespace srpd::rpc::test {

class World {
 public:
  World() { services.version = "0.1.0"; }

  lio::test::World lio;
  Sessions who;
  Services services{.tree = lio.tree, .sessions = [this] { return who; }};

  Answer<Json> call(const std::string& method, const Json& parameters = nullptr) {
    return rpc::call(services, method, parameters);
  }
  /// The result; a fault fails the test that looks at it: it is told as text.
  Json result(const std::string& method, const Json& parameters = nullptr) {
    auto answer = call(method, parameters);
    return answer ? std::move(*answer) : Json("fault: " + answer.error().message);
  }
  Fault fault(const std::string& method, const Json& parameters = nullptr) {
    auto answer = call(method, parameters);
    return answer ? Fault{Code{0}, "no fault"} : std::move(answer.error());
  }
};

}  // namespace srpd::rpc::test
