// srpctl doctor: why a host cannot log in, or does not see a LUN.
#include <fmt/core.h>

#include <algorithm>

#include "command.h"
#include "srpctl/diagnosis.h"
#include "srpctl/terminal.h"

namespace srpd::ctl {
namespace {

using rpc::Json;

struct Wanted {
  std::string host;
  std::int64_t lun = -1;
};

Expected<Answers> ask(rpc::Client& client) {
  Answers answers;
  struct Part {
    const char* method;
    Json* into;
  };
  for (const Part& part :
       {Part{"status", &answers.status}, Part{"objects", &answers.objects},
        Part{"sessions", &answers.sessions}, Part{"refusals", &answers.refusals}}) {
    auto answer = client.call(part.method);
    if (!answer) return tl::unexpected(answer.error());
    *part.into = std::move(*answer);
  }
  if (auto reservations = client.call("reservations"))
    answers.reservations = std::move(*reservations);
  // One that saves nothing has neither.
  if (auto history = client.call("history")) answers.history = std::move(*history);
  if (auto diff = client.call("diff"))
    answers.diff = std::move(*diff);
  else
    answers.no_diff = diff.error();
  return answers;
}

Json json_of(const std::vector<Finding>& findings) {
  Json out = Json::array();
  for (const Finding& each : findings) {
    Json one = rpc::json_of(each.error);
    one["problem"] = each.problem;
    out.push_back(std::move(one));
  }
  return out;
}

void show(const std::vector<Finding>& findings) {
  for (const Finding& each : findings)
    fmt::print("{} {}\n",
               each.problem ? paint("problem", Colour::red) : paint("good   ", Colour::green),
               each.error.text());
  if (findings.empty()) fmt::print("nothing is wrong\n");
}

int run_doctor(const Common& common, const Wanted& wanted) {
  return with_daemon(common, [&](rpc::Client& client) -> int {
    const auto answers = ask(client);
    if (!answers) return fail(answers.error());
    Question question{.host = wanted.host};
    if (wanted.lun >= 0) question.lun = static_cast<std::uint64_t>(wanted.lun);
    const auto findings = diagnose(*answers, look_at_machine(client.daemon_pid()), question);
    if (common.json)
      print_json(json_of(findings));
    else
      show(findings);
    const bool any = std::any_of(findings.begin(), findings.end(),
                                 [](const Finding& each) { return each.problem; });
    return any ? failed : success;
  });
}

}  // namespace

Action add_doctor(CLI::App& app, const Common& common) {
  app.description(
      "Say what is wrong, with cause and remedy: with srpd and its machine, with objects, and why "
      "logins were refused. With HOST also whether that one is logged in, or why not. Exit code 1 "
      "when something is wrong.");
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("HOST", wanted->host, "An initiator's identifier, GUID or address");
  app.add_option("LUN", wanted->lun, "That the host does not see")->check(CLI::NonNegativeNumber);
  return [&common, wanted] { return run_doctor(common, *wanted); };
}

}  // namespace srpd::ctl
