// rdma_peer [--source IP] [--resources COUNT] HOST:PORT ACTION: an SRP initiator over verbs that
// does what no good one would, or does it very often. Prints what became of it. COUNT: responder
// resources, the RDMA Reads that it answers at a time (default 4).
//
//   login [FIELD=VALUE...]  one login. Fields: iu, formats, flags, opcode, offset (numbers),
//                           initiator, target (32 hex digits), size (bytes of private data)
//   cycle COUNT [FIELD=VALUE...]
//                           logs in and out, every other time without saying goodbye
//   hold COUNT              holds so many sessions of as many initiators until its input ends
//   transfer COUNT          reads and writes 64 KiB so often in turn, all at once, and logs out;
//   says
//                           how many of each ended well
//   stop STATE [FIELD=VALUE...]
//                           goes as far as STATE and stays there until it is killed:
//                           request (sent), answer (arrived, never acknowledged), established,
//                           disconnecting (request to disconnect sent)
//   flood HOW COUNT         sends so many reads and writes of 64 KiB that cannot end well:
//                           unknown-key, stale-key, broken (our queue pair answers nothing),
//                           vanished (this program ends at once); says when the target gave up
//
// Exit status: 0, or 1 with a message when something else happened than asked for; of login, 3 when
// it was refused.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peer.h"
#include "srp/iu.h"
#include "srp/login.h"
#include "wire/srp.h"

namespace {

using namespace srpd;
using namespace srpd::test;

constexpr std::uint32_t block_length = 512;
constexpr std::uint32_t data_length = 64 << 10;
constexpr std::chrono::seconds answer_limit{60};
constexpr int refused = 3;

struct Usage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::uint32_t number(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size())
    throw Usage(fmt::format("'{}' is no number", text));
  return value;
}

std::uint8_t resources(std::string_view text) {
  const std::uint32_t value = number(text);
  if (value >= RDMA_MAX_RESP_RES) throw Usage("too many responder resources");
  return static_cast<std::uint8_t>(value);
}

srp::PortId port_id(std::string_view text) {
  srp::PortId id{};
  if (text.size() != 2 * id.size()) throw Usage("a port identifier has 32 hex digits");
  for (std::size_t i = 0; i < id.size(); ++i)
    id[i] = static_cast<std::byte>(number("0x" + std::string(text.substr(2 * i, 2))));
  return id;
}

/// What ib_srp asks for, as initiator number `n`.
srp::LoginRequest usual_login(std::uint32_t n = 0) {
  srp::LoginRequest login;
  login.max_iu = 8260;
  login.immediate_offset = 68;
  login.flags = wire::srp::immediate_requested;
  login.initiator[0] = std::byte{0xfe};
  login.initiator[14] = static_cast<std::byte>(n >> 8);
  login.initiator[15] = static_cast<std::byte>(n);
  return login;
}

std::vector<std::byte> private_data_of(const srp::LoginRequest& login) {
  const auto iu = srp::build_login_rdma(login);
  const auto bytes = wire::bytes_of(iu);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> private_data_of(std::span<const std::string> fields) {
  srp::LoginRequest login = usual_login();
  std::size_t size = sizeof(wire::srp::LoginReqRdma);
  auto opcode = wire::srp::Opcode::login_req;
  for (const std::string& field : fields) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) throw Usage("a field is NAME=VALUE");
    const std::string name = field.substr(0, equals), value = field.substr(equals + 1);
    if (name == "iu")
      login.max_iu = number(value);
    else if (name == "formats")
      login.formats = static_cast<std::uint16_t>(number(value));
    else if (name == "flags")
      login.flags = static_cast<std::uint8_t>(number(value));
    else if (name == "offset")
      login.immediate_offset = static_cast<std::uint16_t>(number(value));
    else if (name == "opcode")
      opcode = static_cast<wire::srp::Opcode>(number(value));
    else if (name == "initiator")
      login.initiator = port_id(value);
    else if (name == "target")
      login.target = port_id(value);
    else if (name == "size")
      size = number(value);
    else
      throw Usage("unknown field " + name);
  }
  auto bytes = private_data_of(login);
  bytes[offsetof(wire::srp::LoginReqRdma, opcode)] = static_cast<std::byte>(opcode);
  bytes.resize(size);
  return bytes;
}

/// Says how the login went; the exit status.
int report(const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::accepted) {
    const auto response = srp::parse_login_rsp(outcome.private_data);
    if (!response) throw Failure("accepted without an SRP_LOGIN_RSP", EPROTO);
    fmt::print("accepted, {} credits, IUs of {} bytes, flags {:#04x}\n", response->req_lim_delta,
               response->max_initiator_iu, response->flags);
    return 0;
  }
  if (outcome.kind == Outcome::Kind::rejected) {
    const auto rejection = srp::parse_login_rej(outcome.private_data);
    if (rejection)
      fmt::print("refused, reason {:#010x}\n", static_cast<std::uint32_t>(rejection->reason));
    else
      fmt::print("refused without an SRP_LOGIN_REJ, reason {} of the CM\n", outcome.status);
    return refused;
  }
  fmt::print("unreachable: {}\n", std::strerror(-outcome.status));
  return 1;
}

int login(const Endpoint& endpoint, std::span<const std::string> fields) {
  Peer peer(endpoint, 4);
  peer.request(private_data_of(fields));
  const Outcome outcome = peer.outcome();
  const int status = report(outcome);
  if (status == 0) peer.disconnect();
  return status;
}

/// Logs in; what was granted.
srp::LoginResponse must_log_in(Peer& peer, std::span<const std::byte> private_data) {
  peer.request(private_data);
  const Outcome outcome = peer.outcome();
  const auto response = srp::parse_login_rsp(outcome.private_data);
  if (outcome.kind != Outcome::Kind::accepted || !response) {
    report(outcome);
    throw Failure("the login is not accepted", ECONNREFUSED);
  }
  return *response;
}

int cycle(const Endpoint& endpoint, std::uint32_t count, std::span<const std::string> fields) {
  const auto data = private_data_of(fields);
  for (std::uint32_t i = 0; i < count; ++i) {
    Peer peer(endpoint, 4);
    must_log_in(peer, data);
    if (i % 2 == 0) peer.disconnect();
  }
  fmt::print("logged in and out {} times\n", count);
  return 0;
}

void wait_for_end_of_input() {
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

int hold(const Endpoint& endpoint, std::uint32_t count) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::uint32_t i = 0; i < count; ++i) {
    peers.push_back(std::make_unique<Peer>(endpoint, 4));
    must_log_in(*peers.back(), private_data_of(usual_login(i + 1)));
  }
  fmt::print("up {}\n", count);
  std::fflush(stdout);
  wait_for_end_of_input();
  for (const auto& peer : peers) peer->disconnect();
  return 0;
}

int stop(const Endpoint& endpoint, const std::string& state, std::span<const std::string> fields) {
  Peer peer(endpoint, 4);
  const auto data = private_data_of(fields);
  if (state == "request") {
    peer.request(data);
  } else if (state == "answer") {
    peer.request(data, true);
    peer.wait_for_answer();
  } else if (state == "established" || state == "disconnecting") {
    must_log_in(peer, data);
    if (state == "disconnecting") peer.disconnect();
  } else {
    throw Usage("unknown state " + state);
  }
  fmt::print("at {}\n", state);
  std::fflush(stdout);
  for (;;) ::pause();
}

/// READ(10) or WRITE(10) of data_length bytes, with one direct descriptor.
std::vector<std::byte> command(std::uint32_t n, std::uint64_t address, std::uint32_t key) {
  const bool write = n % 2 != 0;
  wire::srp::Cmd cmd{};
  cmd.opcode = wire::srp::Opcode::cmd;
  cmd.buf_fmt = write ? 0x10 : 0x01;
  cmd.tag = wire::srp::to_tag(n + 1);
  cmd.cdb[0] = std::byte{write ? std::uint8_t{0x2a} : std::uint8_t{0x28}};
  constexpr std::uint32_t blocks = data_length / block_length;
  cmd.cdb[7] = static_cast<std::byte>(blocks >> 8);
  cmd.cdb[8] = static_cast<std::byte>(blocks & 0xff);
  wire::srp::MemoryDescriptor descriptor{};
  descriptor.address = address;
  descriptor.key = key;
  descriptor.length = data_length;
  std::vector<std::byte> iu(sizeof cmd + sizeof descriptor);
  std::memcpy(iu.data(), &cmd, sizeof cmd);
  std::memcpy(iu.data() + sizeof cmd, &descriptor, sizeof descriptor);
  return iu;
}

/// Sends reads and writes in turn for memory of ours with this address and key.
void send_commands(Peer& peer, std::uint32_t count, std::uint64_t address, std::uint32_t key) {
  std::vector<std::vector<std::byte>> ius;
  for (std::uint32_t n = 0; n < count; ++n) ius.push_back(command(n, address, key));
  peer.send(ius);
}

/// Logs in with as many credits.
void log_in_for(Peer& peer, std::uint32_t count) {
  const auto granted = must_log_in(peer, private_data_of(usual_login()));
  if (granted.req_lim_delta < static_cast<std::int32_t>(count))
    throw Usage(fmt::format("only {} commands are allowed", granted.req_lim_delta));
}

srp::Response must_receive(Peer& peer) {
  const auto response = srp::parse_rsp(peer.receive(answer_limit));
  if (!response) throw Failure("an IU that is no SRP_RSP", EPROTO);
  return *response;
}

/// The unit tells a new host of its power-on once; TEST UNIT READY takes the news.
void take_unit_attention(Peer& peer) {
  wire::srp::Cmd cmd{};
  cmd.opcode = wire::srp::Opcode::cmd;
  const auto bytes = wire::bytes_of(cmd);
  peer.send(std::array{std::vector<std::byte>(bytes.begin(), bytes.end())});
  must_receive(peer);
}

int transfer(const Endpoint& endpoint, std::uint32_t count) {
  Peer peer(endpoint, count + 1);
  log_in_for(peer, count);
  take_unit_attention(peer);
  ibv_mr* const region = peer.expose(data_length);
  send_commands(peer, count, reinterpret_cast<std::uintptr_t>(region->addr), region->rkey);
  std::uint32_t reads = 0, writes = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const srp::Response response = must_receive(peer);
    const bool write = (wire::srp::to_integer(response.tag) - 1) % 2 != 0;
    if (response.status == 0) ++(write ? writes : reads);
  }
  peer.disconnect();
  if (!peer.wait_closed(answer_limit)) throw Failure("the target keeps the connection", ETIMEDOUT);
  fmt::print("{} reads and {} writes ended well\n", reads, writes);
  return 0;
}

int flood(const Endpoint& endpoint, const std::string& how, std::uint32_t count) {
  Peer peer(endpoint, count);
  log_in_for(peer, count);
  ibv_mr* const region = peer.expose(data_length);
  const auto address = reinterpret_cast<std::uintptr_t>(region->addr);
  std::uint32_t key = region->rkey;
  if (how == "stale-key")
    peer.withdraw(region);
  else if (how == "unknown-key")
    key ^= 0x00ffff00;
  else if (how != "broken" && how != "vanished")
    throw Usage("unknown way to flood: " + how);
  const auto begun = std::chrono::steady_clock::now();
  send_commands(peer, count, address, key);
  if (how == "vanished") ::_exit(0);
  if (how == "broken") peer.break_queue_pair();
  if (!peer.wait_closed(answer_limit)) throw Failure("the target keeps the connection", ETIMEDOUT);
  const auto taken = std::chrono::steady_clock::now() - begun;
  fmt::print("closed after {} ms\n",
             std::chrono::duration_cast<std::chrono::milliseconds>(taken).count());
  return 0;
}

/// Each session takes several descriptors.
void raise_file_limit() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(std::vector<std::string> arguments) {
  Endpoint endpoint;
  while (arguments.size() >= 2 && arguments[0].starts_with("--")) {
    if (arguments[0] == "--source")
      endpoint.source = arguments[1];
    else if (arguments[0] == "--resources")
      endpoint.responder_resources = resources(arguments[1]);
    else
      throw Usage("unknown option " + arguments[0]);
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.size() < 2) throw Usage("too few arguments");
  endpoint.address = arguments[0];
  const std::string action = arguments[1];
  const auto rest = std::span<const std::string>(arguments).subspan(2);
  raise_file_limit();
  if (action == "login") return login(endpoint, rest);
  if (action == "cycle" && !rest.empty()) return cycle(endpoint, number(rest[0]), rest.subspan(1));
  if (action == "hold" && rest.size() == 1) return hold(endpoint, number(rest[0]));
  if (action == "transfer" && rest.size() == 1) return transfer(endpoint, number(rest[0]));
  if (action == "stop" && !rest.empty()) return stop(endpoint, rest[0], rest.subspan(1));
  if (action == "flood" && rest.size() == 2) return flood(endpoint, rest[0], number(rest[1]));
  throw Usage("unknown action or wrong arguments");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const Usage& error) {
    fmt::print(stderr, "rdma_peer: {}\nusage: rdma_peer [OPTION...] HOST:PORT ACTION, see {}\n",
               error.what(), "the head of main.cc");
    return 2;
  } catch (const Failure& error) {
    fmt::print(stderr, "rdma_peer: {}\n", error.what());
    return 1;
  }
}
