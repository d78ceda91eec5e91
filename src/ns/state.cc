#include "ns/state.h"

#include <filesystem>
#include <system_error>

#include "ns/mounts.h"

namespace srpd::ns {
namespace {

namespace fs = std::filesystem;

// rtslib's own name for it, and Debian's.
constexpr const char* tool_directories[] = {"/etc/target", "/etc/rtslib-fb-target"};
// Those that LIO and the tools expect in it.
constexpr const char* parts[] = {"backup", "pr", "alua"};

tl::unexpected<Error> state_failure(const fs::path& path, const std::error_code& error) {
  return failure(path.string(), error.message(),
                 "run as root, or choose another folder with --state");
}

Expected<void> make_private(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) return state_failure(path, error);
  return {};
}

}  // namespace

Expected<State> prepare_state(const std::string& directory) {
  std::error_code error;
  const fs::path top = fs::absolute(directory, error);
  if (directory.empty() || error)
    return failure("folder '" + directory + "'", "it is no path", "give one with --state");
  const State state{(top / "target").string(), (top / "targetcli").string(),
                    (top / "run").string()};
  for (const auto& path : {state.saved, state.settings, state.run})
    if (auto made = make_private(path); !made) return tl::unexpected(made.error());
  for (const char* part : parts)
    if (auto made = make_private(fs::path(state.saved) / part); !made)
      return tl::unexpected(made.error());
  return state;
}

Expected<void> show_state(const State& state) {
  if (auto done = mount_memory(state.run); !done) return done;
  for (const char* directory : tool_directories) {
    std::error_code error;
    if (!fs::is_directory(directory, error)) continue;
    if (auto done = bind_mount(state.saved, directory); !done) return done;
  }
  return {};
}

}  // namespace srpd::ns
