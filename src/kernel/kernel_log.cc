#include "kernel/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace srpd::kernel {
namespace {

// A record of /dev/kmsg is one line "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT" and lines of fields that
// begin with a space (the kernel's Documentation/ABI/testing/dev-kmsg).
void add_lines(std::string_view record, std::vector<std::string>& lines) {
  while (!record.empty()) {
    const std::size_t end = record.find('\n');
    const std::string_view line = record.substr(0, end);
    if (!line.empty() && line[0] != ' ') {
      const std::size_t text = line.find(';');
      lines.emplace_back(text == std::string_view::npos ? line : line.substr(text + 1));
    }
    record = end == std::string_view::npos ? std::string_view{} : record.substr(end + 1);
  }
}

}  // namespace

KernelLog::KernelLog(const Files& files)
    : fd_(::open(files.full("/dev/kmsg").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (fd_ >= 0) ::lseek(fd_, 0, SEEK_END);
}

KernelLog::~KernelLog() {
  if (fd_ >= 0) ::close(fd_);
}

std::vector<std::string> KernelLog::take() {
  std::vector<std::string> lines;
  std::array<char, 8192> record;
  ssize_t size = 0;
  while (fd_ >= 0 && (size = ::read(fd_, record.data(), record.size())) > 0)
    add_lines({record.data(), static_cast<std::size_t>(size)}, lines);
  return lines;
}

}  // namespace srpd::kernel
