// Connecting for a command, and its errors for people.
#include <fmt/core.h>

#include <cstdio>

#include "command.h"
#include "initiator/identity.h"
#include "initiator/lun.h"
#include "transport/registry.h"

namespace srpd::cli {
namespace {

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// Refusals by the network get the remedy that knows about srpd.
Error with_remedy(Error error, const initiator::Url& url) {
  if (error.cause.find("refused") != std::string::npos)
    error.remedy =
        fmt::format("is srpd running on {}, and on port {}? Start it with: srpd --ramdisk 256M",
                    url.host, url.port);
  return error;
}

}  // namespace

Expected<std::unique_ptr<transport::Transport>> make_transport(const Common& common,
                                                               const transport::Address& address) {
  if (address.login_form() == transport::LoginForm::ib_cm)
    return transport::transport_for(address).make();
  return make_transport(common);
}

Expected<std::unique_ptr<transport::Transport>> make_transport(const Common& common) {
  const auto* const entry = transport::find_transport(common.transport);
  if (entry != nullptr) return entry->make();
  std::string names;
  for (const auto& each : transport::transports()) names += " " + std::string(each.name);
  return failure("transport \"" + common.transport + "\"", "unknown", "choose one of:" + names);
}

Expected<initiator::SessionOptions> session_options(const Common& common,
                                                    const initiator::Url& url) {
  initiator::SessionOptions options;
  auto address = transport::Address::parse(url.endpoint(), initiator::default_port);
  if (!address) return tl::unexpected<Error>(address.error());
  options.address = *address;
  options.initiator = initiator::default_initiator_id();
  if (!common.initiator_id.empty()) {
    const auto id = initiator::parse_initiator_id(common.initiator_id);
    if (!id) return tl::unexpected<Error>(id.error());
    options.initiator = *id;
  }
  if (url.target) options.target = *url.target;
  options.connect_timeout = milliseconds(common.connect_timeout_s);
  options.command_timeout = milliseconds(common.timeout_s);
  options.immediate_data = !common.no_immediate_data;
  options.give_up_after = options.command_timeout;
  return options;
}

tl::expected<Connected, Failure> connect(const Common& common, const std::string& text,
                                         const ConnectWish& wish) {
  const auto refuse = [](Error error, Exit code) {
    return tl::unexpected<Failure>(Failure{std::move(error), code});
  };
  const auto url = initiator::Url::parse(text);
  if (!url) return refuse(url.error(), usage_error);
  if (wish.needs_lun && !url->lun)
    return refuse({"\"" + text + "\"", "the LUN is missing",
                   "add it, such as " + url->text() + "/0; `srp luns` lists them"},
                  usage_error);
  auto options = session_options(common, *url);
  if (!options) return refuse(options.error(), usage_error);
  options->queue_depth = wish.queue_depth;
  options->channels = wish.channels;
  Connected connected;
  connected.url = *url;
  auto transport = make_transport(common, options->address);
  if (!transport) return refuse(transport.error(), usage_error);
  connected.transport = std::move(*transport);
  auto loop = runtime::make_loop({});
  if (!loop) return refuse(loop.error(), no_connection);
  connected.loop = std::move(*loop);
  auto client = initiator::Client::connect(*connected.loop, *connected.transport, *options);
  if (!client) return refuse(with_remedy(client.error(), *url), no_connection);
  connected.client = std::move(*client);
  return connected;
}

int fail(const Error& error, Exit code) {
  fmt::print(stderr, "srp: {}\n", error.text());
  return code;
}

int fail_request(Connected& connected, const char* command, const initiator::Request& request) {
  fmt::print(stderr, "srp: {}: {}: {}\n", connected.url.text(), command,
             initiator::describe_failure(request));
  if (request.error != 0) {
    const auto& why = connected.client->error();
    if (why) fmt::print(stderr, "srp: {}\n", why->text());
    return no_connection;
  }
  const bool no_such_lun = request.sense_length > 13 && request.sense[12] == std::byte{0x25};
  if (!no_such_lun) return scsi_error;
  const auto luns = initiator::report_luns(*connected.client);
  if (!luns) return scsi_error;
  if (luns->empty())
    fmt::print(stderr, "srp: this initiator sees no LUN there; {}\n",
               initiator::allow_hint(connected.client->session().options().initiator));
  for (const std::uint64_t lun : *luns) {
    initiator::Url there = connected.url;
    there.lun = lun;
    fmt::print(stderr, "srp: there is {}\n", there.text());
  }
  return scsi_error;
}

int fail_lun(Connected& connected, const Error& error) {
  initiator::Request request;
  request.lun = connected.url.lun.value_or(0);
  initiator::prepare_test_unit_ready(request);
  connected.client->execute(request);
  if (!request.good()) return fail_request(connected, "TEST UNIT READY", request);
  return fail(error, scsi_error);
}

}  // namespace srpd::cli
