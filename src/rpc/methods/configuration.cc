// The configuration as a whole: saved, compared, applied, and taken back.
#include <sys/stat.h>

#include <string>
#include <vector>

#include "control/apply.h"
#include "control/saved_file.h"
#include "control/tree_save.h"
#include "rpc/methods.h"
#include "rpc/services.h"

namespace srpd::rpc {
namespace {

Json list_of(const std::vector<control::Difference>& differences) {
  Json list = Json::array();
  for (const control::Difference& each : differences) {
    Json one{{"action", control::action_name(each.action)}, {"object", each.object}};
    if (!each.member.empty()) {
      one["member"] = each.member;
      one["from"] = each.from;
      one["to"] = each.to;
    }
    list.push_back(std::move(one));
  }
  return list;
}

Json list_of(const control::Problems& problems) {
  Json list = Json::array();
  for (const Error& each : problems) list.push_back(json_of(each));
  return list;
}

tl::unexpected<Fault> nothing_saved() {
  return refused({"srpd", "it keeps no saved configuration", "start it with --tree and a file"});
}

/// The file's own error, with its name.
Answer<Json> parsed(const std::string& path, const Expected<std::string>& text) {
  if (!text) return refused(text.error());
  auto json = control::parse_json(*text);
  if (!json) return refused({path, json.error().cause, json.error().remedy});
  return std::move(*json);
}

/// That of the call, else what is saved.
Answer<Json> wanted(const Services& services, const Arguments& arguments) {
  if (arguments.has("config")) return arguments.json("config");
  if (services.saved == nullptr) return nothing_saved();
  return parsed(services.saved->path(), services.saved->read());
}

Answer<Json> diff(Services& services, const Arguments& arguments) {
  const auto json = wanted(services, arguments);
  if (!json) return tl::unexpected(json.error());
  const auto differences = control::compare_with_tree(services.tree, *json);
  if (!differences) return refused(differences.error());
  return Json{{"differences", list_of(*differences)}};
}

Answer<Json> apply_now(Services& services, const Json& json) {
  const auto applied = control::apply_configuration(services.tree, json);
  if (!applied) return refused(applied.error());
  // All of it is there: what was missing before is not wanted, or is there as well.
  if (applied->problems.empty()) services.not_restored.clear();
  return Json{{"differences", list_of(applied->differences)},
              {"problems", list_of(applied->problems)}};
}

Answer<Json> apply(Services& services, const Arguments& arguments) {
  if (arguments.flag("dry_run")) return diff(services, arguments);
  const std::lock_guard lock(services.configuration);
  return apply_now(services, arguments.json("config"));
}

/// Existing objects get what is new in them; nothing goes.
Answer<Json> add(Services& services, const Arguments& arguments) {
  const std::lock_guard lock(services.configuration);
  const auto problems =
      control::restore_tree(services.tree, arguments.json("config"), control::Existing::extend);
  if (!problems) return refused(problems.error());
  return Json{{"problems", list_of(*problems)}};
}

tl::unexpected<Fault> would_be_missing(const Error& what, const std::string& remedy) {
  const std::string first = remedy.empty() ? what.remedy : remedy;
  return refused({what.object, "it would be missing in what is saved: " + what.cause,
                  first + ", or save without it (incomplete)"});
}

Answer<Json> save(Services& services, const Arguments& arguments) {
  if (services.saved == nullptr) return nothing_saved();
  const std::lock_guard lock(services.configuration);
  const control::SavedTree saved = control::save_tree(services.tree);
  if (!arguments.flag("incomplete")) {
    if (!services.not_restored.empty())
      return would_be_missing(services.not_restored.front(), "reload when that is mended");
    if (!saved.problems.empty()) return would_be_missing(saved.problems.front(), {});
  }
  if (const auto written = services.saved->write(saved.text); !written)
    return refused(written.error());
  services.not_restored.clear();
  return Json{{"path", services.saved->path()}, {"problems", list_of(saved.problems)}};
}

Json version_of(std::size_t number, const std::string& path) {
  struct stat status{};
  const bool there = ::stat(path.c_str(), &status) == 0;
  return {{"version", number},
          {"path", path},
          {"bytes", there ? status.st_size : 0},
          {"time", there ? status.st_mtime : 0}};
}

Answer<Json> history(Services& services, const Arguments&) {
  if (services.saved == nullptr) return nothing_saved();
  Json list = Json::array();
  std::size_t number = 0;
  list.push_back(version_of(number, services.saved->path()));
  for (const std::string& path : services.saved->versions())
    list.push_back(version_of(++number, path));
  return list;
}

Answer<Json> version_text(const Services& services, std::int64_t number) {
  if (number == 0) return parsed(services.saved->path(), services.saved->read());
  const auto versions = services.saved->versions();
  if (number < 0 || static_cast<std::size_t>(number) > versions.size())
    return refused({"version " + std::to_string(number),
                    "there are " + std::to_string(versions.size()) + " older versions of " +
                        services.saved->path(),
                    "'history' lists them"});
  const std::string& path = versions[static_cast<std::size_t>(number) - 1];
  return parsed(path, control::SavedFile(path, 0).read());
}

Answer<Json> rollback(Services& services, const Arguments& arguments) {
  if (services.saved == nullptr) return nothing_saved();
  const std::lock_guard lock(services.configuration);
  const std::int64_t number = arguments.number("version", 1);
  const auto json = version_text(services, number);
  if (!json) return tl::unexpected(json.error());
  auto applied = apply_now(services, *json);
  if (!applied) return applied;
  const control::SavedTree saved = control::save_tree(services.tree);
  const bool whole = (*applied)["problems"].empty() && saved.problems.empty();
  if (whole)
    if (const auto written = services.saved->write(saved.text); !written)
      return refused(written.error());
  (*applied)["saved"] = whole;
  return applied;
}

constexpr std::string_view differences_text =
    "differences: action (remove, create, replace, set), object, and for replace and set member, "
    "from, to";

constexpr Method methods[] = {
    {.name = "diff",
     .summary = "What has to change so that the tree is what a configuration says",
     .result = differences_text,
     .call = diff,
     .parameters = {{{"config", Type::object, false,
                      "in the form of saveconfig.json; without it the saved one"}}}},
    {.name = "apply",
     .summary = "Make the tree what a configuration says, by doing only what is different",
     .result = "differences as by diff, and problems: what of them could not be done",
     .call = apply,
     .parameters = {{{"config", Type::object, true, "in the form of saveconfig.json"},
                     {"dry_run", Type::boolean, false, "change nothing, as diff"}}}},
    {.name = "add",
     .summary = "Make what a configuration names, in addition to what is there",
     .result = "problems: what could not be made",
     .call = add,
     .parameters = {{{"config", Type::object, true, "a part of one is enough"}}}},
    {.name = "save",
     .summary = "Save the tree, keeping the version saved before",
     .result = "path, and problems: what is not in it",
     .call = save,
     .parameters = {{{"incomplete", Type::boolean, false,
                      "leave out what is not whole, instead of refusing"}}}},
    {.name = "history",
     .summary = "The saved versions, newest first",
     .result = "of each: version (0: the current one), path, bytes, time (seconds since 1970)",
     .call = history},
    {.name = "rollback",
     .summary = "Apply an older saved version, and save it if all of it could be done",
     .result = "differences and problems as by apply, and saved",
     .call = rollback,
     .parameters = {{{"version", Type::number, false, "as by history; 1 without it"}}}},
};

}  // namespace

std::span<const Method> configuration_methods() { return methods; }

}  // namespace srpd::rpc
