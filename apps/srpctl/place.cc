#include "srpctl/place.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace srpd::ctl {

Expected<std::map<std::string, std::string>> named_values(const std::vector<std::string>& words,
                                                          const std::vector<std::string>& names,
                                                          const std::string& object) {
  std::map<std::string, std::string> values;
  std::size_t next = 0;
  const std::string remedy = fmt::format("it takes {}", fmt::join(names, ", "));
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const bool named =
        equals != std::string::npos && std::find(names.begin(), names.end(), name) != names.end();
    if (equals != std::string::npos && !named && name.find('/') == std::string::npos)
      return failure(object, "there is no parameter '" + printable(name) + "'", remedy);
    if (!named && next >= names.size()) return failure(object, "too many values", remedy);
    const std::string key = named ? name : names[next++];
    if (!values.emplace(key, named ? word.substr(equals + 1) : word).second)
      return failure(object, "'" + key + "' is given twice", remedy);
  }
  return values;
}

Expected<bool> truth(const std::string& text, const std::string& name) {
  for (const char* yes : {"1", "true", "True", "yes", "on"})
    if (text == yes) return true;
  for (const char* no : {"0", "false", "False", "no", "off"})
    if (text == no) return false;
  return failure(name, "'" + printable(text) + "' is neither true nor false");
}

}  // namespace srpd::ctl
