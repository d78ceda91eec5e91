#include "lio/root.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cerrno>
#include <utility>

#include "lio/device.h"
#include "lio/hba.h"
#include "lio/rows.h"
#include "lio/srpt.h"
#include "lio/stub_fabrics.h"
#include "lio/text.h"

namespace srpd::lio {
namespace {

constexpr std::size_t max_dbroot = 4095;

/// target/
class TargetDirectory final : public Directory {
 public:
  explicit TargetDirectory(Model& model) : model_(model) { make_group<Core>("core", model); }
  std::span<const Attribute> attributes() const override;

  Result<std::unique_ptr<Directory>> make(Change& change, std::string_view name) override {
    static_cast<void>(change);
    if (name == "srpt") return std::make_unique<Srpt>(model_);
    if (auto stub = make_stub_fabric(name)) return stub;
    return fail(EINVAL, "there is no such fabric", "the one that is served is srpt");
  }

 private:
  static const Attribute rows[];

  std::string show_version() const {
    utsname machine{};
    uname(&machine);
    const std::string& release = model_.options().kernel_release;
    return fmt::format("Target Engine Core ConfigFS Infrastructure v5.0 on {}/{} on {}\n",
                       machine.sysname, machine.machine,
                       release.empty() ? machine.release : release.c_str());
  }

  std::string show_dbroot() const { return model_.dbroot() + '\n'; }

  Result<void> store_dbroot(Change& change, std::string_view text);

  Model& model_;
};

const Attribute TargetDirectory::rows[] = {
    row<&TargetDirectory::show_dbroot, &TargetDirectory::store_dbroot>("dbroot"),
    read_only<&TargetDirectory::show_version>("version"),
};

std::span<const Attribute> TargetDirectory::attributes() const { return rows; }

/// Unlike LIO's it can be written at any time. Nothing is saved below an empty one.
Result<void> TargetDirectory::store_dbroot(Change& change, std::string_view text) {
  if (text.size() > max_dbroot) return fail(EINVAL, "the path is too long");
  const std::string path(without_newline(text));
  if (path.empty()) {
    model_.set_dbroot({});
    return {};
  }
  if (path.front() != '/') return fail(ENOENT, "the path is not absolute");
  if (model_.is_own_mount(path))
    return fail(EINVAL, "the path leads into the administration tree itself");
  struct stat status{};
  const std::string& place = model_.place_of(path);
  const int error = change.unlocked([&] { return stat(place.c_str(), &status) == 0 ? 0 : errno; });
  if (error != 0) return fail(error, errno_text(error), "make the directory");
  if (!S_ISDIR(status.st_mode)) return fail(ENOTDIR, "it is no directory");
  model_.set_dbroot(path);
  return {};
}

class Empty final : public Directory {};

class Root final : public Directory {
 public:
  Root(Engine& engine, Options options) : model_(engine, std::move(options)) {
    for (const std::string& name : model_.options().other_subsystems) make_group<Empty>(name);
    make_group<TargetDirectory>("target", model_);
  }

 private:
  Model model_;
};

}  // namespace

std::unique_ptr<tree::Directory> make_root(Engine& engine, Options options) {
  return std::make_unique<Root>(engine, std::move(options));
}

void device_arrived(tree::Tree& tree, DeviceId device, const DeviceSpec& spec,
                    const DeviceProperties& found) {
  const auto place = tree.resolve("target/core/" + spec.hba + "/" + spec.name);
  if (!place) return;
  static_cast<void>(tree.change(*place, [&](Change& change, tree::Directory& directory) {
    auto* const here = dynamic_cast<Device*>(&directory);
    if (here != nullptr && here->device_id() == device) here->arrived(change, found);
  }));
}

bool is_waiting(const tree::Directory& attrib) {
  const auto* const part = dynamic_cast<const DevicePart*>(&attrib);
  return part != nullptr && part->device().waiting();
}

bool is_assumed(const tree::Directory& attrib, std::string_view attribute) {
  const auto* const part = dynamic_cast<const DevicePart*>(&attrib);
  return part != nullptr && part->device().assumes(attribute);
}

Result<Resized> resize_device(tree::Tree& tree, tree::Id place, std::uint64_t bytes,
                              bool may_shrink) {
  Result<Resized> answer = fail(EINVAL, "it is no backstore");
  const auto changed = tree.change(place, [&](Change& change, tree::Directory& directory) {
    auto* const device = dynamic_cast<Device*>(&directory);
    if (device == nullptr) return;
    answer = device->resize(change, bytes, may_shrink);
  });
  if (!changed) return tl::unexpected(changed.error());
  return answer;
}

}  // namespace srpd::lio
