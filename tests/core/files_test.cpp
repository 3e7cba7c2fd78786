#include "core/files.h"

#include "core/error.h"
#include "tests/support/program.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace zsr {
namespace {

using test::read_bytes;
using test::TempDir;
using test::write_bytes;

TEST(AtomicFile, AppearsOnlyOnCommit) {
  const TempDir dir;
  {
    AtomicFile file(dir / "a.txt", Overwrite::kNo);
    file.write("half");
    EXPECT_FALSE(std::filesystem::exists(dir / "a.txt"));
  }
  EXPECT_TRUE(dir.names().empty());  // abandoned: nothing left
  {
    AtomicFile file(dir / "a.txt", Overwrite::kNo);
    file.write("whole");
    file.commit();
  }
  EXPECT_EQ(read_bytes(dir / "a.txt"), "whole");
  EXPECT_EQ(dir.names(), std::vector<std::string>{"a.txt"});
}

TEST(AtomicFile, RefusesToReplaceUnlessTold) {
  const TempDir dir;
  write_bytes(dir / "a.txt", "old");
  AtomicFile file(dir / "a.txt", Overwrite::kNo);
  file.write("new");
  EXPECT_THROW(file.commit(), IoError);
  EXPECT_EQ(read_bytes(dir / "a.txt"), "old");
  write_file_atomically(dir / "a.txt", "new", Overwrite::kYes);
  EXPECT_EQ(read_bytes(dir / "a.txt"), "new");
}

TEST(AtomicFile, FullDeviceIsAnError) {
  AtomicFile file("/dev/full", Overwrite::kNo);
  try {
    file.write("x");
    file.commit();
    FAIL() << "writing to /dev/full succeeded";
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "cannot write '/dev/full': No space left on device");
  }
}

TEST(AtomicFile, ResultHasTheUsualPermissions) {
  const TempDir dir;
  const mode_t old = umask(022);
  write_file_atomically(dir / "a.txt", "x", Overwrite::kNo);
  umask(old);
  struct stat status {};
  ASSERT_EQ(stat((dir / "a.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644U);
}

TEST(CheckOutput, KnowsTheInputUnderEveryName) {
  const TempDir dir;
  write_bytes(dir / "in.png", "x");
  std::filesystem::create_symlink(dir / "in.png", dir / "link.png");
  std::filesystem::create_hard_link(dir / "in.png", dir / "hard.png");
  for (const char* name : {"in.png", "link.png", "hard.png", "./in.png"}) {
    EXPECT_THROW(check_output(dir / name, dir / "in.png", Overwrite::kYes), IoError) << name;
  }
  EXPECT_NO_THROW(check_output(dir / "out.png", dir / "in.png", Overwrite::kNo));
  EXPECT_EQ(dir.names().size(), 3U);  // the check leaves nothing behind
}

TEST(CheckOutput, RefusesFoldersAndMissingFolders) {
  const TempDir dir;
  EXPECT_THROW(check_output(dir.path(), "", Overwrite::kYes), IoError);
  EXPECT_THROW(check_output(dir / "no/such/out.png", "", Overwrite::kYes), IoError);
  EXPECT_THROW(check_output("/proc/out.png", "", Overwrite::kYes), IoError);  // not writable, not even for root
}

TEST(ReadFile, NamesFileAndCause) {
  const TempDir dir;
  EXPECT_THROW(read_file(dir / "missing", 10), IoError);
  write_bytes(dir / "big", std::string(11, 'x'));
  EXPECT_THROW(read_file(dir / "big", 10), InputError);
  EXPECT_EQ(read_file(dir / "big", 11), std::string(11, 'x'));
}

}  // namespace
}  // namespace zsr
