#include "control/apply.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "control/tree_remove.h"
#include "control/tree_save.h"
#include "control/tree_view.h"

namespace srpd::control {
namespace {

using Action = Difference::Action;

bool goes(const Difference& difference) {
  return difference.action == Action::remove || difference.action == Action::replace;
}

/// "target/core/fileio_0/disk" as it is named elsewhere: "/backstores/fileio/disk".
std::string object_name(const std::string& path) {
  constexpr std::string_view core = "target/core/";
  constexpr std::string_view srpt = "target/srpt/";
  if (path.starts_with(core)) {
    const std::size_t slash = path.find('/', core.size());
    const BackstoreKind* const kind =
        slash == std::string::npos ? nullptr
                                   : kind_of_hba(path.substr(core.size(), slash - core.size()));
    return kind == nullptr ? path : "/backstores/" + std::string(kind->plugin) + path.substr(slash);
  }
  return path.starts_with(srpt) ? path.substr(std::string_view("target").size()) : path;
}

/// Where the devices are, by their names in a configuration.
std::map<std::string, std::string> device_paths(const tree::Tree& tree) {
  return tree.inspect([](const tree::Directory& root) {
    std::map<std::string, std::string> paths;
    const auto* const target = root.find_directory("target");
    const auto* const core = target ? target->find_directory("core") : nullptr;
    if (!core) return paths;
    core->for_each_made([&](const tree::Entry& entry) {
      const auto& hba = static_cast<const tree::Directory&>(entry);
      const BackstoreKind* const kind = kind_of_hba(hba.name());
      if (!kind) return;
      hba.for_each_made([&](const tree::Entry& device) {
        paths["/backstores/" + std::string(kind->plugin) + "/" + device.name()] =
            "target/core/" + hba.name() + "/" + device.name();
      });
    });
    return paths;
  });
}

/// Directories that somebody made and did not finish. A whole tpg is never among them.
std::vector<Difference> unfinished(const Problems& problems) {
  std::vector<Difference> found;
  for (const Error& problem : problems) {
    const std::string& path = problem.object;
    if (path.starts_with("target/core/") || path.find("/lun_") != std::string::npos)
      found.push_back({.action = Action::remove, .object = object_name(path), .path = path});
  }
  return found;
}

bool creates(const std::vector<Difference>& differences, const std::string& object) {
  return std::any_of(differences.begin(), differences.end(), [&](const Difference& each) {
    return each.action == Action::create && each.object == object;
  });
}

class Removal {
 public:
  Removal(tree::Tree& tree, Problems& problems)
      : tree_(tree), problems_(problems), devices_(device_paths(tree)) {}

  void run(const Difference& difference) {
    const std::string path = difference.path.empty() ? device_part(difference) : difference.path;
    const auto removed = remove_tree(tree_, path);
    if (!removed && removed.error().code != ENOENT)
      problems_.push_back(removed.error().error(difference.object));
    if (removed && path.starts_with("target/core/") && path.find("/alua/") == std::string::npos)
      remove_hba(path.substr(0, path.rfind('/')));
  }

 private:
  std::string device_part(const Difference& difference) const {
    const std::size_t group = difference.object.rfind("/alua/");
    const auto found = devices_.find(difference.object.substr(0, group));
    if (found == devices_.end()) return difference.object;
    return group == std::string::npos ? found->second
                                      : found->second + difference.object.substr(group);
  }

  /// One device each, as rtslib makes them; one with more stays.
  void remove_hba(const std::string& path) {
    const auto core = tree_.resolve("target/core");
    if (core) static_cast<void>(tree_.rmdir(*core, path.substr(path.rfind('/') + 1)));
  }

  tree::Tree& tree_;
  Problems& problems_;
  const std::map<std::string, std::string> devices_;
};

tl::unexpected<Error> first_of(const Problems& problems) {
  Error error = problems.front();
  if (problems.size() > 1) error.cause += " (and " + std::to_string(problems.size() - 1) + " more)";
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace

Expected<std::vector<Difference>> compare_with_tree(const tree::Tree& tree, const Json& wanted) {
  if (const Problems wrong = check_configuration(wanted); !wrong.empty()) return first_of(wrong);
  const SavedTree saved = save_tree(tree);
  const auto have = parse_json(saved.text);
  if (!have) return tl::unexpected(have.error());
  std::vector<Difference> all = differences(*have, wanted);
  std::vector<Difference> loose = unfinished(saved.problems);
  std::erase_if(loose, [&](const Difference& each) { return creates(all, each.object); });
  all.insert(all.begin(), std::make_move_iterator(loose.begin()),
             std::make_move_iterator(loose.end()));
  return all;
}

Expected<Applied> apply_configuration(tree::Tree& tree, const Json& wanted,
                                      const ScsiAddress& address) {
  auto found = compare_with_tree(tree, wanted);
  if (!found) return tl::unexpected(found.error());
  Applied applied{std::move(*found), {}};
  if (applied.differences.empty()) return applied;
  Removal removal(tree, applied.problems);
  for (const Difference& each : applied.differences)
    if (goes(each)) removal.run(each);
  auto restored = restore_tree(tree, wanted, Existing::adjust, address);
  if (!restored) return tl::unexpected(restored.error());
  std::move(restored->begin(), restored->end(), std::back_inserter(applied.problems));
  return applied;
}

}  // namespace srpd::control
