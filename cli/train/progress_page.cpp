#include "cli/train/progress_page.h"

#include "cli/compare/page_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

namespace zsr::cli {
namespace {

constexpr double kWidth = 420.0;
constexpr double kHeight = 120.0;

// One loss over its steps, from its lowest to its highest value.
std::string curve(const std::string& name, const std::vector<LossValue>& log) {
  std::vector<LossValue> own;
  for (const LossValue& one : log) {
    if (one.name == name && std::isfinite(one.value)) own.push_back(one);
  }
  if (own.empty()) return "";
  const auto by_value = [](const LossValue& a, const LossValue& b) { return a.value < b.value; };
  const double low = std::min_element(own.begin(), own.end(), by_value)->value;
  const double high = std::max_element(own.begin(), own.end(), by_value)->value;
  const double first = static_cast<double>(own.front().step);
  const double span = std::max(1.0, static_cast<double>(own.back().step) - first);
  std::string points;
  for (const LossValue& one : own) {
    const double x = (static_cast<double>(one.step) - first) / span * kWidth;
    const double y = high > low ? (high - one.value) / (high - low) * kHeight : kHeight / 2.0;
    points += fmt::format("{:.1f},{:.1f} ", x, y);
  }
  return fmt::format(
      "<figure><figcaption>{}: {:.4g}</figcaption><svg viewBox=\"-2 -4 {} {}\" role=\"img\" aria-label=\"{} from "
      "{:.4g} "
      "to {:.4g}\"><polyline points=\"{}\"/></svg><small>{:.4g} to {:.4g}</small></figure>\n",
      escaped(name), own.back().value, kWidth + 4.0, kHeight + 8.0, escaped(name), low, high, points, low, high);
}

}  // namespace

std::string log_csv(const std::vector<LossValue>& log) {
  std::string text = "step,name,value\n";
  for (const LossValue& one : log) text += fmt::format("{},{},{:.9g}\n", one.step, one.name, one.value);
  return text;
}

std::vector<LossValue> read_log_csv(const std::string& text, int64_t last_step) {
  std::vector<LossValue> log;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(',');
    const size_t last = line.rfind(',');
    if (first == std::string::npos || last == first) continue;
    char* end = nullptr;
    const int64_t step = std::strtoll(line.c_str(), &end, 10);
    if (end != line.c_str() + first || step > last_step) continue;
    log.push_back({step, line.substr(first + 1, last - first - 1), std::strtod(line.c_str() + last + 1, nullptr)});
  }
  return log;
}

std::string progress_page(const std::string& title, const std::vector<LossValue>& log, const std::string& png,
                          const std::vector<std::string>& rows, bool running) {
  std::vector<std::string> names;
  for (const LossValue& one : log) {
    if (std::find(names.begin(), names.end(), one.name) == names.end()) names.push_back(one.name);
  }
  std::string body;
  for (const std::string& name : names) body += curve(name, log);
  std::string samples;
  if (!png.empty()) {
    std::string legend;
    for (const std::string& row : rows) legend += fmt::format("<li><code>{}</code></li>", escaped(row));
    samples = fmt::format(
        "<h2>Samples</h2><p>Rows from the top:</p><ol>{}</ol><img alt=\"samples\" src=\"data:image/png;"
        "base64,{}\">",
        legend, base64(png));
  }
  const int64_t step = log.empty() ? 0 : log.back().step;
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{}<meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{}</title>\n<style>body{{font:16px/1.4 "
      "system-ui,sans-serif;max-width:60rem;"
      "margin:2rem auto;padding:0 "
      "1rem}}.curves{{display:grid;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr));"
      "gap:1rem}}figure{{margin:0}}svg{{width:100%;background:#f4f4f4}}polyline{{fill:none;stroke:#1565c0;"
      "stroke-width:1.5}}img{{max-width:100%;image-rendering:pixelated}}</style></head>\n<body><h1>{}</h1><p>Step {}, "
      "{}.</p>\n<div class=\"curves\">\n{}</div>\n{}</body></html>\n",
      running ? "<meta http-equiv=\"refresh\" content=\"10\">" : "", escaped(title), escaped(title), step,
      running ? "still training; this page loads itself again every ten seconds" : "finished", body, samples);
}

}  // namespace zsr::cli
