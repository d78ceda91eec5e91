// srp disconnect: logs the kernel's initiator out.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "attach.h"
#include "kernel/login.h"

namespace srpd::cli {
namespace {

using kernel::Session;

constexpr std::chrono::seconds logout_patience{30};

struct Options {
  std::vector<std::string> targets;
  FindOptions find;
};

bool is_of(const Session& session, const srp::PortId& target) {
  return session.id_ext == id_ext_of(target) && session.ioc_guid == ioc_guid_of(target);
}

/// "dest=IP:PORT", where the host's name can be resolved.
std::string place_of(const initiator::Url& url) {
  const auto address = transport::Address::parse(url.endpoint(), initiator::default_port);
  return address ? "dest=" + address->text() : std::string();
}

/// "dest=IP:" of a target that was named without a port.
bool at_host(const Session& session, const std::string& place) {
  const std::string host = place.substr(0, place.rfind(':') + 1);
  return !host.empty() && session.place.starts_with(host);
}

template <class Test>
std::vector<Session> those(const std::vector<Session>& sessions, Test test) {
  std::vector<Session> found;
  std::copy_if(sessions.begin(), sessions.end(), std::back_inserter(found), test);
  return found;
}

class Selection {
 public:
  Selection(const Common& common, const Options& options, const std::vector<Session>& all)
      : common_(common), options_(options), all_(all) {}

  /// The sessions that `text` means; none: an error.
  Expected<std::vector<Session>> of(const std::string& text) {
    if (text == "all") return all_;
    auto found = by_name(text);
    if (found && found->empty())
      return failure("\"" + text + "\"", "the kernel is not logged in there", known());
    return found;
  }

 private:
  Expected<std::vector<Session>> by_name(const std::string& text) {
    if (text.starts_with("host") && text.find_first_not_of("0123456789", 4) == std::string::npos)
      return those(all_, [&](const Session& s) { return s.host_name() == text; });
    if (text.find('=') != std::string::npos) {
      const auto login = kernel::parse_login_string(text);
      if (!login) return tl::make_unexpected(login.error());
      return those(all_, [&](const Session& s) {
        return s.id_ext == login->id_ext && s.ioc_guid == login->ioc_guid &&
               (s.place.empty() || s.place == login->place());
      });
    }
    const bool whole = text.starts_with("srp://");
    const auto url = initiator::Url::parse(whole ? text : "srp://" + text);
    if (!url) return tl::make_unexpected(url.error());
    return by_url(*url);
  }

  /// By the address that was noted at the login; sessions that others made only by what the target
  /// says it is called.
  Expected<std::vector<Session>> by_url(const initiator::Url& url) {
    const std::string place = place_of(url);
    auto found = those(all_, [&](const Session& s) { return s.place == place; });
    if (found.empty() && url.port == initiator::default_port)
      found = those(all_, [&](const Session& s) { return at_host(s, place); });
    if (url.target) {
      if (found.empty()) found = those(all_, [](const Session& s) { return s.place.empty(); });
      return those(found, [&](const Session& s) { return is_of(s, *url.target); });
    }
    return found.empty() ? by_discovery(url) : found;
  }

  Expected<std::vector<Session>> by_discovery(const initiator::Url& url) {
    if (all_.empty()) return std::vector<Session>{};
    const auto transport = make_transport(common_);
    if (!transport) return tl::make_unexpected(transport.error());
    const auto loop = runtime::make_loop({});
    if (!loop) return tl::make_unexpected(loop.error());
    Finder finder(common_, options_.find, **loop, **transport);
    std::vector<kernel::LoginString> logins;
    for (const Unit& unit : finder.at({url.text()}).units)
      for (kernel::LoginString& login : logins_of(unit, true)) logins.push_back(std::move(login));
    return those(all_, [&](const Session& s) {
      return std::any_of(logins.begin(), logins.end(), [&](const kernel::LoginString& login) {
        return s.id_ext == login.id_ext && s.ioc_guid == login.ioc_guid &&
               (s.place.empty() || s.place == login.place());
      });
    });
  }

  std::string known() const {
    if (all_.empty()) return "it is logged in nowhere";
    std::string text = "it is logged in as";
    for (const Session& session : all_)
      text += fmt::format(" {} ({:016x}{:016x}{}{})", session.host_name(), session.id_ext,
                          session.ioc_guid, session.place.empty() ? "" : " ", session.place);
    return text;
  }

  const Common& common_;
  const Options& options_;
  const std::vector<Session>& all_;
};

int disconnect(const Common& common, const Options& options) {
  const kernel::Files files;
  const auto all = kernel::sessions(files);
  if (options.targets == std::vector<std::string>{"all"} && all.empty())
    fmt::print("the kernel is logged in nowhere\n");
  Selection selection(common, options, all);
  int code = success;
  std::vector<unsigned> gone;
  for (const std::string& target : options.targets) {
    const auto chosen = selection.of(target);
    if (!chosen) {
      code = fail(chosen.error(), no_connection);
      continue;
    }
    for (const Session& session : *chosen) {
      if (std::find(gone.begin(), gone.end(), session.host) != gone.end()) continue;
      gone.push_back(session.host);
      if (const auto out = kernel::log_out(files, session, logout_patience); !out)
        code = fail(out.error(), no_connection);
      else
        fmt::print("{}{}{}: logged out\n", session.host_name(), session.place.empty() ? "" : " ",
                   session.place);
    }
  }
  return code;
}

}  // namespace

Action add_disconnect(CLI::App& app, const Common& common) {
  auto options = std::make_shared<Options>();
  app.add_option("TARGET", options->targets,
                 "HOST[:PORT], a URL, hostN as `srp connect` prints it, a login string, or all")
      ->required();
  add_find_options(app, options->find);
  app.footer(
      "Ends sessions of the kernel's initiator ib_srp; their disks go. Unmount them first. Needs\n"
      "root.");
  return [options, &common] { return disconnect(common, *options); };
}

}  // namespace srpd::cli
