// What the commands of srp have in common. One command per file; main.cc lists them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "initiator/client.h"
#include "initiator/commands.h"
#include "initiator/url.h"
#include "runtime/loop.h"

namespace srpd::cli {

/// Exit codes, as the help text explains them.
enum Exit : int { success = 0, scsi_error = 1, usage_error = 2, no_connection = 3, file_error = 4 };

/// Options before or after the command's name.
struct Common {
  std::string initiator_id;
  std::string transport = "iwarp";
  double connect_timeout_s = 10;
  double timeout_s = 30;
  bool no_immediate_data = false;
};

/// A command says how it is called and returns what to do; that returns the exit code.
using Action = std::function<int()>;
struct CommandEntry {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App& app, const Common& common);
};

Action add_discover(CLI::App& app, const Common& common);
Action add_connect(CLI::App& app, const Common& common);
Action add_disconnect(CLI::App& app, const Common& common);
Action add_daemon(CLI::App& app, const Common& common);
Action add_inq(CLI::App& app, const Common& common);
Action add_luns(CLI::App& app, const Common& common);
Action add_capacity(CLI::App& app, const Common& common);
Action add_read(CLI::App& app, const Common& common);
Action add_write(CLI::App& app, const Common& common);
Action add_verify(CLI::App& app, const Common& common);
Action add_raw(CLI::App& app, const Common& common);
Action add_ping(CLI::App& app, const Common& common);
Action add_bench(CLI::App& app, const Common& common);
Action add_reset(CLI::App& app, const Common& common);

/// A logged-in session with everything it stands on, in the order of destruction.
struct Connected {
  std::unique_ptr<runtime::Loop> loop;
  std::unique_ptr<transport::Transport> transport;
  std::unique_ptr<initiator::Client> client;
  initiator::Url url;
};

/// What a command wants different from the defaults.
struct ConnectWish {
  std::uint32_t queue_depth = 32;
  std::uint32_t channels = 1;
  bool needs_lun = true;  ///< a URL without LUN is an error
};

/// Session options for `url`, from the common options.
Expected<initiator::SessionOptions> session_options(const Common& common,
                                                    const initiator::Url& url);
Expected<std::unique_ptr<transport::Transport>> make_transport(const Common& common);
/// The one that the address needs, or else the one asked for.
Expected<std::unique_ptr<transport::Transport>> make_transport(const Common& common,
                                                               const transport::Address& address);

/// An error with the exit code it leads to.
struct Failure {
  Error error;
  Exit code = no_connection;
};
tl::expected<Connected, Failure> connect(const Common& common, const std::string& url,
                                         const ConnectWish& wish = {});

/// Prints "srp: TEXT" to stderr and returns `code`.
int fail(const Error& error, Exit code);
inline int fail(const Failure& failure) { return fail(failure.error, failure.code); }
/// The same for a failed request. Where the LUN does not exist, lists those that do.
int fail_request(Connected& connected, const char* command, const initiator::Request& request);

/// For commands whose request is not at hand: where the LUN of the URL does not exist, says so and
/// lists those that do, else prints `error`.
int fail_lun(Connected& connected, const Error& error);

std::string hex_of(std::span<const std::byte> bytes);
/// 16 bytes a line with offsets and characters.
std::string hex_dump(std::span<const std::byte> bytes);
/// "1.5 GiB".
std::string size_text(std::uint64_t bytes);
/// "4096", "4k", "1M", "2GiB": powers of 1024.
Expected<std::uint64_t> parse_size(std::string_view text);

}  // namespace srpd::cli
