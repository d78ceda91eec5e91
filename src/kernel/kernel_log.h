// What the kernel logs from now on.
#pragma once

#include <string>
#include <vector>

#include "kernel/files.h"

namespace srpd::kernel {

class KernelLog {
 public:
  /// Begins at the end of the log. Where it may not be read there are no lines.
  explicit KernelLog(const Files& files);
  ~KernelLog();
  KernelLog(const KernelLog&) = delete;
  KernelLog& operator=(const KernelLog&) = delete;

  /// The messages since the last call, without priority and time.
  std::vector<std::string> take();

 private:
  int fd_;
};

}  // namespace srpd::kernel
