#include "rpc/fault.h"

#include <string.h>

namespace srpd::rpc {

Json json_of(const Error& error) {
  return {{"object", error.object}, {"cause", error.cause}, {"remedy", error.remedy}};
}

tl::unexpected<Fault> refused(const Error& error, int number) {
  Json data = json_of(error);
  if (number != 0) {
    const char* const name = ::strerrorname_np(number);
    data["errno"] = number;
    data["name"] = name != nullptr ? name : "";
  }
  return fault(Code::refused, error.text(), std::move(data));
}

tl::unexpected<Fault> refused(const tree::Failure& failure, std::string object) {
  return refused(failure.error(std::move(object)), failure.code);
}

}  // namespace srpd::rpc
