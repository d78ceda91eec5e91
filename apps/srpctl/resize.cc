// srpctl resize: another size for a disk that hosts are using.
#include <fmt/core.h>

#include "command.h"
#include "srpctl/difference_text.h"
#include "srpctl/place.h"
#include "store/size_text.h"

namespace srpd::ctl {
namespace {

using Kind = Node::Kind;

struct Wanted {
  std::vector<std::string> words;  ///< [PATH] [SIZE]
  bool force = false;
};

bool has_size(const Node& node) {
  return node.kind == Kind::device || node.kind == Kind::lun || node.kind == Kind::mapped_lun;
}

/// The backstore itself, also of a LUN that shows it.
Expected<const Node*> backstore_of(const Node& root, const Node& node) {
  if (node.kind == Kind::device) return &node;
  const Json object = has_size(node) ? node.data["object"] : Json();
  if (object.is_string()) return node_at(root, object.get<std::string>());
  return failure(node.path, "it is no backstore",
                 "name one: 'srpctl resize /backstores/PLUGIN/NAME SIZE'");
}

int show(const std::string& name, const Json& result) {
  const auto from = result["from"].get<std::uint64_t>();
  const auto size = result["size"].get<std::uint64_t>();
  if (from == size)
    fmt::print("{} has {}, as before.\n", printable(name), short_size(size));
  else
    fmt::print("{} has {} now, instead of {}.\n", printable(name), short_size(size),
               short_size(from));
  if (from != size && !result["saved"].get<bool>() && result["problems"].empty())
    fmt::print("It is not in the saved configuration: 'srpctl save'.\n");
  return print_problems(result["problems"]);
}

int run_resize(const Common& common, const Wanted& wanted) {
  std::string name;
  Json parameters = Json::object();
  const int found = with_daemon(common, [&](rpc::Client& client) -> int {
    const auto root = load_nodes(client);
    if (!root) return fail(root.error());
    std::vector<std::string> words = wanted.words;
    const auto node = take_node(*root, common, words, has_size);
    const auto device = node ? backstore_of(*root, **node) : node;
    if (!device) return fail(device.error());
    if (words.size() > 1)
      return fail({(*device)->path, "too many values", "srpctl resize [PATH] [SIZE]"});
    name = (*device)->path;
    parameters = {{"path", (*device)->tree}, {"force", wanted.force}};
    if (words.empty()) return success;
    const auto size = store::parse_size(words.front());
    if (!size) return fail(size.error());
    parameters["size"] = *size;
    return success;
  });
  if (found != success) return found;
  return show_call(common, "resize", parameters,
                   [&](const Json& result) { return show(name, result); });
}

}  // namespace

Action add_resize(CLI::App& app, const Common& common) {
  app.description(
      "Give a backstore another size while hosts use it: they are told. Its file is made longer "
      "where it has to be. Without SIZE it gets the size that its file or device has now. The "
      "saved configuration gets the size, too.");
  const auto wanted = std::make_shared<Wanted>();
  app.add_option("PATH SIZE", wanted->words, "Of the backstore, or a LUN of it; such as 20G");
  app.add_flag("--force", wanted->force,
               "Shrink: hosts lose what they have beyond. A file keeps its length");
  return [&common, wanted] { return run_resize(common, *wanted); };
}

}  // namespace srpd::ctl
