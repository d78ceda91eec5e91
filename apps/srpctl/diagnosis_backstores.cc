// Whether backstores have what is behind them.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "srpctl/diagnosis.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

std::string object_of(const Json& json) {
  return "/backstores/" + shown(json, "plugin") + "/" + shown(json, "name");
}

/// One that was made and never enabled.
void unfinished(const Json& json, Findings& findings) {
  const std::string object = object_of(json);
  const std::string path = json["where"].get<std::string>();
  const std::string name = printable(path);
  struct stat status{};
  if (path.empty() || path.front() != '/' || shown(json, "plugin") == "user") {
    findings.problem(object, "it is not enabled", "delete it and create it with what it needs");
  } else if (::stat(path.c_str(), &status) != 0) {
    findings.problem(object, "it is not enabled: " + name + ": " + errno_text(errno),
                     errno == ENOENT ? "make the file or attach the device, then 'srpctl set " +
                                           object + " enable=1'"
                                     : "correct the permissions of the path");
  } else if (S_ISDIR(status.st_mode)) {
    findings.problem(object, name + " is a directory", "delete the backstore and name a file");
  } else if (S_ISREG(status.st_mode) && status.st_size == 0 && json["size"] == 0) {
    findings.problem(object, name + " is empty", "create the backstore with a size");
  } else if (::access(path.c_str(), R_OK | W_OK) != 0) {
    findings.problem(object, name + ": " + errno_text(errno), "let srpd's user read and write it");
  } else {
    findings.problem(object, "it is not enabled although " + name + " is there",
                     "'srpctl set " + object + " enable=1' tries again and says why");
  }
}

/// What happened to the file while it is served; srpd has it open.
void served_file(const Json& json, Findings& findings) {
  const std::string path = json["where"].get<std::string>();
  const auto size = json["size"].get<std::uint64_t>();
  struct stat status{};
  if (path.empty() || path.front() != '/') return;
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT) return;
    findings.problem(object_of(json),
                     printable(path) + " was removed while it is served: its data end with srpd",
                     "copy it from /proc/PID/fd of srpd; its log has the command");
  } else if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) < size) {
    findings.problem(
        object_of(json),
        fmt::format("{} was cut to {} while {} are served: hosts get errors beyond",
                    printable(path), short_size(static_cast<std::uint64_t>(status.st_size)),
                    short_size(size)),
        fmt::format("bring it back from a backup with {} bytes; or serve what is left: srpctl "
                    "resize {} --force",
                    size, object_of(json)));
  }
}

}  // namespace

void diagnose_backstores(const Answers& answers, Findings& findings) {
  for (const Json& each : answers.objects["backstores"]) {
    if (!each["enabled"].get<bool>())
      unfinished(each, findings);
    else if (!each.value("waiting", false) && each["plugin"] == "fileio")
      served_file(each, findings);
  }
}

}  // namespace srpd::ctl
