#include "core/process.h"

#include "core/error.h"

#include <gtest/gtest.h>

#include <csignal>

namespace zsr {
namespace {

ProgramRun shell(const std::string& script, std::optional<double> timeout_s = std::nullopt) {
  return run_program("/bin/sh", {"-c", script}, timeout_s);
}

TEST(Process, KeepsWhatAProgramSaysAndHowItEnds) {
  const ProgramRun run = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(run.out, "out\n");
  EXPECT_EQ(run.err, "err\n");
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_EQ(run.signal, 0);
  EXPECT_FALSE(run.timed_out);
  EXPECT_GT(run.peak_bytes, 0);
  const ProgramRun killed = shell("kill -SEGV $$");
  EXPECT_EQ(killed.signal, SIGSEGV);
  EXPECT_EQ(killed.exit_code, 128 + SIGSEGV);
}

TEST(Process, NoOutputIsTooLong) {
  const ProgramRun run = shell("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2");
  EXPECT_EQ(run.out.size(), 300000U);
  EXPECT_EQ(run.err.size(), 64U << 10U);  // of the errors the end is kept
}

TEST(Process, EndsWhatTakesTooLongWithAllItsChildren) {
  const ProgramRun run = shell("trap '' TERM; sleep 1000 & echo begun; wait; sleep 1000", 0.2);
  EXPECT_TRUE(run.timed_out);
  EXPECT_NE(run.exit_code, 0);
  EXPECT_EQ(run.out, "begun\n");
  int asked = 0;
  const ProgramRun stopped = run_program("/bin/sleep", {"1000"}, std::nullopt, [&] { return ++asked > 2; });
  EXPECT_EQ(stopped.signal, SIGTERM);
  EXPECT_FALSE(stopped.timed_out);
}

TEST(Process, WhatCannotBeStartedIsNamed) {
  EXPECT_THROW(run_program("/no/such/program", {}), IoError);
  EXPECT_TRUE(std::filesystem::exists(own_program()));
}

}  // namespace
}  // namespace zsr
