#include "rpc/client.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "rpc/dispatcher.h"

namespace srpd::rpc {
namespace {

Error no_daemon(const std::string& path, int number) {
  if (number == ENOENT || number == ECONNREFUSED)
    return {path, "no srpd answers there",
            "start it ('systemctl start srpd', or srpd --tree), or name the socket of another one "
            "with --socket"};
  if (number == EACCES || number == EPERM)
    return {path, "this user may not ask srpd",
            "run srpctl as root, or as a member of the "
            "socket's group"};
  return {path, "no connection to srpd: " + errno_text(number), ""};
}

std::string member(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Fault fault_of(const Json& error) {
  const auto code = error.find("code");
  const auto data = error.find("data");
  return {code != error.end() && code->is_number_integer() ? static_cast<Code>(code->get<int>())
                                                           : Code::internal_error,
          member(error, "message"), data != error.end() ? *data : Json()};
}

}  // namespace

Error error_of(const Fault& fault) {
  if (fault.code == Code::refused && fault.data.is_object() && !member(fault.data, "cause").empty())
    return {member(fault.data, "object"), member(fault.data, "cause"),
            member(fault.data, "remedy")};
  return {"", fault.message, ""};
}

Expected<std::unique_ptr<Client>> Client::connect(const std::string& path) {
  int number = 0;
  auto socket = connect_to(path, number);
  if (!socket) return tl::unexpected(no_daemon(path, number));
  std::unique_ptr<Client> client(new Client(path, std::move(*socket)));
  const auto agreed = client->call("version", {{"versions", {protocol_version}}});
  if (!agreed) return tl::unexpected(agreed.error());
  client->daemon_version_ = agreed->is_object() ? member(*agreed, "srpd") : std::string();
  return client;
}

int Client::daemon_pid() const {
  ucred other{};
  socklen_t length = sizeof(other);
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &other, &length) != 0) return 0;
  return other.pid;
}

bool Client::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Client::receive_line(std::string& line) {
  std::array<char, 65536> buffer;
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = received_.find('\n', searched);
    if (end != std::string::npos) {
      line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return true;
    }
    searched = received_.size();
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Fault Client::lost() const {
  const Error error{path_, "srpd closed the connection",
                    "see its log ('journalctl -u srpd') and try again"};
  return {Code::refused, error.text(), json_of(error)};
}

Answer<Json> Client::ask(const std::string& method, const Json& parameters) {
  const Json request{
      {"jsonrpc", "2.0"}, {"id", ++last_id_}, {"method", method}, {"params", parameters}};
  // The reason of a connection that was closed may already be there: what could not be sent is
  // answered too.
  send(request.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n');
  std::string line;
  if (!receive_line(line)) return tl::unexpected(lost());
  const Json response = Json::parse(line, nullptr, false);
  const auto error = response.is_object() ? response.find("error") : response.end();
  if (response.is_object() && error != response.end()) return tl::unexpected(fault_of(*error));
  if (!response.is_object() || !response.contains("result"))
    return fault(Code::internal_error, path_ + ": what answers is not srpd");
  return response["result"];
}

Expected<Json> Client::call(const std::string& method, const Json& parameters) {
  auto result = ask(method, parameters);
  if (!result) return tl::unexpected(error_of(result.error()));
  return std::move(*result);
}

}  // namespace srpd::rpc
