// Semantics are those of the kernel's configfs as far as the tree does not have them already:
//
// - A store is one WRITE request, and its errno answers that request. Truncation, which comes with
//   nearly every write by a shell, is agreed to and does nothing.
// - The text of an attribute is made at the first read of an open file and kept with it; a write
//   through the same file drops it. The page cache is bypassed (direct_io): it would show old text,
//   and its length as the size of the file.
// - Names and modes may be cached for long: whatever changes them comes through the mount, or the
//   kernel is told (news.h). That a name does not exist is never cached.
//
// FLUSH, ACCESS and most of extended attributes have no function here: the kernel takes that as
// success, or as ENOTSUP for the last, and does not ask again.
#include "mount/requests.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mount/news.h"
#include "mount/view.h"

namespace srpd::mount {
namespace {

using tree::Id;
using tree::Kind;
using tree::Result;
using tree::Status;

constexpr unsigned long block_size = 4096;

Served& served(fuse_req_t request) { return *static_cast<Served*>(fuse_req_userdata(request)); }

/// A change of the tree, by the thread that answers the request: it may wait.
class Changing {
 public:
  explicit Changing(fuse_req_t request) { served(request).crew->hand_over(); }

 private:
  News::FromMount from_mount_;
};

struct OpenFile final : Opened {
  std::mutex lock;
  std::optional<std::string> text;  ///< from the first read on
};

struct OpenDirectory final : Opened {
  std::mutex lock;
  std::vector<tree::Listed> listed;
};

template <class T>
T& opened(const fuse_file_info* file) {
  // FUSE keeps a number for us.
  return static_cast<T&>(*reinterpret_cast<Opened*>(file->fh));
}

void keep(Served& by, fuse_file_info* file, std::unique_ptr<Opened> what) {
  file->fh = reinterpret_cast<std::uint64_t>(what.get());
  const std::lock_guard lock(by.opened_lock);
  by.opened.push_front(std::move(what));
  by.opened.front()->self = by.opened.begin();
}

void drop(Served& by, const fuse_file_info* file) {
  const std::lock_guard lock(by.opened_lock);
  by.opened.erase(opened<Opened>(file).self);
}

void answer_open(fuse_req_t request, fuse_file_info* file, std::unique_ptr<Opened> what) {
  Served& by = served(request);
  keep(by, file, std::move(what));
  // The caller may have been interrupted: then nobody will release it.
  if (fuse_reply_open(request, file) == -ENOENT) drop(by, file);
}

mode_t type_of(Kind kind) {
  switch (kind) {
    case Kind::directory:
      return S_IFDIR;
    case Kind::link:
      return S_IFLNK;
    case Kind::attribute:
      break;
  }
  return S_IFREG;
}

struct stat stat_of(const Served& to, const Status& status) {
  struct stat out{};
  out.st_ino = status.id;
  out.st_mode = type_of(status.kind) | status.mode;
  out.st_nlink = status.links;
  out.st_uid = status.uid;
  out.st_gid = status.gid;
  out.st_size = static_cast<off_t>(status.size);
  out.st_blksize = block_size;
  out.st_atim = out.st_mtim = out.st_ctim = to.since;
  return out;
}

fuse_entry_param entry_of(const Served& to, const Status& status) {
  fuse_entry_param entry{};
  entry.ino = status.id;
  entry.attr = stat_of(to, status);
  entry.attr_timeout = entry.entry_timeout = to.cache_s;
  return entry;
}

void refuse(fuse_req_t request, const tree::Failure& failure) {
  fuse_reply_err(request, failure.code);
}

void answer(fuse_req_t request, const Result<void>& result) {
  fuse_reply_err(request, result ? 0 : result.error().code);
}

void answer_entry(fuse_req_t request, const Result<Status>& status) {
  if (!status) return refuse(request, status.error());
  const fuse_entry_param entry = entry_of(served(request), *status);
  fuse_reply_entry(request, &entry);
}

void answer_made(fuse_req_t request, const Result<Id>& made) {
  if (!made) return refuse(request, made.error());
  answer_entry(request, served(request).tree.status(*made));
}

void answer_status(fuse_req_t request, const Result<Status>& status) {
  if (!status) return refuse(request, status.error());
  const struct stat out = stat_of(served(request), *status);
  fuse_reply_attr(request, &out, served(request).cache_s);
}

void init(void*, fuse_conn_info* connection) {
  // Each write has to arrive by itself and at once.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_WRITEBACK_CACHE);
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer_entry(request, served(request).tree.lookup(parent, name));
}

void forget(fuse_req_t request, fuse_ino_t, std::uint64_t) { fuse_reply_none(request); }

void forget_multi(fuse_req_t request, std::size_t, fuse_forget_data*) { fuse_reply_none(request); }

void getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  answer_status(request, served(request).tree.status(node));
}

void setattr(fuse_req_t request, fuse_ino_t node, struct stat* wanted, int which, fuse_file_info*) {
  tree::Tree& tree = served(request).tree;
  tree::Ownership ownership;
  if ((which & FUSE_SET_ATTR_MODE) != 0) ownership.mode = wanted->st_mode & 07777;
  if ((which & FUSE_SET_ATTR_UID) != 0) ownership.uid = wanted->st_uid;
  if ((which & FUSE_SET_ATTR_GID) != 0) ownership.gid = wanted->st_gid;
  // Sizes and times are agreed to and stay.
  const bool nothing = !ownership.mode && !ownership.uid && !ownership.gid;
  answer_status(request, nothing ? tree.status(node) : tree.set_ownership(node, ownership));
}

void readlink(fuse_req_t request, fuse_ino_t node) {
  const auto text = served(request).tree.link_text(node);
  if (!text) return refuse(request, text.error());
  fuse_reply_readlink(request, text->c_str());
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t) {
  const Changing changing(request);
  answer_made(request, served(request).tree.mkdir(parent, name));
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  const Changing changing(request);
  answer(request, served(request).tree.rmdir(parent, name));
}

void symlink(fuse_req_t request, const char* text, fuse_ino_t parent, const char* name) {
  const Changing changing(request);
  const Served& to = served(request);
  const View view = view_of(fuse_req_ctx(request)->pid, to.device);
  answer_made(request,
              to.tree.symlink(parent, name, resolve_link_text(to.tree, view, parent, text)));
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  const Changing changing(request);
  answer(request, served(request).tree.unlink(parent, name));
}

void mknod(fuse_req_t request, fuse_ino_t, const char*, mode_t mode, dev_t) {
  fuse_reply_err(request, S_ISREG(mode) ? EACCES : EPERM);
}

void rename(fuse_req_t request, fuse_ino_t, const char*, fuse_ino_t, const char*, unsigned) {
  fuse_reply_err(request, EPERM);
}

void link(fuse_req_t request, fuse_ino_t, fuse_ino_t, const char*) {
  fuse_reply_err(request, EPERM);
}

void create(fuse_req_t request, fuse_ino_t, const char*, mode_t, fuse_file_info*) {
  fuse_reply_err(request, EACCES);
}

void open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  const int access = file->flags & O_ACCMODE;
  const auto allowed = served(request).tree.may_open(node, access != O_WRONLY, access != O_RDONLY);
  if (!allowed) return refuse(request, allowed.error());
  if ((file->flags & O_DIRECT) != 0) return refuse(request, {EINVAL, {}, {}});
  file->direct_io = 1;
  answer_open(request, file, std::make_unique<OpenFile>());
}

void read(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
          fuse_file_info* file) {
  auto& open_file = opened<OpenFile>(file);
  const std::lock_guard lock(open_file.lock);
  if (!open_file.text) {
    auto text = served(request).tree.read(node);
    if (!text) return refuse(request, text.error());
    open_file.text = std::move(*text);
  }
  const std::string& text = *open_file.text;
  const std::size_t start = std::min(static_cast<std::size_t>(offset), text.size());
  fuse_reply_buf(request, text.data() + start, std::min(size, text.size() - start));
}

void write(fuse_req_t request, fuse_ino_t node, const char* text, std::size_t size, off_t,
           fuse_file_info* file) {
  const Changing changing(request);
  auto& open_file = opened<OpenFile>(file);
  const auto stored = served(request).tree.write(node, {text, size});
  {
    const std::lock_guard lock(open_file.lock);
    open_file.text.reset();
  }
  if (!stored) return refuse(request, stored.error());
  fuse_reply_write(request, *stored);
}

void release(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  drop(served(request), file);
  fuse_reply_err(request, 0);
}

/// There is nothing to write back, which configfs calls so.
void fsync(fuse_req_t request, fuse_ino_t, int, fuse_file_info*) {
  fuse_reply_err(request, EINVAL);
}

/// None.
void listxattr(fuse_req_t request, fuse_ino_t, std::size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, 0);
  } else {
    fuse_reply_buf(request, nullptr, 0);
  }
}

void opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  const auto status = served(request).tree.status(node);
  if (!status) return refuse(request, status.error());
  answer_open(request, file, std::make_unique<OpenDirectory>());
}

/// One entry of a listing at `out`; bytes that it needs, which may be more than there are.
using AddEntry = std::size_t (*)(fuse_req_t request, char* out, std::size_t size, const char* name,
                                 const fuse_entry_param& entry, off_t next);

std::size_t add_name(fuse_req_t request, char* out, std::size_t size, const char* name,
                     const fuse_entry_param& entry, off_t next) {
  return fuse_add_direntry(request, out, size, name, &entry.attr, next);
}

/// Directories and links, which whoever walks the tree looks at next. For each entry with a status
/// the kernel makes an inode, and nine of ten are attributes that nobody opens.
std::size_t add_with_status(fuse_req_t request, char* out, std::size_t size, const char* name,
                            const fuse_entry_param& entry, off_t next) {
  if (!S_ISREG(entry.attr.st_mode))
    return fuse_add_direntry_plus(request, out, size, name, &entry, next);
  fuse_entry_param without_node = entry;
  without_node.ino = 0;
  return fuse_add_direntry_plus(request, out, size, name, &without_node, next);
}

/// "." and ".." are no nodes that the kernel is to look up.
fuse_entry_param dots(fuse_ino_t node) {
  fuse_entry_param entry{};
  entry.attr.st_ino = node;
  entry.attr.st_mode = S_IFDIR;
  return entry;
}

void list(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* file,
          AddEntry add) {
  auto& directory = opened<OpenDirectory>(file);
  const std::lock_guard lock(directory.lock);
  if (offset == 0) {
    auto listed = served(request).tree.list(node);
    if (!listed) return refuse(request, listed.error());
    directory.listed = std::move(*listed);
  }
  std::vector<char> out(size);
  std::size_t used = 0;
  const std::size_t count = directory.listed.size() + 2;
  for (auto at = static_cast<std::size_t>(offset); at < count; ++at) {
    const auto next = static_cast<off_t>(at + 1);
    const bool dot = at < 2;
    const char* const name = dot ? (at == 0 ? "." : "..") : directory.listed[at - 2].name.c_str();
    const fuse_entry_param entry =
        dot ? dots(node) : entry_of(served(request), directory.listed[at - 2].status);
    const std::size_t needed = add(request, out.data() + used, size - used, name, entry, next);
    if (needed > size - used) break;
    used += needed;
  }
  fuse_reply_buf(request, out.data(), used);
}

void readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
             fuse_file_info* file) {
  list(request, node, size, offset, file, &add_name);
}

void readdirplus(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset,
                 fuse_file_info* file) {
  list(request, node, size, offset, file, &add_with_status);
}

void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  drop(served(request), file);
  fuse_reply_err(request, 0);
}

void statfs(fuse_req_t request, fuse_ino_t) {
  struct statvfs status{};
  status.f_bsize = status.f_frsize = block_size;
  status.f_namemax = tree::max_name_bytes;
  fuse_reply_statfs(request, &status);
}

fuse_lowlevel_ops all_operations() {
  fuse_lowlevel_ops all{};
  all.init = &init;
  all.lookup = &lookup;
  all.forget = &forget;
  all.getattr = &getattr;
  all.setattr = &setattr;
  all.readlink = &readlink;
  all.mknod = &mknod;
  all.mkdir = &mkdir;
  all.unlink = &unlink;
  all.rmdir = &rmdir;
  all.symlink = &symlink;
  all.rename = &rename;
  all.link = &link;
  all.open = &open;
  all.read = &read;
  all.write = &write;
  all.release = &release;
  all.fsync = &fsync;
  all.fsyncdir = &fsync;
  all.listxattr = &listxattr;
  all.opendir = &opendir;
  all.readdir = &readdir;
  all.releasedir = &releasedir;
  all.statfs = &statfs;
  all.create = &create;
  all.forget_multi = &forget_multi;
  all.readdirplus = &readdirplus;
  return all;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops all = all_operations();
  return all;
}

}  // namespace srpd::mount
