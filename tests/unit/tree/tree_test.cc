// What a file system call on the kernel's configfs answers, on a model that is not LIO's.
#include "tree/tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unit/tree/shop.h"

namespace srpd::tree::test {
namespace {

using ::testing::ElementsAre;

TEST(Tree, ListsNewestFirstDirectoriesBeforeAttributes) {
  World world;
  EXPECT_EQ(world.mkdir("shelf", "a"), 0);
  EXPECT_EQ(world.mkdir("shelf", "b"), 0);
  EXPECT_THAT(world.list("shelf"), ElementsAre("b", "a"));
  EXPECT_EQ(world.symlink("shelf/a", "link", "shelf/b"), 0);
  EXPECT_THAT(world.list("shelf/a"),
              ElementsAre("link", "right", "left", "label", "weight", "note"));
}

TEST(Tree, ShowsWhatStatShows) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  world.symlink("shelf/a", "link", "shelf/b");
  const Status root = *world.tree.status(root_id);
  EXPECT_EQ(root.id, root_id);
  EXPECT_EQ(root.links, 3u);
  const Status shelf = *world.tree.lookup(root_id, "shelf");
  EXPECT_EQ(shelf.kind, Kind::directory);
  EXPECT_EQ(shelf.mode, 0755u);
  EXPECT_EQ(shelf.links, 4u);
  EXPECT_EQ(shelf.size, 0u);
  const Id a = world.id("shelf/a");
  EXPECT_EQ(world.tree.status(a)->links, 4u) << "links are no subdirectories";
  const Status label = *world.tree.lookup(a, "label");
  EXPECT_EQ(label.kind, Kind::attribute);
  EXPECT_EQ(label.mode, 0644u);
  EXPECT_EQ(label.size, 4096u);
  EXPECT_EQ(label.links, 1u);
  EXPECT_EQ(world.tree.lookup(a, "weight")->mode, 0444u);
  EXPECT_EQ(world.tree.lookup(a, "note")->mode, 0200u);
  const Status link = *world.tree.lookup(a, "link");
  EXPECT_EQ(link.kind, Kind::link);
  EXPECT_EQ(link.mode, 0777u);
  EXPECT_EQ(link.size, 0u);
  EXPECT_EQ(world.tree.status(label.id)->id, label.id);
  EXPECT_EQ(*world.tree.path(label.id), "shelf/a/label");
  EXPECT_EQ(*world.tree.path(link.id), "shelf/a/link");
  EXPECT_EQ(*world.tree.path(root_id), "");
}

TEST(Tree, RefusesNamesAsTheKernelDoes) {
  World world;
  EXPECT_EQ(world.mkdir("", "x"), EPERM);
  EXPECT_EQ(world.mkdir("", "shelf"), EEXIST) << "before EPERM";
  EXPECT_EQ(world.mkdir("shelf", std::string(255, 'n')), 0);
  EXPECT_EQ(world.mkdir("shelf", std::string(256, 'n')), ENAMETOOLONG);
  EXPECT_EQ(world.mkdir("shelf", std::string(255, 'n')), EEXIST);
  EXPECT_EQ(world.mkdir("shelf", "a b"), 0);
  EXPECT_EQ(world.mkdir("shelf", "forbidden"), ENOSYS);
  for (const std::string& name : {std::string(), std::string("."), std::string(".."),
                                  std::string("a/b"), std::string("a\0b", 3)})
    EXPECT_EQ(world.mkdir("shelf", name), EINVAL) << name;
  EXPECT_EQ(world.mkdir("shelf/a b", "label"), EEXIST) << "an attribute has the name";
  EXPECT_EQ(world.mkdir("shelf/a b", "other"), EPERM);
  EXPECT_EQ(World::code(world.tree.mkdir(world.id("shelf/a b/label"), "x")), ENOTDIR);
}

TEST(Tree, ChecksARemovalInTheKernelsOrder) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  EXPECT_EQ(world.rmdir("", "shelf"), EPERM);
  EXPECT_EQ(world.rmdir("shelf/a", "left"), EPERM);
  EXPECT_EQ(world.rmdir("shelf/a", "label"), ENOTDIR);
  EXPECT_EQ(world.rmdir("shelf", "nobody"), ENOENT);
  EXPECT_EQ(world.rmdir("shelf", std::string(256, 'n')), ENAMETOOLONG);
  world.symlink("shelf/a", "link", "shelf/b");
  world.symlink("shelf/b", "link", "shelf/b");
  EXPECT_EQ(world.rmdir("shelf", "a"), ENOTEMPTY);
  EXPECT_EQ(world.rmdir("shelf", "b"), EBUSY) << "before ENOTEMPTY";
  EXPECT_EQ(world.rmdir("shelf/a", "link"), ENOTDIR);
  EXPECT_EQ(world.unlink("shelf/b", "link"), 0);
  EXPECT_EQ(world.rmdir("shelf", "b"), EBUSY);
  EXPECT_EQ(world.unlink("shelf/a", "link"), 0);
  EXPECT_EQ(world.rmdir("shelf", "b"), 0);
  EXPECT_EQ(world.rmdir("shelf", "a"), 0);
  EXPECT_THAT(world.list("shelf"), ElementsAre());
}

TEST(Tree, FindsNothingUnderTheIdOfWhatIsGone) {
  World world;
  world.mkdir("shelf", "a");
  const Id a = world.id("shelf/a");
  const Id label = world.id("shelf/a/label");
  const Id left = world.id("shelf/a/left");
  world.rmdir("shelf", "a");
  world.mkdir("shelf", "a");
  for (const Id id : {a, label, left}) {
    EXPECT_EQ(World::code(world.tree.status(id)), ENOENT);
    EXPECT_EQ(World::code(world.tree.path(id)), ENOENT);
  }
  EXPECT_EQ(World::code(world.tree.read(label)), ENOENT);
  EXPECT_EQ(World::code(world.tree.write(label, "x")), ENOENT);
  EXPECT_EQ(World::code(world.tree.list(a)), ENOENT);
  EXPECT_EQ(World::code(world.tree.lookup(left, "x")), ENOENT);
  EXPECT_EQ(World::code(world.tree.mkdir(a, "x")), ENOENT);
  EXPECT_EQ(World::code(world.tree.status(0)), ENOENT);
  EXPECT_EQ(World::code(world.tree.status(world.id("shelf/a") + 100)), ENOENT) << "no such row";
}

TEST(Tree, StoresWhatOneWriteBrings) {
  World world;
  world.mkdir("shelf", "a");
  EXPECT_EQ(*world.tree.write(world.id("shelf/a/label"), "tea"), 3u);
  EXPECT_EQ(world.read("shelf/a/label"), "tea\n");
  EXPECT_EQ(*world.tree.write(world.id("shelf/a/label"), std::string(5000, 'u')), 4095u);
  EXPECT_EQ(world.read("shelf/a/label").size(), 4096u);
  EXPECT_EQ(world.write("shelf/a/label", ""), EFAULT);
  const auto refused = world.tree.write(world.id("shelf/a/label"), "bad");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error("shelf/a/label").text(),
            "shelf/a/label: a bad label; write a good one");
  EXPECT_EQ(world.write("shelf/a/weight", "1"), EACCES);
  EXPECT_EQ(World::code(world.tree.read(world.id("shelf/a/note"))), EACCES);
  EXPECT_EQ(world.write("shelf", "1"), EISDIR);
  EXPECT_EQ(World::code(world.tree.read(world.id("shelf"))), EISDIR);
}

TEST(Tree, OpensByWhatTheAttributeCanDo) {
  World world;
  world.mkdir("shelf", "a");
  const auto open = [&](const char* name, bool reading, bool writing) {
    return World::code(
        world.tree.may_open(world.id(std::string("shelf/a/") + name), reading, writing));
  };
  EXPECT_EQ(open("label", true, true), 0);
  EXPECT_EQ(open("weight", true, false), 0);
  EXPECT_EQ(open("weight", false, true), EACCES);
  EXPECT_EQ(open("note", false, true), 0);
  EXPECT_EQ(open("note", true, true), EACCES);
}

TEST(Tree, ChecksALinkInTheKernelsOrder) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  EXPECT_EQ(world.symlink("shelf", "x", "shelf/a"), EPERM);
  EXPECT_EQ(world.symlink("shelf", "a", "shelf/a"), EEXIST) << "before EPERM";
  EXPECT_EQ(world.symlink("shelf/a", "label", "shelf/b"), EEXIST);
  EXPECT_EQ(world.symlink("shelf/a", "left", "shelf/b"), EEXIST);
  EXPECT_EQ(world.symlink("shelf/a", "x", "nowhere"), ENOENT);
  EXPECT_EQ(world.symlink("shelf/a", "x", "shelf/b/label"), ENOTDIR);
  EXPECT_EQ(world.symlink("shelf/a", "x", "shelf"), EFAULT);
  EXPECT_EQ(World::code(world.tree.symlink(world.id("shelf/a"), "x", fail(EPERM))), EPERM);
  EXPECT_EQ(world.symlink("shelf/a", "n n", "shelf/b"), 0);
  const Id link = world.tree.lookup(world.id("shelf/a"), "n n")->id;
  EXPECT_EQ(*world.tree.link_text(link), "../../shelf/b");
  EXPECT_EQ(*world.tree.link_target(link), world.id("shelf/b"));
  EXPECT_EQ(World::code(world.tree.link_text(world.id("shelf"))), EINVAL);
  EXPECT_EQ(world.unlink("shelf/a", "q"), ENOENT);
  EXPECT_EQ(world.unlink("shelf/a", "label"), EPERM);
  EXPECT_EQ(world.unlink("shelf/a", "left"), EISDIR);
  EXPECT_EQ(world.unlink("shelf/a", "n n"), 0);
  EXPECT_EQ(world.read("shelf/a/label"), "unlinked\n");
}

TEST(Tree, ResolvesPathsWithinItself) {
  World world;
  world.mkdir("shelf", "a");
  world.mkdir("shelf", "b");
  world.symlink("shelf/a", "link", "shelf/b");
  EXPECT_EQ(world.id("/shelf//b/./label/"), world.id("shelf/b/label"));
  EXPECT_EQ(world.id("../../shelf/a/../b"), world.id("shelf/b"));
  EXPECT_EQ(world.id("shelf/a/link/label"), world.id("shelf/b/label"));
  EXPECT_EQ(*world.tree.resolve("../b", world.id("shelf/a")), world.id("shelf/b"));
  EXPECT_EQ(*world.tree.resolve("/shelf", world.id("shelf/a")), world.id("shelf"));
  EXPECT_EQ(World::code(world.tree.resolve("shelf/a/label/x")), ENOTDIR);
  EXPECT_EQ(World::code(world.tree.resolve("shelf/" + std::string(256, 'n'))), ENAMETOOLONG);
}

TEST(Tree, KeepsModeAndOwner) {
  World world;
  world.mkdir("shelf", "a");
  const Id label = world.id("shelf/a/label");
  const Status changed = *world.tree.set_ownership(label, {.mode = 0100600});
  EXPECT_EQ(changed.mode, 0600u);
  world.tree.set_ownership(label, {.uid = 7, .gid = 8}).value();
  const Status kept = *world.tree.lookup(world.id("shelf/a"), "label");
  EXPECT_EQ(kept.mode, 0600u);
  EXPECT_EQ(kept.uid, 7u);
  EXPECT_EQ(kept.gid, 8u);
  EXPECT_EQ(world.tree.status(world.id("shelf/a"))->mode, 0755u);
  EXPECT_EQ(World::code(world.tree.set_ownership(label + 100, {.mode = 0})), ENOENT);
}

TEST(Tree, ManyChildrenAreFoundAndRemoved) {
  World world;
  constexpr int many = 10000;
  for (int i = 0; i < many; ++i) ASSERT_EQ(world.mkdir("shelf", "box" + std::to_string(i)), 0);
  const Id shelf = world.id("shelf");
  EXPECT_EQ(world.tree.status(shelf)->links, 2u + many);
  const auto listed = *world.tree.list(shelf);
  ASSERT_EQ(listed.size(), static_cast<std::size_t>(many));
  EXPECT_EQ(listed.front().name, "box9999");
  EXPECT_EQ(listed.back().name, "box0");
  for (int i = 0; i < many; i += 2)
    ASSERT_EQ(world.rmdir("shelf", "box" + std::to_string(i)), 0) << i;
  EXPECT_EQ(World::code(world.tree.lookup(shelf, "box0")), ENOENT);
  EXPECT_TRUE(world.tree.lookup(shelf, "box9999"));
  EXPECT_EQ(world.tree.list(shelf)->size(), static_cast<std::size_t>(many / 2));
}

}  // namespace
}  // namespace srpd::tree::test
