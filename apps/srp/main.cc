// srp: SRP disks from the command line, without a kernel initiator.
#include <fmt/core.h>

#include <csignal>
#include <map>

#include "command.h"
#include "initiator/identity.h"

namespace {

using namespace srpd;

// The commands, in the order of the help text.
constexpr cli::CommandEntry commands[] = {
    {"discover", "Find targets and say how to log in to them", &cli::add_discover},
    {"connect", "Log the kernel's initiator in", &cli::add_connect},
    {"disconnect", "Log the kernel's initiator out", &cli::add_disconnect},
    {"daemon", "Keep the kernel's initiator logged in", &cli::add_daemon},
    {"inq", "Show INQUIRY data and VPD pages", &cli::add_inq},
    {"luns", "List the LUNs", &cli::add_luns},
    {"capacity", "Show the size of a disk", &cli::add_capacity},
    {"read", "Copy from a disk to a file or stdout", &cli::add_read},
    {"write", "Copy from a file or stdin to a disk", &cli::add_write},
    {"verify", "Compare a disk with a file, stdin or a pattern", &cli::add_verify},
    {"raw", "Send any CDB", &cli::add_raw},
    {"ping", "Measure the latency of TEST UNIT READY", &cli::add_ping},
    {"bench", "Measure reads and writes", &cli::add_bench},
    {"reset", "Reset a logical unit", &cli::add_reset},
};

std::string footer() {
  return fmt::format(
      "A disk is srp://HOST[:PORT]/[TARGET]/LUN, for example srp://192.0.2.1/0. The port is {} "
      "unless given;\n"
      "TARGET is the target port identifier in hexadecimal, needed only where a daemon has "
      "several.\n"
      "\n"
      "The target knows this initiator as 0x{}\n"
      "(made from /etc/machine-id, so it stays the same; --initiator-id sets another). Access "
      "control\n"
      "lists of the target name it, or this machine's address.\n"
      "\n"
      "Exit codes: 0 success; 1 the disk reported an error or the data differ; 2 wrong usage;\n"
      "3 no connection or login; 4 a local file cannot be read or written.",
      initiator::default_port, initiator::text_of(initiator::default_initiator_id()));
}

void add_common(CLI::App& app, cli::Common& common) {
  app.add_option("--initiator-id", common.initiator_id,
                 "Initiator port identifier, 16 or 32 hexadecimal digits");
  app.add_option("--transport", common.transport, "How to reach the target")->capture_default_str();
  app.add_option("--connect-timeout", common.connect_timeout_s, "Seconds")->capture_default_str();
  app.add_option("--timeout", common.timeout_s,
                 "Seconds until a command without an answer is aborted")
      ->capture_default_str();
  app.add_flag("--no-immediate-data", common.no_immediate_data,
               "Let the target fetch all write data by RDMA Read");
}

}  // namespace

int main(int argc, char** argv) {
  // Writing to a closed pipe is an error to report, not a reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("SRP disks from the command line");
  app.footer(footer());
  app.require_subcommand(1);
  app.fallthrough();
  cli::Common common;
  add_common(app, common);
  std::map<const CLI::App*, cli::Action> actions;
  for (const auto& command : commands) {
    CLI::App* const sub = app.add_subcommand(command.name, command.summary);
    actions[sub] = command.add(*sub, common);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::success : cli::usage_error;
  }
  return actions.at(app.get_subcommands().front())();
}
