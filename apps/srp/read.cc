// srp read URL: from the disk to a file or stdout.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "copy.h"

namespace srpd::cli {
namespace {

class ToFile final : public Copy::Ends {
 public:
  ~ToFile() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  bool open(const std::string& path) {
    path_ = path.empty() || path == "-" ? "stdout" : path;
    fd_ = path_ == "stdout" ? STDOUT_FILENO
                            : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd_ >= 0;
  }
  int drain(Copy::Chunk& chunk) override {
    auto left = chunk.data();
    while (!left.empty()) {
      const ssize_t written = ::write(fd_, left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return error();
      left = left.subspan(static_cast<std::size_t>(written));
    }
    return success;
  }
  int error() const { return fail({path_, errno_text(errno), ""}, file_error); }

 private:
  std::string path_;
  int fd_ = -1;
};

int run(const CopyOptions& options, const Common& common) {
  ToFile file;
  Copy copy;
  if (const int code = copy.open(common, options); code != success) return code;
  if (!file.open(options.file)) return file.error();
  return copy.run(Copy::Direction::from_disk, file, "read", false);
}

}  // namespace

Action add_read(CLI::App& app, const Common& common) {
  auto options = std::make_shared<CopyOptions>();
  add_copy_options(app, *options);
  app.add_option("FILE,--out", options->file, "Where to; stdout without it or with -");
  return [options, &common] { return run(*options, common); };
}

}  // namespace srpd::cli
