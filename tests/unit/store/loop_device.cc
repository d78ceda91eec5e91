#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "base/error.h"
#include "unit/store/store_suite.h"

namespace srpd::store::test {
namespace {

constexpr unsigned loop_major = 7;

/// The node of loop device `number`: that in /dev, or one of our own where nobody has made it.
std::string node_of(int number, const TemporaryDirectory& directory) {
  std::string path = "/dev/loop" + std::to_string(number);
  if (::access(path.c_str(), F_OK) == 0) return path;
  path = directory.file("loop" + std::to_string(number));
  const dev_t device = ::makedev(loop_major, static_cast<unsigned>(number));
  return ::mknod(path.c_str(), S_IFBLK | 0600, device) == 0 || errno == EEXIST ? path : "";
}

}  // namespace

std::unique_ptr<LoopDevice> LoopDevice::make(const Options& options, std::string& why) {
  std::unique_ptr<LoopDevice> device(new LoopDevice);
  device->file_ = ::open(device->directory_.file("blocks").c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (device->file_ < 0 || ::ftruncate(device->file_, static_cast<off_t>(options.size)) != 0) {
    why = "no file for a loop device: " + errno_text(errno);
    return nullptr;
  }
  const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) {
    why = "needs loop devices and root: /dev/loop-control: " + errno_text(errno);
    return nullptr;
  }
  // Other tests look for a free one at the same time: whoever is second tries the next.
  int error = EBUSY;
  for (int attempt = 0; attempt < 100 && error == EBUSY; ++attempt) {
    device->number_ = ::ioctl(control, LOOP_CTL_GET_FREE);
    error = device->number_ < 0 ? errno : -device->attach(options);
  }
  ::close(control);
  if (error == 0) return device;
  why = "needs loop devices and root: " + errno_text(error);
  return nullptr;
}

int LoopDevice::attach(const Options& options) {
  path_ = node_of(number_, directory_);
  const int device = ::open(path_.c_str(), (options.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (device < 0) return -errno;
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(file_);
  config.block_size = options.block_size;
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (options.read_only ? LO_FLAGS_READ_ONLY : 0);
  if (::ioctl(device, LOOP_CONFIGURE, &config) != 0) {
    const int error = errno;
    ::close(device);
    return -error;
  }
  device_ = device;
  return 0;
}

LoopDevice::~LoopDevice() {
  if (device_ >= 0) ::close(device_);
  if (file_ >= 0) ::close(file_);
}

std::string LoopDevice::queue(const std::string& attribute) const {
  std::ifstream in("/sys/block/loop" + std::to_string(number_) + "/queue/" + attribute);
  std::string text;
  std::getline(in, text);
  return text;
}

void LoopDevice::resize(std::uint64_t size) {
  ASSERT_EQ(::ftruncate(file_, static_cast<off_t>(size)), 0);
  ASSERT_EQ(::ioctl(device_, LOOP_SET_CAPACITY), 0) << errno_text(errno);
}

std::uint64_t LoopDevice::allocated() const {
  struct stat status{};
  EXPECT_EQ(::fstat(file_, &status), 0);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

}  // namespace srpd::store::test
