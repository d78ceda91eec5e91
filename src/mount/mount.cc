#include "mount/mount.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fmt/format.h>
#include <fuse_lowlevel.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"
#include "mount/crew.h"
#include "mount/news.h"
#include "mount/point.h"
#include "mount/requests.h"
#include "mount/view.h"

namespace srpd::mount {
namespace {

/// What libfuse said last in this thread: it tells causes in no other way.
thread_local std::string last_words;

__attribute__((format(printf, 2, 0))) void on_fuse_log(fuse_log_level, const char* format,
                                                       va_list arguments) {
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  last_words = text.data();
  while (last_words.ends_with('\n')) last_words.pop_back();
  log::debug("FUSE: {}", last_words);
}

struct SessionEnd {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
using Session = std::unique_ptr<fuse_session, SessionEnd>;

tl::unexpected<Error> fuse_failure(const std::string& directory) {
  return failure(directory,
                 last_words.empty() ? "the tree cannot be mounted here" : "FUSE: " + last_words,
                 "run as root, with CAP_SYS_ADMIN in a container, or choose another directory");
}

/// The arguments of a mount as libfuse takes them.
Session make_session(Served& served) {
  std::string options = "fsname=configfs,subtype=configfs,default_permissions";
  if (::geteuid() == 0) options += ",allow_other";  // others need root's permission for this
  std::vector<std::string> words = {"srpd", "-o", options};
  std::vector<char*> pointers;
  pointers.reserve(words.size());
  for (std::string& word : words) pointers.push_back(word.data());
  fuse_args arguments = FUSE_ARGS_INIT(static_cast<int>(pointers.size()), pointers.data());
  Session session(fuse_session_new(&arguments, &operations(), sizeof(fuse_lowlevel_ops), &served));
  fuse_opt_free_args(&arguments);
  return session;
}

}  // namespace

struct Mount::Parts {
  Parts(tree::Tree& served_tree, const Options& options)
      : tree(served_tree),
        served{.tree = tree, .cache_s = std::chrono::duration<double>(options.cache).count()} {
    ::clock_gettime(CLOCK_REALTIME, &served.since);
  }

  Expected<void> start(const std::string& place);
  void stop();
  Expected<void> run();

  tree::Tree& tree;
  Served served;
  std::string directory;
  Session session;
  std::unique_ptr<News> news;
  std::unique_ptr<Crew> crew;
};

Expected<void> Mount::Parts::start(const std::string& place) {
  fuse_set_log_func(&on_fuse_log);
  last_words.clear();
  session = make_session(served);
  if (!session) return fuse_failure(place);
  if (fuse_session_mount(session.get(), place.c_str()) != 0) return fuse_failure(place);
  directory = place;
  auto running = run();
  if (!running) stop();
  return running;
}

Expected<void> Mount::Parts::run() {
  const int fd = fuse_session_fd(session.get());
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  const auto table = mount_table();
  if (const Mounted* const mounted = find_mounted(table, directory))
    served.device = mounted->device;
  crew = std::make_unique<Crew>(*session, [place = directory] {
    log::warning("{}: somebody unmounted the tree; it is not shown here any more", place);
  });
  served.crew = crew.get();
  if (const int rc = crew->start(); rc != 0)
    return failure(directory, "no thread to serve the tree: " + errno_text(rc),
                   "raise the limits of threads and files");
  news = std::make_unique<News>(*session);
  try {
    news->start();
  } catch (const std::system_error& error) {
    news.reset();
    return failure(directory, std::string("no thread to tell of changes: ") + error.what(),
                   "raise the limit of threads");
  }
  tree.add_listener(*news);
  return {};
}

void Mount::Parts::stop() {
  if (news) {
    tree.remove_listener(*news);
    news->stop();
  }
  if (crew) crew->stop();
  // Ends the connection before it unmounts: who waits for an answer gets an error.
  if (session) fuse_session_unmount(session.get());
  news.reset();
  crew.reset();
  session.reset();
}

Mount::Mount(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Mount::~Mount() { stop(); }

Expected<std::unique_ptr<Mount>> Mount::start(tree::Tree& tree, const Options& options) {
  if (auto usable = check_fuse(); !usable) return tl::unexpected(usable.error());
  const auto place = prepare_mount_point(options.directory);
  if (!place) return tl::unexpected(place.error());
  auto parts = std::make_unique<Parts>(tree, options);
  if (auto started = parts->start(*place); !started) return tl::unexpected(started.error());
  return std::unique_ptr<Mount>(new Mount(std::move(parts)));
}

void Mount::stop() { parts_->stop(); }

const std::string& Mount::directory() const { return parts_->directory; }

bool Mount::contains(const std::string& path) const {
  return enters_tree(view_of(0, parts_->served.device), path);
}

std::uint64_t Mount::requests() const { return parts_->crew ? parts_->crew->requests() : 0; }

}  // namespace srpd::mount
