#include "datasets/pair_run.h"

#include "core/device.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/sha256.h"
#include "datasets/manifest.h"
#include "datasets/photo_cache.h"
#include "degradations/array_file.h"
#include "degradations/step_json.h"
#include "image/photo.h"
#include "image/photo_codec.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <omp.h>
#include <set>
#include <thread>

namespace zsr {
namespace {

// What the pairs' bytes depend on besides the recipe; stands in the manifest.
std::string present_environment() {
  return describe_libraries("libvips " + codec_version());
}

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// A rectangle of the photo; width 0 = not drawn yet.
struct Crop {
  int64_t left = 0;
  int64_t top = 0;
  int64_t width = 0;
  int64_t height = 0;
};

// One pair to make. A replay brings its crop, steps and hashes.
struct Task {
  PairSource source;
  std::string name;  // of the results, without extension
  int64_t variant = 0;
  int64_t patch = 0;
  Crop crop;
  std::vector<Step> steps;
  std::string expected_source;
  std::string expected_lr;
  std::string expected_hr;
};

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
  PairTally run(const std::vector<Task>& tasks, const std::vector<std::string>& old_lines, PairTally tally,
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
    const std::vector<Task>& tasks;
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

  void check_size(const Task& task, Size size) const {
    const double larger = std::max(options_.scale.y, options_.scale.x);
    const int64_t least = std::max<int64_t>(options_.patch, std::llround(std::ceil(4.0 * larger)));
    if (std::min(size.height, size.width) < least) {
      throw InputError(fmt::format("'{}' is {}x{}, too small: {} needs {} pixels a side", task.source.path.string(),
                                   size.width, size.height,
                                   options_.patch > 0 ? "a patch" : "four LR pixels a side at this scale", least));
    }
  }

  Crop draw_crop(Size size, Random& random) const {
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

  // Makes and writes one pair; its line of the manifest.
  std::string make(const Task& task) {
    const auto entry = cache_.get(task.source.path);
    if (!task.expected_source.empty() && entry->sha256 != task.expected_source) {
      throw InputError(
          fmt::format("'{}' is not the photo of the manifest (its SHA-256 differs)", task.source.path.string()));
    }
    Random random(derive_seed(options_.seed, fmt::format("{}#{}#{}", task.source.file, task.variant, task.patch)));
    Crop crop = task.crop;
    std::vector<Step> steps = task.steps;
    if (crop.width == 0) {
      check_size(task, entry->size());
      crop = draw_crop(entry->size(), random);
      steps = recipe_->draw({crop.height, crop.width}, random);
    }
    const torch::Tensor hr = entry->crop(crop.top, crop.left, crop.height, crop.width);
    const torch::Tensor lr = apply_steps(steps, hr);

    const fs::path lr_path = folders_.lr / (task.name + ".png");
    if (is_same_file(task.source.path, lr_path)) {
      throw IoError(fmt::format(
          "output '{}' is the input itself; zsr never overwrites its input, choose another folder", lr_path.string()));
    }
    if (options_.overwrite == Overwrite::kNo && fs::exists(lr_path)) {
      throw IoError(fmt::format("output '{}' already exists; use --force to replace it", lr_path.string()));
    }
    const std::string lr_hash = save(lr, lr_path);
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

std::vector<Task> plan(const std::vector<PairSource>& sources, const PairOptions& options) {
  std::vector<Task> tasks;
  std::map<std::string, std::string> taken;
  const int64_t patches = options.patch > 0 ? options.patches : 1;
  for (const PairSource& source : sources) {
    const std::string base = fs::path(source.file).replace_extension("").string();
    const auto [found, fresh] = taken.try_emplace(base, source.path.string());
    if (!fresh) {
      throw InputError(fmt::format("'{}' and '{}' would both become '{}.png'; rename one or take separate folders",
                                   found->second, source.path.string(), base));
    }
    for (int64_t patch = 0; patch < patches; ++patch) {
      for (int64_t variant = 0; variant < options.variants; ++variant) {
        std::string name = base;
        if (options.patch > 0) name += fmt::format("_p{:03}", patch);
        if (options.variants > 1) name += fmt::format("_v{}", variant);
        tasks.push_back({.source = source, .name = name, .variant = variant, .patch = patch});
      }
    }
  }
  return tasks;
}

Json make_header(const Recipe& recipe, const PairOptions& options) {
  return {{"zsr_manifest", kManifestFormat},
          {"version", library_version()},
          {"environment", present_environment()},
          {"seed", options.seed},
          {"scale", {options.scale.x, options.scale.y}},
          {"variants", options.variants},
          {"patch", options.patch},
          {"patches", options.patches},
          {"keep_hr", options.keep_hr},
          {"recipe", recipe.describe()}};
}

std::string text_of(const Json& json, const char* field, const fs::path& manifest) {
  if (!json.contains(field) || !json[field].is_string()) {
    throw InputError(fmt::format("manifest '{}' is damaged: a line without '{}'", manifest.string(), field));
  }
  return json[field].get<std::string>();
}

bool has_hash(const fs::path& path, const std::string& expected) {
  std::error_code error;
  return fs::is_regular_file(path, error) && sha256_of_file(path) == expected;
}

// True when everything that `line` tells of is still there, to the byte.
bool is_proved(const Json& line, const fs::path& folder, const fs::path& manifest) {
  if (!has_hash(folder / text_of(line, "lr", manifest), text_of(line, "lr_sha256", manifest))) return false;
  if (line.contains("hr") && !has_hash(folder / text_of(line, "hr", manifest), text_of(line, "hr_sha256", manifest))) {
    return false;
  }
  return !line.contains("kernel") || fs::is_regular_file(folder / text_of(line, "kernel", manifest));
}

std::string key_of(const std::string& file, int64_t variant, int64_t patch) {
  return fmt::format("{}#{}#{}", file, variant, patch);
}

// The first field in which two headers differ.
std::string difference(const Json& a, const Json& b) {
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key) || a[key] != value) {
      return fmt::format("{} was {}, now {}", key, a.contains(key) ? a[key].dump() : "not given", value.dump());
    }
  }
  return {};
}

}  // namespace

void PairOptions::validate() const {
  const auto check = [](bool good, const char* name, int64_t value, const char* rule) {
    if (!good) throw OptionError(fmt::format("{} = {}, must be {}", name, value, rule));
  };
  check(variants >= 1 && variants <= 1'000'000, "variants", variants, "1 to 1000000");
  check(patches >= 1 && patches <= 1'000'000, "patches", patches, "1 to 1000000");
  check(threads >= 1, "threads", threads, ">= 1");
  check(patch >= 0 && patch <= 65536, "patch", patch, "0 to 65536 pixels");
  check(bit_depth == 8 || (bit_depth == 16 && flat), "bit depth", bit_depth, "8, or 16 for LR images alone");
  if (patch > 0 && (cut_length(patch, scale.y) != patch || cut_length(patch, scale.x) != patch)) {
    throw OptionError(fmt::format("patch = {}, must be a multiple of the scale", patch));
  }
}

PairTally make_pairs(const std::vector<PairSource>& sources, const Recipe& recipe, const fs::path& folder,
                     const PairOptions& options, const PairProgress& progress) {
  options.validate();
  std::vector<Task> tasks = plan(sources, options);
  PairTally tally;
  tally.planned = static_cast<int64_t>(tasks.size());
  const Json header = make_header(recipe, options);
  std::vector<std::string> old_lines;
  PairOptions run_options = options;
  const fs::path manifest = folder / "manifest.jsonl";
  if (!options.flat && fs::exists(manifest) && options.overwrite == Overwrite::kNo) {
    const Manifest old = read_manifest(manifest, true);
    const std::string differs = difference(old.header, header);
    if (!differs.empty()) {
      throw InputError(
          fmt::format("'{}' holds the pairs of another run ({}); take another folder, or --force to "
                      "replace them",
                      folder.string(), differs));
    }
    std::set<std::string> proved;
    std::map<std::string, std::string> source_hash;
    for (size_t i = 0; i < old.pairs.size(); ++i) {
      const Json& line = old.pairs[i];
      if (!is_proved(line, folder, manifest)) continue;
      const std::string file = text_of(line, "file", manifest);
      proved.insert(key_of(file, line.value("variant", int64_t{0}), line.value("patch", int64_t{0})));
      source_hash[file] = text_of(line, "source_sha256", manifest);
      old_lines.push_back(old.lines[i]);
    }
    for (const PairSource& source : sources) {
      const auto known = source_hash.find(source.file);
      if (known != source_hash.end() && fs::is_regular_file(source.path) &&
          sha256_of_file(source.path) != known->second) {
        throw InputError(
            fmt::format("'{}' has changed since '{}' was written; take another folder, or --force to make "
                        "all pairs again",
                        source.path.string(), manifest.string()));
      }
    }
    std::erase_if(
        tasks, [&](const Task& task) { return proved.contains(key_of(task.source.file, task.variant, task.patch)); });
    tally.already_there = tally.planned - static_cast<int64_t>(tasks.size());
    run_options.overwrite = Overwrite::kYes;  // what the manifest does not prove is a remnant
  }
  return Maker(&recipe, folder, run_options, header).run(tasks, old_lines, tally, progress);
}

namespace {

// Whether a manifest can be replayed here, into `folder`.
void check_replay(const Manifest& manifest, const fs::path& manifest_path, const fs::path& folder,
                  const ReplayOptions& options) {
  const std::string version = manifest.header.value("version", std::string("?"));
  const std::string environment = manifest.header.value("environment", std::string("?"));
  if (!options.any_version && version != library_version()) {
    throw InputError(fmt::format("manifest '{}' is of zsr {}, this is {}; --any-version tries it all the same",
                                 manifest_path.string(), version, library_version()));
  }
  if (!options.any_version && environment != present_environment()) {
    throw InputError(fmt::format("manifest '{}' was made with {}, here is {}; --any-version tries it all the same",
                                 manifest_path.string(), environment, present_environment()));
  }
  std::error_code error;
  if (fs::equivalent(manifest_path, folder / "manifest.jsonl", error)) {
    throw InputError(
        fmt::format("'{}' is the folder of the manifest itself; replay into another one", folder.string()));
  }
}

// One line of a manifest.
Task task_of(const Json& line, const fs::path& manifest_path, const fs::path& hr_folder) {
  Task task;
  task.source.file = text_of(line, "file", manifest_path);
  task.source.path =
      hr_folder.empty() ? fs::path(text_of(line, "source", manifest_path)) : hr_folder / task.source.file;
  const fs::path lr = text_of(line, "lr", manifest_path);
  task.name = lr.lexically_relative("LR").replace_extension("").string();
  if (task.name.empty() || task.name.find("..") != std::string::npos || lr.is_absolute()) {
    throw InputError(fmt::format("'{}' leads out of the folder", lr.string()));
  }
  task.variant = line.at("variant").get<int64_t>();
  task.patch = line.at("patch").get<int64_t>();
  const Json& crop = line.at("crop");
  task.crop = {crop.at(0), crop.at(1), crop.at(2), crop.at(3)};
  if (task.crop.width < 1 || task.crop.height < 1 || task.crop.left < 0 || task.crop.top < 0) {
    throw InputError("its crop makes no sense");
  }
  task.steps = steps_from_json(line.at("steps"));
  task.expected_source = text_of(line, "source_sha256", manifest_path);
  task.expected_lr = text_of(line, "lr_sha256", manifest_path);
  return task;
}

}  // namespace

PairTally replay_pairs(const fs::path& manifest_path, const fs::path& folder, const ReplayOptions& options,
                       const PairProgress& progress) {
  const Manifest manifest = read_manifest(manifest_path, false);
  check_replay(manifest, manifest_path, folder, options);
  PairOptions run_options;
  run_options.threads = options.threads;
  run_options.overwrite = options.overwrite;
  run_options.limits = options.limits;
  run_options.cache_bytes = options.cache_bytes;
  run_options.keep_hr = manifest.header.value("keep_hr", true);
  std::vector<Task> tasks;
  for (size_t i = 0; i < manifest.pairs.size(); ++i) {
    const Json& line = manifest.pairs[i];
    try {
      tasks.push_back(task_of(line, manifest_path, options.hr_folder));
    } catch (const nlohmann::json::exception& failure) {
      throw InputError(fmt::format("manifest '{}', line {}: {}", manifest_path.string(), i + 2, failure.what()));
    } catch (const Error& failure) {
      throw InputError(fmt::format("manifest '{}', line {}: {}", manifest_path.string(), i + 2, failure.what()));
    }
  }
  PairTally tally;
  tally.planned = static_cast<int64_t>(tasks.size());
  if (fs::exists(folder / "manifest.jsonl") && options.overwrite == Overwrite::kNo) {
    throw InputError(
        fmt::format("'{}' already holds pairs; take another folder, or --force to replace them", folder.string()));
  }
  return Maker(nullptr, folder, run_options, manifest.header).run(tasks, {}, tally, progress);
}

}  // namespace zsr
