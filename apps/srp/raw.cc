// srp raw URL CDB: any command, with data from and to files.
#include <fmt/core.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "command.h"

namespace srpd::cli {
namespace {

struct Options {
  std::string url, cdb, data_out, data_in, attribute = "simple";
  std::string in_length = "0";
};

// Hexadecimal digits with blanks anywhere.
std::optional<std::vector<std::byte>> parse_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == ':') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  if (!digits.empty()) return std::nullopt;
  return bytes;
}

std::optional<std::vector<std::byte>> read_file(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& stream = path == "-" ? std::cin : file;
  if (!stream) return std::nullopt;
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

bool write_file(const std::string& path, std::span<const std::byte> data) {
  std::FILE* const file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  bool fine = std::fwrite(data.data(), 1, data.size(), file) == data.size();
  fine = (path == "-" ? std::fflush(file) : std::fclose(file)) == 0 && fine;
  return fine;
}

void report(const initiator::Request& request) {
  fmt::print(stderr, "{}", initiator::describe_status(request.status));
  if (request.sense_length > 0)
    fmt::print(stderr, ": {}", initiator::describe_sense(request.sense_bytes()));
  const auto& residual = request.residual;
  if ((residual.flags & wire::srp::diunder) != 0)
    fmt::print(stderr, ", data-in short by {}", residual.data_in);
  if ((residual.flags & wire::srp::diover) != 0)
    fmt::print(stderr, ", data-in longer by {}", residual.data_in);
  if ((residual.flags & wire::srp::dounder) != 0)
    fmt::print(stderr, ", data-out unused {}", residual.data_out);
  if ((residual.flags & wire::srp::doover) != 0)
    fmt::print(stderr, ", data-out missing {}", residual.data_out);
  fmt::print(stderr, "\n");
  if (request.sense_length > 0) fmt::print(stderr, "sense {}\n", hex_of(request.sense_bytes()));
}

int run(const Options& options, const Common& common) {
  const auto cdb = parse_hex(options.cdb);
  initiator::Request request;
  if (!cdb || cdb->size() < 6 || cdb->size() > request.cdb.size())
    return fail({"CDB \"" + options.cdb + "\"",
                 fmt::format("not 6 to {} bytes in hexadecimal", request.cdb.size()),
                 "write for example \"12 00 00 00 24 00\""},
                usage_error);
  std::copy(cdb->begin(), cdb->end(), request.cdb.begin());
  request.cdb_length = static_cast<std::uint8_t>(cdb->size());
  const auto length = parse_size(options.in_length);
  if (!length) return fail(length.error(), usage_error);
  std::vector<std::byte> data_in(*length);
  request.data_in = data_in;
  std::vector<std::byte> data_out;
  if (!options.data_out.empty()) {
    auto data = read_file(options.data_out);
    if (!data) return fail({options.data_out, errno_text(errno), ""}, file_error);
    data_out = std::move(*data);
    request.data_out = data_out;
  }
  if (options.attribute == "ordered") request.attribute = initiator::TaskAttribute::ordered;
  if (options.attribute == "head") request.attribute = initiator::TaskAttribute::head_of_queue;

  auto connected = connect(common, options.url);
  if (!connected) return fail(connected.error());
  request.lun = *connected->url.lun;
  // What the login left to be told is not what this command is about.
  initiator::Request first;
  first.lun = request.lun;
  initiator::prepare_test_unit_ready(first);
  connected->client->execute(first);
  connected->client->execute(request);
  if (request.error != 0) return fail_request(*connected, "command", request);
  report(request);
  const auto received = std::span(data_in).first(request.received());
  if (!options.data_in.empty()) {
    if (!write_file(options.data_in, received))
      return fail({options.data_in, errno_text(errno), ""}, file_error);
  } else if (!received.empty()) {
    fmt::print("{}", hex_dump(received));
  }
  return request.status == initiator::status_good ? success : scsi_error;
}

}  // namespace

Action add_raw(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("URL", options->url, "The disk")->required();
  app.add_option("CDB", options->cdb, "The command in hexadecimal, such as \"12 00 00 00 24 00\"")
      ->required();
  app.add_option("--out", options->data_out, "Send this file as data-out (-: stdin)");
  app.add_option("--in-length", options->in_length, "Bytes of data-in to ask for")
      ->capture_default_str();
  app.add_option("--in", options->data_in,
                 "Write data-in to this file (-: stdout) instead of a dump");
  app.add_option("--attribute", options->attribute, "Task attribute")
      ->check(CLI::IsMember({"simple", "ordered", "head"}))
      ->capture_default_str();
  app.footer("Status and sense data go to stderr. The exit code is 0 for GOOD status only.");
  return [options, &common] { return run(*options, common); };
}

}  // namespace srpd::cli
