#include "cli/compare/dataset_run.h"

#include "cli/compare/dataset_page.h"
#include "cli/compare/page_parts.h"
#include "cli/compare/report_page.h"
#include "cli/version.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json_bytes.h"
#include "core/sha256.h"
#include "datasets/benchmark_layout.h"
#include "degradations/kernel_io.h"
#include "image/metrics.h"
#include "image/photo.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <set>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// One image of the benchmark, read.
struct Item {
  std::string name;
  fs::path hr;
  fs::path lr;
  fs::path kernel;
  torch::Tensor photo;
  torch::Tensor reference;
};

// What the comparison leaves out of the images.
struct LeftAside {
  int64_t transparent = 0;  // images whose alpha is ignored
  int64_t cut = 0;          // references cut to the results' size

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    if (transparent > 0) lines.push_back(fmt::format("transparency is ignored in {} image(s)", transparent));
    if (cut > 0) lines.push_back(fmt::format("{} reference(s) cut at right and bottom to the results' size", cut));
    return lines;
  }
};

Item prepare(const BenchmarkItem& from, const DatasetOptions& options, LeftAside& aside) {
  const Photo hr = load_photo(from.hr);
  Item item{from.name, from.hr, from.lr, from.kernel, {}, hr.color};
  const int64_t s = options.scale;
  if (item.lr.empty()) {
    // MATLAB's way, of the part that the scale divides.
    item.reference =
        item.reference.slice(2, 0, item.reference.size(2) / s * s).slice(3, 0, item.reference.size(3) / s * s);
    item.lr = options.output / "LR" / (from.name + ".png");
    if (!fs::exists(item.lr)) {
      fs::create_directories(item.lr.parent_path());
      const auto factor = 1.0 / static_cast<double>(s);
      Photo small;
      small.color = imresize_uint8(item.reference, {factor, factor});
      save_photo(small, item.lr, {});
    }
  }
  const Photo lr = load_photo(item.lr);
  item.photo = lr.color;
  const int64_t height = item.photo.size(2) * s;
  const int64_t width = item.photo.size(3) * s;
  if (item.reference.size(2) < height || item.reference.size(3) < width) {
    throw InputError(fmt::format("'{}' is {}x{}, '{}' enlarged {} times is {}x{}", from.hr.string(),
                                 item.reference.size(3), item.reference.size(2), item.lr.string(), s, width, height));
  }
  item.reference = item.reference.slice(2, 0, height).slice(3, 0, width).contiguous();
  if (hr.alpha.defined() || lr.alpha.defined()) ++aside.transparent;
  if (hr.color.size(2) > height || hr.color.size(3) > width) ++aside.cut;
  return item;
}

// Whatever a record depends on, in few letters.
std::string key_of(const MethodSpec& spec, const Item& item, const DatasetOptions& options, int64_t seed) {
  std::string text = fmt::format("{} x{} seed {} {}", build_identity(), options.scale, seed, spec.name);
  for (const std::string& word : arguments_of(spec, item.kernel.string())) text += " " + word;
  for (const std::string& word : options.runs.arguments) text += " " + word;
  text += " " + sha256_of_file(item.lr);
  if (spec.kernel == "true") text += " " + sha256_of_file(item.kernel);
  if (!spec.weights.empty() && fs::exists(spec.weights)) text += " " + sha256_of_file(spec.weights);
  return sha256(text);
}

// What the figures depend on beside the result; the number is that of the way they are computed.
std::string figures_key_of(const Item& item, const DatasetOptions& options) {
  const std::string kernel = item.kernel.empty() ? "" : sha256_of_file(item.kernel);
  return sha256(
      fmt::format("{} figures 2 {} {} {}", build_identity(), options.tools.key, sha256_of_file(item.hr), kernel));
}

Json record_of(const MethodResult& result, const Item& item, int64_t seed, const std::string& key,
               const std::string& figures_key) {
  return {{"key", key},
          {"figures_key", figures_key},
          {"method", result.spec.name},
          {"image", item.name},
          {"seed", seed},
          {"status", result.status},
          {"message", result.message},
          {"seconds", result.seconds},
          {"peak_memory_mb", result.peak_memory_mb},
          {"figures", result.figures.is_null() ? Json::object() : result.figures},
          {"settings", result.settings},
          {"steps", result.steps},
          {"losses", result.losses}};
}

// Where the results of one method on one image lie.
struct Places {
  fs::path record, image, kernel;
};

// The result that lies there, if it is of the same settings; its figures only when they were measured likewise.
std::optional<MethodResult> kept(const Places& places, const MethodSpec& spec, const std::string& key,
                                 const std::string& figures_key) {
  std::ifstream file(places.record);
  if (!file || !fs::exists(places.image)) return std::nullopt;
  Json json = Json::parse(file, nullptr, false);
  change_texts(json, [](const std::string& text) { return bytes_of_text(text); });
  if (json.is_discarded() || json.value("key", "") != key || json.value("status", "") != "done") return std::nullopt;
  MethodResult result;
  result.spec = spec;
  result.message = json.value("message", "");
  result.seconds = json.value("seconds", 0.0);
  result.peak_memory_mb = json.value("peak_memory_mb", 0.0);
  if (json.value("figures_key", "") == figures_key) result.figures = json["figures"];
  result.settings = json["settings"];
  result.steps = json["steps"].get<std::vector<double>>();
  result.losses = json["losses"].get<std::vector<double>>();
  result.image = load_photo(places.image).color;
  if (fs::exists(places.kernel)) result.kernel = load_kernel(places.kernel).weights();
  return result;
}

MethodResult run_one(const MethodSpec& spec, const Item& item, const DatasetOptions& options, int64_t seed,
                     const fs::path& folder, Json& records) {
  MethodRuns runs = options.runs;
  runs.folder = folder;
  runs.kernel_file = item.kernel.string();
  runs.arguments.insert(runs.arguments.end(), {"--seed", std::to_string(seed)});
  MethodResult result;
  result.spec = spec;
  if (spec.kernel == "true" && item.kernel.empty()) {
    result.status = "not run";
    result.message = "the benchmark has no kernel for this image";
    records.push_back(record_of(result, item, seed, "", ""));
    return result;
  }
  const std::string key = key_of(spec, item, options, seed);
  const std::string figures_key = figures_key_of(item, options);
  const std::string stem = (folder / file_name_of(spec.name)).string();
  const Places places{stem + ".json", stem + ".png", stem + "_kernel.npy"};
  if (auto found = kept(places, spec, key, figures_key)) {
    result = std::move(*found);
  } else {
    result = run_method(spec, item.lr, runs);
  }
  if (result.figures.is_null()) {
    const auto factor = static_cast<double>(options.scale);
    Judged judged{.photo = item.photo, .reference = item.reference, .scale = {factor, factor}};
    if (!item.kernel.empty()) judged.true_kernel = load_kernel(item.kernel).weights();
    if (result.image.defined()) measure(result, judged, options.tools);
    const bool stopped = options.runs.cancelled && options.runs.cancelled();
    if (!stopped) {
      write_file_atomically(places.record, json_text(record_of(result, item, seed, key, figures_key), 1) + "\n",
                            Overwrite::kYes);
    }
  }
  records.push_back(record_of(result, item, seed, key, figures_key));
  return result;
}

void write_image_page(const Item& item, std::vector<MethodResult> results, const DatasetOptions& options,
                      const std::string& footer) {
  constexpr int64_t kCropSide = 56;
  Comparison comparison;
  comparison.photo = item.name;
  comparison.subtitle = fmt::format("{}x{} pixels, enlarged {} times, compared with the true image", item.photo.size(3),
                                    item.photo.size(2), options.scale);
  MetricProtocol protocol;
  protocol.shave = options.scale;
  comparison.protocol = describe(protocol);
  comparison.footer = footer;
  comparison.results = std::move(results);
  comparison.input = item.photo;
  comparison.reference = item.reference;
  comparison.crops = crops_of_difference(comparison.results, kCropSide, options.crops);
  fs::create_directories(options.output / "pages");
  write_file_atomically(options.output / "pages" / (file_name_of(item.name) + ".html"), report_page(comparison),
                        Overwrite::kYes);
}

// The page, the table and the short report, which is returned.
Json write_reports(const fs::path& folder, const Json& report) {
  write_file_atomically(folder / "index.html", dataset_page(report), Overwrite::kYes);
  write_file_atomically(folder / "report.csv", dataset_csv(report), Overwrite::kYes);
  Json short_report = report;  // without what the records hold
  for (Json& run : short_report["runs"]) {
    for (const char* const long_part : {"settings", "steps", "losses", "key", "figures_key"}) run.erase(long_part);
  }
  write_file_atomically(folder / "report.json", json_text(short_report, 2) + "\n", Overwrite::kYes);
  return short_report;
}

}  // namespace

Json summarise(const Json& records, const std::vector<MethodSpec>& specs) {
  Json methods = Json::array();
  for (const MethodSpec& spec : specs) {
    std::map<std::string, std::map<int64_t, std::vector<double>>> by_figure;  // figure -> seed -> values
    std::set<std::string> images;
    std::set<std::string> infinite;  // figures that are infinite for some image
    int64_t done = 0;
    int64_t others = 0;
    for (const Json& record : records) {
      if (record["method"] != spec.name) continue;
      if (record["status"] != "done") {
        ++others;
        continue;
      }
      ++done;
      images.insert(record["image"].get<std::string>());
      for (const auto& [figure, value] : record["figures"].items()) {
        if (value.is_number()) by_figure[figure][record["seed"].get<int64_t>()].push_back(value.get<double>());
        if (value.is_null() && figure_value(record["figures"], figure)) infinite.insert(figure);
      }
    }
    Json mean = Json::object();
    Json counted = Json::object();
    Json spread = Json::object();
    for (const auto& [figure, by_seed] : by_figure) {
      double sum = 0.0;
      size_t count = 0;
      std::vector<double> means;
      for (const auto& [seed, values] : by_seed) {
        double own = 0.0;
        for (const double value : values) own += value;
        sum += own;
        count += values.size();
        means.push_back(own / static_cast<double>(values.size()));
      }
      mean[figure] = sum / static_cast<double>(count);
      counted[figure] = count;
      if (means.size() < 2) continue;
      double middle = 0.0;
      for (const double value : means) middle += value / static_cast<double>(means.size());
      double square = 0.0;
      for (const double value : means) square += (value - middle) * (value - middle);
      spread[figure] = std::sqrt(square / static_cast<double>(means.size() - 1));
    }
    for (const std::string& figure : infinite) {
      if (!mean.contains(figure)) put_figure(mean, figure, std::numeric_limits<double>::infinity());
    }
    mean["counted"] = counted;
    methods.push_back({{"method", spec.name},
                       {"images", images.size()},
                       {"runs", done},
                       {"not_done", others},
                       {"mean", mean},
                       {"spread_over_seeds", spread}});
  }
  return methods;
}

Json run_dataset(const DatasetOptions& options, const std::string& footer) {
  const Benchmark benchmark = find_benchmark(options.benchmark, options.scale);
  fs::create_directories(options.output);
  const auto cancelled = [&] { return options.runs.cancelled && options.runs.cancelled(); };
  Json records = Json::array();
  std::vector<std::string> left_out;
  LeftAside aside;
  for (const BenchmarkItem& from : benchmark.items) {
    if (cancelled()) break;
    Item item;
    try {
      item = prepare(from, options, aside);
    } catch (const InputError& error) {
      left_out.emplace_back(error.what());
      if (!options.quiet) fmt::print(stderr, "zsr: warning: left out {}\n", error.what());
      continue;
    }
    std::vector<MethodResult> shown;
    for (int64_t run = 0; run < options.seeds && !cancelled(); ++run) {
      const int64_t seed = options.first_seed + run;
      const fs::path folder = options.output / "images" / file_name_of(item.name) / fmt::format("seed_{}", seed);
      fs::create_directories(folder);
      for (const MethodSpec& spec : options.specs) {
        if (cancelled()) break;
        MethodResult result = run_one(spec, item, options, seed, folder, records);
        if (!options.quiet) {
          const auto psnr_y = figure_value(result.figures, "psnr_y");
          fmt::print(stderr, "{:<16} {:<20} {}\n", item.name, spec.name,
                     psnr_y ? fmt::format("{} dB, {:.1f} s", figure_text(psnr_y, 2), result.seconds)
                            : result.status + ": " + result.message);
        }
        if (run == 0) shown.push_back(std::move(result));
      }
    }
    if (!shown.empty()) write_image_page(item, std::move(shown), options, footer);
  }
  for (const std::string& line : aside.lines()) {
    if (!options.quiet) fmt::print(stderr, "zsr: warning: {}\n", line);
  }
  MetricProtocol protocol;
  protocol.shave = options.scale;
  Json report{{"command", "compare"},
              {"benchmark", options.benchmark.string()},
              {"layout", benchmark.layout},
              {"scale", options.scale},
              {"seeds", options.seeds},
              {"protocol", describe(protocol)},
              {"environment", footer},
              {"left_out", left_out},
              {"notes", aside.lines()},
              {"methods", summarise(records, options.specs)},
              {"runs", records}};
  return write_reports(options.output, report);
}

}  // namespace zsr::cli
