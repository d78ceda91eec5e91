// Walks that touch no mount of the tree: the view says that it is mounted at a directory that is in
// truth an empty one.
#include "mount/view.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "unit/tree/shop.h"

namespace srpd::mount {
namespace {

namespace fs = std::filesystem;
using tree::test::World;

class ViewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "srpd-view-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    base_ = fs::canonical(name).string();
    fs::create_directories(base_ + "/mnt");
    fs::create_directories(base_ + "/sys/part");
    fs::create_directories(base_ + "/plain/dir");
    std::ofstream(base_ + "/plain/file") << "x";
    world_.mkdir("shelf", "a");
    world_.mkdir("shelf", "b");
    world_.symlink("shelf/a", "to_b", "shelf/b");
    // Below the prefix, as a process in another root would have it.
    view_.prefix = base_;
    view_.cwd = "/plain";
    view_.tree = {{{}, "/", "/mnt", "fuse.configfs", "configfs"},
                  {{}, "/shelf", "/sys/part", "fuse.configfs", "configfs"}};
  }
  void TearDown() override { fs::remove_all(base_); }

  void link(const std::string& text, const std::string& at) {
    fs::create_symlink(text, base_ + at);
  }
  /// What the path leads to: a path in the tree, or the text of an errno.
  std::string find(const std::string& path, const std::string& from = "/plain") {
    return text_of(find_in_tree(world_.tree, view_, from, path));
  }
  std::string text(const std::string& link, const std::string& parent = "shelf/a") {
    return text_of(resolve_link_text(world_.tree, view_, world_.id(parent), link));
  }
  std::string text_of(const tree::Result<tree::Id>& found) {
    if (!found) return strerrorname_np(found.error().code);
    return "/" + world_.tree.path(*found).value();
  }

  std::string base_;
  World world_;
  View view_;
};

TEST_F(ViewTest, WalksIntoTheTree) {
  EXPECT_EQ(find("/mnt"), "/");
  EXPECT_EQ(find("/mnt/shelf/a"), "/shelf/a");
  EXPECT_EQ(find("/mnt//shelf/./a/"), "/shelf/a");
  EXPECT_EQ(find("../mnt/shelf/b"), "/shelf/b");
  EXPECT_EQ(find("dir/../../mnt/shelf/b"), "/shelf/b");
  EXPECT_EQ(find("/mnt/shelf/a/to_b/left"), "/shelf/b/left");
  EXPECT_EQ(find("/mnt/shelf/a/to_b/../a"), "/shelf/a") << "a link leads away";
}

TEST_F(ViewTest, APartCanBeMountedElsewhere) {
  EXPECT_EQ(find("/sys/part"), "/shelf");
  EXPECT_EQ(find("/sys/part/a"), "/shelf/a");
  EXPECT_EQ(find("/sys/part/../../mnt/shelf/b"), "/shelf/b") << "up from the part is out of it";
}

TEST_F(ViewTest, LeavesTheTreeAndComesBack) {
  EXPECT_EQ(find("../../../plain/../mnt/shelf/a", "/mnt/shelf/b"), "/shelf/a");
  EXPECT_EQ(find("../a", "/mnt/shelf/b"), "/shelf/a");
}

TEST_F(ViewTest, FollowsLinksOutside) {
  link("/mnt", "/short");
  link("../mnt/shelf", "/plain/relative");
  link("loop", "/plain/loop");
  EXPECT_EQ(find("/short/shelf/a"), "/shelf/a") << "an absolute one starts at the caller's root";
  EXPECT_EQ(find("relative/a"), "/shelf/a");
  EXPECT_EQ(find("loop"), "ELOOP");
}

TEST_F(ViewTest, SaysWhyNot) {
  EXPECT_EQ(find("/plain/dir"), "EPERM");
  EXPECT_EQ(find("/"), "EPERM");
  EXPECT_EQ(find("/plain/file"), "ENOTDIR");
  EXPECT_EQ(find("/plain/file/more"), "ENOTDIR");
  EXPECT_EQ(find("/missing"), "ENOENT");
  EXPECT_EQ(find(""), "ENOENT");
  EXPECT_EQ(find("/mnt/shelf/missing"), "ENOENT");
  EXPECT_EQ(find("/mnt/shelf/a/label/more"), "ENOTDIR");
  EXPECT_EQ(find(std::string(5000, 'x')), "ENAMETOOLONG");
}

TEST_F(ViewTest, TheTextOfALinkIsTheCallersPath) {
  EXPECT_EQ(text("../mnt/shelf/b"), "/shelf/b");
  EXPECT_EQ(text("../b"), "/shelf/b") << "leads nowhere from there, so from the link's directory";
  EXPECT_EQ(text("dir"), "EPERM");
  view_.cwd = "/mnt/shelf/b";
  EXPECT_EQ(text("../a", "shelf"), "/shelf/a");
  view_.cwd = "";
  EXPECT_EQ(text("../b"), "/shelf/b");
  EXPECT_EQ(text("/mnt/shelf/b"), "/shelf/b");
}

TEST_F(ViewTest, KnowsWhatEntersTheTree) {
  link("/mnt/shelf", "/plain/inside");
  EXPECT_TRUE(enters_tree(view_, "/mnt"));
  EXPECT_TRUE(enters_tree(view_, "/mnt/shelf/missing"));
  EXPECT_TRUE(enters_tree(view_, "/plain/inside/file"));
  EXPECT_TRUE(enters_tree(view_, "/sys/part/x"));
  EXPECT_FALSE(enters_tree(view_, "/plain/file"));
  EXPECT_FALSE(enters_tree(view_, "/missing/mnt"));
  EXPECT_FALSE(enters_tree(view_, "/mnt2"));
}

TEST_F(ViewTest, OurOwnViewServesForThoseWhoAreGone) {
  const View own = view_of(0, {12345, 678});
  EXPECT_EQ(own.prefix, "");
  EXPECT_EQ(own.cwd, "");
  EXPECT_TRUE(own.tree.empty());
  const View self = view_of(::getpid(), {12345, 678});
  EXPECT_EQ(self.cwd, fs::current_path().string());
}

}  // namespace
}  // namespace srpd::mount
