// What a batch run is made of: shards, claims, manifests, worker processes.
#include "cli/batch/claims.h"
#include "cli/batch/manifest.h"
#include "cli/batch/shard.h"
#include "cli/terminal/usage_error.h"
#include "core/worker_process.h"
#include "tests/cli/support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

namespace zsr::test {
namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

cli::Shard shard(const std::string& text, const Variables& variables) {
  return cli::find_shard(text, [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Shard, IsLearntFromItsSurroundings) {
  EXPECT_EQ(shard("auto", {}).text(), "1/1");
  EXPECT_EQ(shard("3/8", {}).text(), "3/8");
  EXPECT_EQ(shard("off", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}).text(), "1/1");
  EXPECT_EQ(shard("auto", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}).text(), "2/2");
  EXPECT_EQ(shard("auto", {{"PMI_RANK", "0"}, {"PMI_SIZE", "4"}}).text(), "1/4");
  const Variables array = {{"SLURM_ARRAY_TASK_ID", "7"},
                           {"SLURM_ARRAY_TASK_MIN", "1"},
                           {"SLURM_ARRAY_TASK_MAX", "9"},
                           {"SLURM_ARRAY_TASK_STEP", "2"},
                           {"SLURM_ARRAY_TASK_COUNT", "5"}};
  EXPECT_EQ(shard("auto", array).text(), "4/5");
  // The batch script itself has SLURM_PROCID and SLURM_NTASKS too, and is alone.
  EXPECT_EQ(shard("auto", {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}).text(), "1/1");
  EXPECT_EQ(shard("auto", {{"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "4"}}).text(), "3/4");
  EXPECT_EQ(shard("auto/6", {{"JOB_COMPLETION_INDEX", "5"}}).text(), "6/6");
  EXPECT_EQ(shard("auto/6", {{"PARALLEL_SEQ", "1"}}).text(), "1/6");
  for (const char* const wrong : {"0/4", "5/4", "x", "1/0", "1/2/3", "-1/2", "auto/", "auto/4"}) {
    EXPECT_THROW(shard(wrong, {}), cli::UsageError) << wrong;
  }
  EXPECT_THROW(shard("auto/6", {{"JOB_COMPLETION_INDEX", "6"}}), cli::UsageError);
  EXPECT_THROW(shard("auto/3", {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}), cli::UsageError);
  Variables uneven = array;
  uneven["SLURM_ARRAY_TASK_COUNT"] = "3";
  EXPECT_THROW(shard("auto", uneven), cli::UsageError);
}

TEST(Shard, EveryNameHasOne) {
  std::vector<int64_t> sizes(4, 0);
  for (int i = 0; i < 1000; ++i) {
    int64_t owners = 0;
    for (int64_t part = 0; part < 4; ++part) {
      if (!cli::Shard{part, 4, {}}.has("photo" + std::to_string(i))) continue;
      ++owners;
      ++sizes[static_cast<size_t>(part)];
    }
    EXPECT_EQ(owners, 1);
  }
  for (const int64_t size : sizes) EXPECT_NEAR(static_cast<double>(size), 250.0, 70.0);
}

TEST(Claims, OneOwnerUntilTheLeaseIsOver) {
  const TempDir dir;
  using Answer = cli::Claims::Answer;
  constexpr double kLease = 0.4;
  const auto rest = [] { std::this_thread::sleep_for(std::chrono::duration<double>(0.6 * kLease)); };
  cli::Claims first(dir / "claims", "settings", kLease);
  cli::Claims second(dir / "claims", "settings", kLease);
  EXPECT_EQ(first.claim("a"), Answer::kOurs);
  EXPECT_EQ(first.claim("b"), Answer::kOurs);
  EXPECT_EQ(second.claim("a"), Answer::kTheirs);
  // The owner lives: whatever the time, nobody takes it.
  for (int i = 0; i < 4; ++i) {
    rest();
    first.keep();
    EXPECT_EQ(second.claim("a"), Answer::kTheirs);
  }
  first.release("b");
  EXPECT_EQ(second.claim("b"), Answer::kOurs);
  first.finish("a");
  EXPECT_EQ(second.claim("a"), Answer::kMade);
  cli::Claims other(dir / "claims", "other settings", kLease);
  EXPECT_EQ(other.claim("a"), Answer::kOurs);
  // This owner falls silent.
  EXPECT_EQ(first.claim("b"), Answer::kTheirs);
  rest();
  rest();
  EXPECT_EQ(first.claim("b"), Answer::kTakenOver);
  second.keep();  // and must not take it back
  EXPECT_EQ(second.claim("b"), Answer::kTheirs);
}

TEST(BatchManifest, UnfinishedLinesAndSecondWritersDoNoHarm) {
  const TempDir dir;
  write_bytes(dir / "zsr-manifest.jsonl", "{\"status\":\"done\",\"name\":\"a\"}\n{\"status\":\"started\",\"na");
  {
    cli::ManifestWriter writer(dir / "zsr-manifest.jsonl");
    EXPECT_THROW(cli::ManifestWriter(dir / "zsr-manifest.jsonl"), IoError);
    writer.append({{"status", "started"}, {"name", "b"}});
  }
  write_bytes(dir / "zsr-manifest-2-of-2.jsonl",
              "{\"status\":\"done\",\"name\":\"a\"}\n[]\n7\n{\"status\":3,\"name\":\"c\"}\n");
  int64_t damaged = 0;
  const cli::History history = cli::read_manifests(dir.path(), &damaged);
  EXPECT_EQ(history.at("a").times_done, 2);
  EXPECT_TRUE(history.at("b").started.has_value());
  EXPECT_FALSE(history.at("b").done.has_value());
  EXPECT_EQ(damaged, 2);
}

TEST(WorkerProcess, AnswersAndTellsItsEnd) {
  WorkerProcess cat("/bin/cat", {}, {});
  EXPECT_FALSE(cat.receive().has_value());
  ASSERT_TRUE(cat.send("hello"));
  std::optional<std::string> line;
  for (int i = 0; i < 500 && !line; ++i) {
    line = cat.receive();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(line, "hello");
  cat.kill();
  EXPECT_NE(cat.wait().find("killed"), std::string::npos);
  EXPECT_THROW(WorkerProcess("/no/such/program", {}, {}), IoError);
}

}  // namespace
}  // namespace zsr::test
