#include "lio/model.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace srpd::lio {
namespace {

Options completed(Options options) {
  if (options.cpus == 0) {
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);
    options.cpus = cpus > 0 ? static_cast<unsigned>(cpus) : 1;
  }
  return options;
}

}  // namespace

Model::Model(Engine& engine, Options options)
    : engine_(engine), options_(completed(std::move(options))), dbroot_(options_.dbroot) {}

const std::string& Model::place_of(const std::string& dbroot) const {
  static constexpr std::string_view places[] = {"/etc/target", "/var/target",
                                                "/etc/rtslib-fb-target"};
  const bool of_tools = std::find(std::begin(places), std::end(places), dbroot) != std::end(places);
  return of_tools && !options_.own_dbroot.empty() ? options_.own_dbroot : dbroot;
}

bool Model::is_own_mount(const std::string& path) const {
  return options_.is_own_mount && options_.is_own_mount(path);
}

std::optional<std::uint16_t> Model::take_rtpi() {
  std::uint32_t rtpi = 1;
  for (const std::uint16_t taken : rtpis_) {
    if (taken != rtpi) break;
    ++rtpi;
  }
  if (rtpi > UINT16_MAX) return std::nullopt;
  rtpis_.insert(static_cast<std::uint16_t>(rtpi));
  return static_cast<std::uint16_t>(rtpi);
}

std::uint32_t creation_time_now() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint32_t>(now.tv_sec * 100 + now.tv_nsec / 10'000'000);
}

}  // namespace srpd::lio
