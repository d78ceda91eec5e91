#include "kernel/daemon_config.h"

#include <fmt/format.h>

#include <charconv>
#include <span>

namespace srpd::kernel {
namespace {

constexpr std::string_view blanks = " \t\r";
constexpr unsigned longest_interval_s = 86400;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  line = line.substr(0, line.find('#'));
  while (true) {
    const std::size_t begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return words;
    const std::size_t end = line.find_first_of(blanks, begin);
    words.push_back(line.substr(begin, end - begin));
    if (end == std::string_view::npos) return words;
    line.remove_prefix(end);
  }
}

bool hexadecimal(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

/// 32 digits, or 16 where both halves are equal, as in a URL.
std::optional<DaemonException> target_id(std::string_view text) {
  DaemonException id;
  const std::string_view second = text.size() == 32 ? text.substr(16) : text;
  if ((text.size() != 16 && text.size() != 32) || !hexadecimal(text.substr(0, 16), id.id_ext) ||
      !hexadecimal(second, id.ioc_guid))
    return std::nullopt;
  return id;
}

class Parser {
 public:
  explicit Parser(const std::string& name) : name_(name) {}

  Expected<void> line(std::string_view text) {
    ++number_;
    const auto words = words_of(text);
    if (words.empty()) return {};
    const std::span<const std::string_view> rest = std::span(words).subspan(1);
    if (words[0] == "interval") return interval(rest);
    if (words[0] == "options") return options(rest);
    if (words[0] == "connect") return connect(rest);
    if (words[0] == "login") return login(rest);
    if (words[0] == "except") return except(rest);
    return bad(fmt::format("\"{}\" is no word of this file", words[0]),
               "begin the line with connect, login, except, options, interval or #");
  }
  const DaemonConfig& config() const { return config_; }

 private:
  using Words = std::span<const std::string_view>;

  tl::unexpected<Error> bad(std::string cause, std::string remedy) const {
    return failure(fmt::format("{} line {}", name_, number_), std::move(cause), std::move(remedy));
  }
  tl::unexpected<Error> bad(const Error& error) const {
    return bad(error.object + ": " + error.cause, error.remedy);
  }

  Expected<void> interval(Words words) {
    unsigned seconds = 0;
    const auto whole = [&](std::string_view text) {
      return std::from_chars(text.data(), text.data() + text.size(), seconds).ptr ==
             text.data() + text.size();
    };
    if (words.size() != 1 || !whole(words[0]) || seconds < 1 || seconds > longest_interval_s)
      return bad("interval needs a number of seconds from 1 to 86400", "write: interval 60");
    config_.interval = std::chrono::seconds(seconds);
    return {};
  }

  Expected<void> options(Words words) {
    defaults_.clear();
    for (const std::string_view word : words)
      if (auto added = add_options(word, defaults_); !added) return added;
    return {};
  }

  Expected<void> connect(Words words) {
    if (words.empty())
      return bad("connect needs a target", "write: connect HOST, connect URL or connect all");
    DaemonRule rule = new_rule();
    rule.kind = words[0] == "all" ? DaemonRule::Kind::everything : DaemonRule::Kind::target;
    rule.target = words[0];
    return finish(std::move(rule), words.subspan(1));
  }

  Expected<void> login(Words words) {
    if (words.empty())
      return bad("login needs a string", "write: login id_ext=...,ioc_guid=...,dest=IP:PORT");
    DaemonRule rule = new_rule();
    rule.kind = DaemonRule::Kind::login;
    const auto parsed = parse_login_string(words[0]);
    if (!parsed) return bad(parsed.error());
    rule.login = *parsed;
    return finish(std::move(rule), words.subspan(1));
  }

  Expected<void> except(Words words) {
    for (const std::string_view word : words) {
      const auto id = target_id(word);
      if (!id)
        return bad(fmt::format("\"{}\" is no target", word),
                   "write its 16 or 32 hexadecimal digits, as srp discover prints them");
      config_.exceptions.push_back(*id);
    }
    return {};
  }

  DaemonRule new_rule() const {
    DaemonRule rule;
    rule.options = defaults_;
    rule.line = number_;
    return rule;
  }

  Expected<void> finish(DaemonRule rule, Words words) {
    for (const std::string_view word : words) {
      if (word.starts_with("device=")) {
        rule.device = word.substr(7);
      } else if (word == "addresses=all") {
        rule.all_addresses = true;
      } else if (auto added = add_options(word, rule.options); !added) {
        return added;
      }
    }
    config_.rules.push_back(std::move(rule));
    return {};
  }

  /// A later value of the same option takes the place of an earlier one.
  Expected<void> add_options(std::string_view word, std::vector<LoginString::Option>& to) {
    const auto parsed = parse_login_options(word);
    if (!parsed) return bad(parsed.error());
    for (const LoginString::Option& option : *parsed) {
      std::erase_if(to, [&](const auto& old) { return old.first == option.first; });
      to.push_back(option);
    }
    return {};
  }

  const std::string& name_;
  unsigned number_ = 0;
  std::vector<LoginString::Option> defaults_;
  DaemonConfig config_;
};

}  // namespace

Expected<DaemonConfig> parse_daemon_config(std::string_view text, const std::string& name) {
  Parser parser(name);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (auto parsed = parser.line(text.substr(0, end)); !parsed)
      return tl::make_unexpected(parsed.error());
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  if (parser.config().rules.empty())
    return failure(name, "it names nothing to connect to",
                   "add a line such as: connect 192.0.2.10, or: connect all");
  return parser.config();
}

}  // namespace srpd::kernel
