// Configurations of other targets: any bytes in any format come to a configuration that is read
// again, with remarks that say something.
// fuzz layers: control
// fuzz sources: support/configfs_listing.cc
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "control/import/format.h"
#include "control/saveconfig.h"
#include "support/configfs_listing.h"

namespace {

using namespace srpd::control;

void check(const srpd::Expected<Imported>& imported) {
  if (!imported) {
    CHECK(!imported.error().cause.empty());
    return;
  }
  for (const ImportNote& note : imported->notes()) CHECK(!note.error.cause.empty());
  CHECK(parse_saveconfig(imported->text()).has_value());
}

}  // namespace

// The first byte chooses the format, as a recognizer would.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto formats = import_formats();
  const ImportFormat& format = formats[data[0] % formats.size()];
  ImportSource source;
  source.name = "fuzz";
  source.text.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  const srpd::test::ConfigfsListing tree(source.text);
  if (format.name == "lio-tree") source.tree = &tree;
  // It includes itself, a few times.
  int includes = 3;
  source.include = [&source, &includes](const std::string&) {
    std::vector<ImportSource> again;
    if (includes-- > 0) again.emplace_back().text = source.text;
    return again;
  };
  recognize_import_format(source);
  check(format.read(source));
  return 0;
}
