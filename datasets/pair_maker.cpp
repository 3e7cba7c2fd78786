#include "datasets/pair_maker.h"

#include "core/device.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/random.h"
#include "core/sha256.h"
#include "datasets/manifest.h"
#include "datasets/photo_cache.h"
#include "degradations/array_file.h"
#include "degradations/mosaic.h"
#include "degradations/step_json.h"
#include "image/photo.h"
#include "image/photo_codec.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <omp.h>
#include <thread>

namespace zsr {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Something that ends the run, not only the pair: results cannot be written.
struct WriteFailure {
  std::exception_ptr cause;
};

int64_t cut_length(int64_t length, double scale) {
  const double whole = std::round(scale);
  if (std::abs(scale - whole) > 1e-9) return length;
  return length / static_cast<int64_t>(whole) * static_cast<int64_t>(whole);
}

struct Folders {
  fs::path lr;
  fs::path hr;
  fs::path kernels;
};

Folders folders_of(const fs::path& folder, bool flat) {
  if (flat) return {folder, {}, {}};
  return {folder / "LR", folder / "HR", folder / "kernels"};
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw IoError(fmt::format("cannot make folder '{}': {}", folder.string(), error.message()));
}

// The blur of a pair that one blur and one downsampling made: the kernel that a blind method should find.
const BlurStep* only_blur(const std::vector<Step>& steps) {
  const BlurStep* found = nullptr;
  int64_t resizes = 0;
  for (const Step& step : steps) {
    resizes += std::holds_alternative<ResizeStep>(step) || std::holds_alternative<SubsampleStep>(step) ? 1 : 0;
    const auto* const blur = std::get_if<BlurStep>(&step);
    if (blur == nullptr) continue;
    if (found != nullptr) return nullptr;
    found = blur;
  }
  return resizes <= 1 ? found : nullptr;
}

class Maker {
 public:
  Maker(const Recipe* recipe, const fs::path& folder, const PairOptions& options, Json header)
      : recipe_(recipe),
        folder_(folder),
        folders_(folders_of(folder, options.flat)),
        options_(options),
        header_(std::move(header)),
        cache_(options.cache_bytes, !options.flat, options.limits) {}

  // All `tasks` but those in `done`, on several threads; lines go to the manifest in the order of the tasks.
  PairTally run(const std::vector<PairTask>& tasks, const std::vector<std::string>& old_lines, PairTally tally,
                const PairProgress& progress) {
    make_folder(folders_.lr);
    std::unique_ptr<LineFile> manifest;
    if (!options_.flat) {
      std::string text = json_text(header_) + "\n";
      for (const std::string& line : old_lines) text += line + "\n";
      write_file_atomically(folder_ / "manifest.jsonl", text, Overwrite::kYes);
      manifest = std::make_unique<LineFile>(folder_ / "manifest.jsonl");
    }
    Queue queue{.maker = *this, .tasks = tasks, .manifest = manifest.get(), .progress = progress, .tally = tally};
    std::vector<std::thread> threads;
    const auto count = std::min<size_t>(static_cast<size_t>(options_.threads), tasks.size());
    for (size_t i = 0; i < count; ++i) threads.emplace_back([&] { queue.work(); });
    for (std::thread& thread : threads) thread.join();
    if (queue.fatal) std::rethrow_exception(queue.fatal);
    return queue.tally;
  }

 private:
  // What the threads of a run share.
  struct Queue {
    Maker& maker;
    const std::vector<PairTask>& tasks;
    LineFile* manifest;  // may be null
    const PairProgress& progress;
    PairTally tally;
    std::mutex mutex{};
    std::atomic<size_t> next{0};
    std::atomic<bool> stop{false};
    std::map<size_t, std::string> waiting{};  // finished out of order
    size_t flushed = 0;
    std::exception_ptr fatal{};

    void work() {
      omp_set_num_threads(1);  // the pairs themselves share the cores
      while (!stop) {
        const size_t index = next++;
        if (index >= tasks.size()) break;
        std::string line;
        std::string problem;
        try {
          line = maker.make(tasks[index]);
        } catch (const WriteFailure& failure) {
          const std::lock_guard lock(mutex);
          give_up(failure.cause);
          break;
        } catch (const std::exception& error) {
          problem = error.what();
        }
        const std::lock_guard lock(mutex);
        try {
          finish(index, std::move(line), std::move(problem));
        } catch (...) {
          give_up(std::current_exception());
        }
      }
    }

    void give_up(std::exception_ptr cause) {
      if (!fatal) fatal = std::move(cause);
      stop = true;
    }

    void finish(size_t index, std::string line, std::string problem) {
      waiting[index] = std::move(line);
      for (auto first = waiting.find(flushed); first != waiting.end(); first = waiting.find(flushed)) {
        if (manifest != nullptr && !first->second.empty()) manifest->append(first->second);
        waiting.erase(first);
        ++flushed;
      }
      if (problem.empty()) {
        ++tally.made;
      } else {
        ++tally.failed;
        tally.problems.push_back(std::move(problem));
      }
      if (progress && !progress(tally)) {
        tally.stopped = true;
        stop = true;
      }
    }
  };

  void check_size(const PairTask& task, Size size) const {
    const double larger = std::max(options_.scale.y, options_.scale.x);
    const int64_t least = std::max<int64_t>(options_.patch, std::llround(std::ceil(4.0 * larger)));
    if (std::min(size.height, size.width) < least) {
      throw InputError(fmt::format("'{}' is {}x{}, too small: {} needs {} pixels a side", task.source.path.string(),
                                   size.width, size.height,
                                   options_.patch > 0 ? "a patch" : "four LR pixels a side at this scale", least));
    }
  }

  PairCrop draw_crop(Size size, Random& random) const {
    if (options_.patch == 0) {
      return {0, 0, cut_length(size.width, options_.scale.x), cut_length(size.height, options_.scale.y)};
    }
    const int64_t top = random.index(size.height - options_.patch + 1);
    const int64_t left = random.index(size.width - options_.patch + 1);
    return {left, top, options_.patch, options_.patch};
  }

  // Writes the image and returns the file's hash. No flush: the manifest proves each file by its hash.
  std::string save(const torch::Tensor& image, const fs::path& path) const {
    try {
      make_folder(path.parent_path());
      if (options_.flat) {
        Photo photo;
        photo.color = image;
        save_photo(photo, path,
                   {.format = ImageFormat::kPng, .bit_depth = options_.bit_depth, .overwrite = options_.overwrite});
        return {};
      }
      const std::string bytes = encode_png_quickly(image);
      AtomicFile file(path, options_.overwrite, Flush::kNo);
      file.write(bytes);
      file.commit();
      return sha256(bytes);
    } catch (const IoError&) {
      throw WriteFailure{std::current_exception()};
    }
  }

  // A mosaic is no photo: it is written as DNG.
  std::string save_mosaic(const torch::Tensor& mosaic, const MosaicStep& step, const fs::path& path) const {
    const std::string bytes = mosaic_dng(mosaic, step);
    try {
      make_folder(path.parent_path());
      AtomicFile file(path, options_.overwrite, Flush::kNo);
      file.write(bytes);
      file.commit();
    } catch (const IoError&) {
      throw WriteFailure{std::current_exception()};
    }
    return sha256(bytes);
  }

  // Makes and writes one pair; its line of the manifest.
  std::string make(const PairTask& task) {
    const auto entry = cache_.get(task.source.path);
    if (!task.expected_source.empty() && entry->sha256 != task.expected_source) {
      throw InputError(
          fmt::format("'{}' is not the photo of the manifest (its SHA-256 differs)", task.source.path.string()));
    }
    Random random(derive_seed(options_.seed, fmt::format("{}#{}#{}", task.source.file, task.variant, task.patch)));
    PairCrop crop = task.crop;
    std::vector<Step> steps = task.steps;
    if (crop.width == 0) {
      check_size(task, entry->size());
      crop = draw_crop(entry->size(), random);
      steps = recipe_->draw({crop.height, crop.width}, random);
    }
    const torch::Tensor hr = entry->crop(crop.top, crop.left, crop.height, crop.width);
    const torch::Tensor lr = apply_steps(steps, hr);

    const std::optional<MosaicStep> mosaic = final_mosaic(steps);
    const fs::path lr_path = folders_.lr / (task.name + (mosaic ? ".dng" : ".png"));
    if (is_same_file(task.source.path, lr_path)) {
      throw IoError(fmt::format(
          "output '{}' is the input itself; zsr never overwrites its input, choose another folder", lr_path.string()));
    }
    if (options_.overwrite == Overwrite::kNo && fs::exists(lr_path)) {
      throw IoError(fmt::format("output '{}' already exists; use --force to replace it", lr_path.string()));
    }
    const std::string lr_hash = mosaic ? save_mosaic(lr, *mosaic, lr_path) : save(lr, lr_path);
    if (options_.flat) return {};
    if (!task.expected_lr.empty() && lr_hash != task.expected_lr) {
      throw InputError(fmt::format("'{}' came out different from the record (other library versions or processor?)",
                                   lr_path.string()));
    }
    Json line{{"file", task.source.file},
              {"source", fs::absolute(task.source.path).lexically_normal().string()},
              {"source_sha256", entry->sha256},
              {"variant", task.variant},
              {"patch", task.patch},
              {"crop", {crop.left, crop.top, crop.width, crop.height}},
              {"lr", lr_path.lexically_relative(folder_).string()},
              {"lr_size", {lr.size(3), lr.size(2)}},
              {"lr_sha256", lr_hash}};
    if (options_.keep_hr) {
      const fs::path hr_path = folders_.hr / (task.name + ".png");
      line["hr"] = hr_path.lexically_relative(folder_).string();
      line["hr_sha256"] = save(hr, hr_path);
    }
    if (const BlurStep* blur = only_blur(steps)) {
      const fs::path path = folders_.kernels / (task.name + ".mat");
      try {
        make_folder(path.parent_path());
        save_array(make_kernel(blur->kernel).weights(), path, options_.overwrite);
      } catch (const IoError&) {
        throw WriteFailure{std::current_exception()};
      }
      line["kernel"] = path.lexically_relative(folder_).string();
    }
    line["steps"] = to_json(steps);
    return json_text(line);
  }

  const Recipe* recipe_;
  fs::path folder_;
  Folders folders_;
  PairOptions options_;
  Json header_;
  PhotoCache cache_;
};

}  // namespace

std::string present_environment() {
  return describe_libraries("libvips " + codec_version());
}

PairTally make_tasks(const Recipe* recipe, const fs::path& folder, const PairOptions& options, const Json& header,
                     const std::vector<PairTask>& tasks, const std::vector<std::string>& old_lines, PairTally tally,
                     const PairProgress& progress) {
  return Maker(recipe, folder, options, header).run(tasks, old_lines, std::move(tally), progress);
}

}  // namespace zsr
