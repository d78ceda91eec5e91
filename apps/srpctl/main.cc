// srpctl: what an administrator does with srpd.
#include <csignal>
#include <string>
#include <vector>

#include "command.h"
#include "srpctl/shell.h"

int main(int argc, char** argv) {
  using namespace srpd;
  // Writing to a closed pipe is an error to report, not a reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  ctl::Common common;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (ctl::is_for_shell(words, common)) return ctl::run_shell(common);
  return ctl::run_words(common, words, false);
}
