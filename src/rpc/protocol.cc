#include "rpc/protocol.h"

#include <optional>
#include <utility>

#include "control/json_builder.h"

namespace srpd::rpc {
namespace {

Answer<Json> parse(std::string_view text) {
  auto json = control::build_json(text, max_depth);
  if (json) return std::move(*json);
  const auto& [cause, byte] = json.error();
  return fault(Code::parse_error,
               byte ? "not valid JSON at byte " + std::to_string(*byte) + " of the line" : cause);
}

/// Names in the tree may be any bytes; those that are no UTF-8 cannot be told as they are.
std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json error_member(const Fault& fault) {
  Json error{{"code", static_cast<int>(fault.code)}, {"message", fault.message}};
  if (!fault.data.is_null()) error["data"] = fault.data;
  return error;
}

Json response(const Answer<Json>& answer, Json id) {
  Json out{{"jsonrpc", "2.0"}};
  if (answer)
    out["result"] = *answer;
  else
    out["error"] = error_member(answer.error());
  out["id"] = std::move(id);
  return out;
}

/// JSON-RPC 2.0 4: null and fractions are discouraged, but allowed.
bool may_be_id(const Json& id) { return id.is_string() || id.is_number() || id.is_null(); }

struct Request {
  std::string method;
  Json parameters;
};

Answer<Request> request_of(const Json& json) {
  const auto member = [&](const char* name) {
    const auto found = json.find(name);
    return found == json.end() ? Json() : *found;
  };
  if (member("jsonrpc") != "2.0") return fault(Code::invalid_request, "\"jsonrpc\" is not \"2.0\"");
  const Json method = member("method");
  if (!method.is_string()) return fault(Code::invalid_request, "\"method\" is not a string");
  Request request{method.get<std::string>(), member("params")};
  if (!request.parameters.is_structured() && !request.parameters.is_null())
    return fault(Code::invalid_request, "\"params\" is neither an object nor an array");
  return request;
}

Answer<Json> carry_out(const Answer<Request>& request, const Call& call) {
  if (!request) return tl::unexpected(request.error());
  try {
    return call(request->method, request->parameters);
  } catch (const std::exception& error) {
    return fault(Code::internal_error, error.what());
  }
}

std::optional<Json> answer_one(const Json& json, const Call& call) {
  if (!json.is_object())
    return response(fault(Code::invalid_request, "a request is a JSON object"), nullptr);
  const auto id = json.find("id");
  if (id != json.end() && !may_be_id(*id))
    return response(fault(Code::invalid_request, "\"id\" is neither a string nor a number"),
                    nullptr);
  const auto request = request_of(json);
  const Answer<Json> result = carry_out(request, call);
  // What is no request is no notification either: it is always answered.
  if (id == json.end() && request) return std::nullopt;
  return response(result, id == json.end() ? Json() : *id);
}

Answer<Json> answer_batch(const Json& batch, const Call& call) {
  if (batch.empty()) return fault(Code::invalid_request, "an empty batch");
  if (batch.size() > max_batch)
    return fault(Code::invalid_request,
                 "a batch of more than " + std::to_string(max_batch) + " requests");
  Json answers = Json::array();
  for (const Json& json : batch)
    if (auto one = answer_one(json, call)) answers.push_back(std::move(*one));
  return answers;
}

}  // namespace

std::string answer_of(const Fault& fault) {
  return text_of(response(tl::unexpected<Fault>(fault), nullptr));
}

std::string answer(std::string_view text, const Call& call) {
  const Answer<Json> json = parse(text);
  if (!json) return answer_of(json.error());
  if (json->is_array()) {
    const Answer<Json> answers = answer_batch(*json, call);
    if (!answers) return answer_of(answers.error());
    return answers->empty() ? std::string() : text_of(*answers);
  }
  const auto one = answer_one(*json, call);
  return one ? text_of(*one) : std::string();
}

}  // namespace srpd::rpc
