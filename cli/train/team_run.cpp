#include "cli/train/team_run.h"

#include "core/files.h"
#include "image/photo.h"
#include "nn/weights/safetensors.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <map>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kColumns = 8;
constexpr int64_t kLoggedPoints = 500;
constexpr size_t kLongestLog = size_t{64} << 20;

// A row for each image of the plan, patches of the batch of step 0 side by side.
std::string sample_png(const training::Team& team, const std::vector<std::string>& images) {
  constexpr int64_t kGap = 2;
  std::vector<torch::Tensor> rows;
  for (const std::string& image : images) {
    const torch::Tensor made = team.image(image, 0);
    std::vector<torch::Tensor> row;
    for (int64_t i = 0; i < std::min(kColumns, made.size(0)); ++i) {
      row.push_back(torch::constant_pad_nd(made.slice(0, i, i + 1).clamp(0.0, 1.0), {0, kGap, 0, kGap}, 1.0));
    }
    rows.push_back(torch::cat(row, 3));
  }
  int64_t width = 0;
  for (const torch::Tensor& row : rows) width = std::max(width, row.size(3));
  for (torch::Tensor& row : rows) row = torch::constant_pad_nd(row, {0, width - row.size(3)}, 1.0);
  return encode_png_quickly(torch::cat(rows, 2));
}

// Collects the losses of steps and keeps a mean of them now and then.
class Log {
 public:
  Log(std::vector<LossValue> so_far, int64_t every) : values_(std::move(so_far)), every_(every) {}

  void add(const training::Team& team) {
    for (const auto& [name, value] : team.losses()) {
      auto& [sum, count] = sums_[name];
      sum += value;
      ++count;
    }
    if (team.step() % every_ == 0) keep(team.step());
  }
  void keep(int64_t step) {
    for (const auto& [name, sum] : sums_) {
      values_.push_back({step, name, sum.first / static_cast<double>(sum.second)});
    }
    sums_.clear();
  }
  const std::vector<LossValue>& values() const { return values_; }

 private:
  std::vector<LossValue> values_;
  int64_t every_;
  std::map<std::string, std::pair<double, int64_t>> sums_;
};

}  // namespace

void TeamFiles::check(const fs::path& input, bool replace) const {
  const Overwrite overwrite = replace ? Overwrite::kYes : Overwrite::kNo;
  make_folder_of(checkpoint);
  for (const auto& [member, path] : weights) check_output(path, input, overwrite);
  for (const fs::path& path : {checkpoint, log}) check_output(path, input, overwrite);
  if (!page.empty()) check_output(page, input, overwrite);
}

Summary run_team(training::Team& team, const TeamFiles& files, int64_t save_every, bool leads,
                 const RunContext& context) {
  const int64_t steps = team.plan().steps();
  std::vector<LossValue> so_far;
  if (team.step() > 0 && fs::exists(files.log)) so_far = read_log_csv(read_file(files.log, kLongestLog), team.step());
  Log log(std::move(so_far), std::max<int64_t>(1, steps / kLoggedPoints));
  const std::string title = files.weights.empty() ? "training" : files.weights.front().second.filename().string();
  RunContext watching = context;
  watching.progress = [&](const Progress& now) {
    log.add(team);
    if (leads && files.samples_every > 0 && team.step() % files.samples_every == 0) {
      const fs::path path = files.samples_folder / fmt::format("{:06}.png", team.step());
      make_folder_of(path);
      write_file_atomically(path, sample_png(team, files.samples), Overwrite::kYes);
    }
    return context.progress ? context.progress(now) : ProgressAction::kContinue;
  };
  return team.run(save_every, watching, [&](const training::Team& now) {
    log.keep(now.step());
    write_safetensors(files.checkpoint, now.checkpoint(), Overwrite::kYes);
    for (const auto& [member, path] : files.weights) write_safetensors(path, now.weights(member), Overwrite::kYes);
    write_file_atomically(files.log, log_csv(log.values()), Overwrite::kYes);
    if (files.page.empty()) return;
    const std::string png = files.samples.empty() ? std::string() : sample_png(now, files.samples);
    write_file_atomically(files.page, progress_page(title, log.values(), png, files.samples, now.step() < steps),
                          Overwrite::kYes);
  });
}

}  // namespace zsr::cli
