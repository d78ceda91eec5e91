#include "control/reservation_list.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "control/tree_view.h"

namespace srpd::control {
namespace {

using tree::Directory;

template <class Visitor>
void for_each_directory(const Directory& parent, Visitor visit) {
  parent.for_each_made([&](const tree::Entry& entry) {
    if (!entry.is_link()) visit(static_cast<const Directory&>(entry));
  });
}

/// What stands between two words of a text; with an empty second one, the rest.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  return std::string(after.empty() ? text : text.substr(0, text.find(after)));
}

/// "srpt Node: NAME Key: 0x... PRgen: 0x..." lines under a title.
Json registrations_in(std::string_view text) {
  Json all = Json::array();
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::string initiator = between(line, "Node: ", " Key: ");
    if (!initiator.empty())
      all.push_back({{"initiator", std::move(initiator)},
                     {"key", between(line, " Key: ", " ")},
                     {"generation", between(line, " PRgen: ", "")}});
  }
  return all;
}

Json reservation_of(const Directory& device, const BackstoreKind& kind) {
  const Directory* const pr = device.find_directory("pr");
  if (pr == nullptr) return nullptr;
  const auto word = [&](std::string_view name) { return attribute_text(*pr, name).value_or(""); };
  Json registrations = registrations_in(word("res_pr_registered_i_pts"));
  std::string holder = between(word("res_holder"), " Initiator: ", "");
  if (registrations.empty() && holder.empty()) return nullptr;
  const bool by_reserve = word("res_type") == "SPC2_RESERVATIONS";
  Json type;
  if (!holder.empty())
    type = by_reserve ? "RESERVE" : between(word("res_pr_type"), "Reservation Type: ", "");
  return {{"object", "/backstores/" + std::string(kind.plugin) + "/" + device.name()},
          {"holder", holder.empty() ? Json() : Json(std::move(holder))},
          {"type", std::move(type)},
          {"generation", word("res_pr_generation")},
          {"persists", word("res_aptpl_active").ends_with("Activated")},
          {"registrations", std::move(registrations)}};
}

}  // namespace

Json reservations(const tree::Tree& tree) {
  return tree.inspect([](const Directory& root) {
    Json all = Json::array();
    const Directory* const target = root.find_directory("target");
    const Directory* const core = target ? target->find_directory("core") : nullptr;
    if (core == nullptr) return all;
    for_each_directory(*core, [&](const Directory& hba) {
      const BackstoreKind* const kind = kind_of_hba(hba.name());
      if (kind == nullptr || kind->plugin == "pscsi") return;
      for_each_directory(hba, [&](const Directory& device) {
        if (Json found = reservation_of(device, *kind); !found.is_null())
          all.push_back(std::move(found));
      });
    });
    std::sort(all.begin(), all.end(),
              [](const Json& a, const Json& b) { return a["object"] < b["object"]; });
    return all;
  });
}

}  // namespace srpd::control
