#include "srpctl/firewall.h"

#include <fmt/core.h>

#include <sstream>
#include <vector>

namespace srpd::ctl {
namespace {

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream in(line);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

bool has(const Words& words, const std::string& wanted) {
  for (const std::string& word : words)
    if (word == wanted) return true;
  return false;
}

/// The word behind `key`, without the punctuation of lists.
std::string behind(const Words& words, const std::string& key) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == key) return words[i + 1].substr(0, words[i + 1].find_first_of(";,"));
  return {};
}

/// "5555", "5000-6000", "5000:6000"; 0 in `last` where it is no port.
struct Range {
  unsigned long first = 0, last = 0;
};
Range range_of(const std::string& text) {
  std::istringstream in(text);
  Range range;
  char dash = 0;
  if (!(in >> range.first)) return {};
  range.last = range.first;
  if (in >> dash >> range.last) return range;
  range.last = range.first;
  return range;
}

bool names(const std::string& text, std::uint16_t port) {
  const Range range = range_of(text);
  return range.first <= port && port <= range.last;
}

/// Whether the rule is about this port: alone, in a range, or in a list in braces.
bool is_about(const Words& words, const std::string& key, std::uint16_t port) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] != key) continue;
    if (words[i + 1] != "{") return names(words[i + 1], port);
    for (std::size_t j = i + 2; j < words.size() && words[j] != "}"; ++j)
      if (names(words[j], port)) return true;
  }
  return false;
}

bool limits_sender(const Words& words) {
  for (const char* key : {"saddr", "iif", "iifname", "-s", "--source", "-i"})
    if (has(words, key)) return true;
  return false;
}

std::string joined(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Chains of nft that see what arrives for this machine, one after the other.
class Nft {
 public:
  explicit Nft(std::uint16_t port) : port_(port) {}

  Blocked run(const std::string& rules) {
    std::istringstream in(rules);
    for (std::string line; std::getline(in, line);) take(words_of(line));
    return blocked_;
  }

 private:
  void take(const Words& words) {
    if (words.empty()) return;
    if (words[0] == "table" && words.size() >= 3) table_ = words[1] + " " + words[2];
    if (words[0] == "chain" && words.size() >= 2) {
      chain_ = words[1];
      input_ = drops_ = decided_ = false;
    }
    if (has(words, "hook")) {
      input_ = behind(words, "hook") == "input";
      drops_ = behind(words, "policy") == "drop";
      return;
    }
    if (words[0] == "}") {
      if (input_ && drops_ && !decided_)
        block("the policy of chain " + chain_ + " of " + table_ + " drops what no rule names",
              fmt::format("nft add rule {} {} tcp dport {} accept", table_, chain_, port_));
      input_ = false;
      return;
    }
    if (input_ && !decided_ && is_about(words, "dport", port_)) rule(words);
  }

  void rule(const Words& words) {
    const bool drops = has(words, "drop") || has(words, "reject");
    if (!drops && !has(words, "accept")) return;
    // Of some hosts only: what is decided for the others comes later.
    if (limits_sender(words) && drops) return;
    decided_ = true;
    if (drops)
      block("the rule '" + joined(words) + "' in chain " + chain_ + " of " + table_,
            fmt::format("nft insert rule {} {} tcp dport {} accept", table_, chain_, port_));
  }

  void block(std::string by, std::string remedy) {
    if (blocked_.by.empty()) blocked_ = {std::move(by), std::move(remedy)};
  }

  const std::uint16_t port_;
  std::string table_, chain_;
  bool input_ = false;    ///< in a chain at the hook input
  bool drops_ = false;    ///< its policy
  bool decided_ = false;  ///< a rule of it names the port
  Blocked blocked_;
};

Blocked by_iptables(const std::string& rules, std::uint16_t port) {
  std::istringstream in(rules);
  const std::string remedy = fmt::format("iptables -I INPUT -p tcp --dport {} -j ACCEPT", port);
  bool filter = false;
  bool drops = false;
  for (std::string line; std::getline(in, line);) {
    const Words words = words_of(line);
    if (words.empty()) continue;
    if (words[0].starts_with('*')) filter = words[0] == "*filter";
    if (!filter) continue;
    if (words[0] == ":INPUT" && words.size() > 1) drops = words[1] == "DROP";
    if (words[0] != "-A" || behind(words, "-A") != "INPUT") continue;
    const bool about = is_about(words, "--dport", port);
    const std::string verdict = behind(words, "-j");
    if (about && verdict == "ACCEPT") return {};
    if (about && (verdict == "DROP" || verdict == "REJECT") && !limits_sender(words))
      return {"the rule '" + joined(words) + "' of iptables", remedy};
  }
  if (!drops) return {};
  return {"the policy of iptables' chain INPUT drops what no rule names", remedy};
}

}  // namespace

Blocked blocked_by(const std::string& rules, std::uint16_t port) {
  const Blocked blocked = Nft(port).run(rules);
  return blocked.by.empty() ? by_iptables(rules, port) : blocked;
}

}  // namespace srpd::ctl
