// The words of commands that work on an object: its path may be the first of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "srpctl/command.h"
#include "srpctl/node.h"

namespace srpd::ctl {

/// Takes the path from the front of `words` if there is one that `fits`, else where the shell
/// stands.
template <class Fits>
Expected<const Node*> take_node(const Node& root, const Common& common,
                                std::vector<std::string>& words, Fits fits) {
  if (!words.empty()) {
    const std::string path = absolute_path(common.place, words.front());
    const Node* const found = find_node(root, path);
    if (found != nullptr && fits(*found)) {
      words.erase(words.begin());
      return found;
    }
    if (found == nullptr && words.front().find('/') != std::string::npos &&
        words.front().find('=') == std::string::npos && !fits(*find_node(root, "/"))) {
      if (const Node* const here = find_node(root, common.place); here == nullptr || !fits(*here))
        return node_at(root, path);
    }
  }
  return node_at(root, common.place);
}

/// Values by name: "size=1M", or in the order of `names` without one.
Expected<std::map<std::string, std::string>> named_values(const std::vector<std::string>& words,
                                                          const std::vector<std::string>& names,
                                                          const std::string& object);

/// One value of srpd's yes and no words: 1 0 true false yes no on off.
Expected<bool> truth(const std::string& text, const std::string& name);

}  // namespace srpd::ctl
