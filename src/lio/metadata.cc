#include "lio/metadata.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/log.h"
#include "base/whole_file.h"
#include "lio/model.h"

namespace srpd::lio {

std::string place_of_metadata(const Model& model, const std::string& path) {
  if (model.dbroot().empty() || path.find("..") != std::string::npos) return {};
  std::string file = model.place_of_dbroot() + "/alua/" + path;
  return model.is_own_mount(file) ? std::string() : file;
}

void write_metadata(tree::Change& change, const Model& model, const MetadataFile& metadata) {
  const std::string file = place_of_metadata(model, metadata.path);
  if (file.empty()) return;
  const bool own_place = model.place_of_dbroot() == model.options().own_dbroot;
  change.unlocked([&] {
    const std::string directory = file.substr(0, file.rfind('/'));
    std::error_code error;  // Writing says it better.
    if (own_place) std::filesystem::create_directories(directory, error);
    if (::access(directory.c_str(), F_OK) != 0) return;
    if (const auto written = replace_file(file, metadata.text); !written)
      log::warning("the ALUA state cannot be saved: {}", written.error().text());
  });
}

void forget_metadata(tree::Change& change, const Model& model, const std::string& path) {
  const std::string file = place_of_metadata(model, path);
  if (file.empty()) return;
  change.unlocked([&] {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
      log::warning("{}: the ALUA state cannot be removed: {}", file, errno_text(errno));
  });
}

}  // namespace srpd::lio
