#include "training/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace zsr::training {
namespace {

constexpr double kWidth = 760.0;
constexpr double kHeight = 360.0;
constexpr double kLeft = 80.0;
constexpr double kRight = 80.0;
constexpr double kTop = 40.0;
constexpr double kBottom = 50.0;

struct Axis {
  double low;
  double high;
  double place(double value, double from, double to) const {
    const double range = high > low ? high - low : 1.0;
    return from + (value - low) / range * (to - from);
  }
};

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else {
      safe += c;
    }
  }
  return safe;
}

using ValueOf = std::function<double(const LogLine&)>;

Axis axis_of(const std::vector<LogLine>& log, const ValueOf& value) {
  Axis axis{value(log[0]), value(log[0])};
  for (const LogLine& line : log) axis = {std::min(axis.low, value(line)), std::max(axis.high, value(line))};
  const double margin = std::max(1e-9, 0.05 * (axis.high - axis.low));
  return {axis.low - margin, axis.high + margin};
}

// One curve and the numbers of its axis at `x`.
std::string series(const std::vector<LogLine>& log, const Axis& steps, const ValueOf& value, const char* colour,
                   double x, const char* anchor, const std::function<std::string(double)>& label) {
  const Axis axis = axis_of(log, value);
  std::string points;
  for (const LogLine& line : log) {
    points += fmt::format("{:.1f},{:.1f} ", steps.place(static_cast<double>(line.step), kLeft, kWidth - kRight),
                          axis.place(value(line), kHeight - kBottom, kTop));
  }
  std::string text =
      fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", points, colour);
  constexpr int kMarks = 4;
  for (int i = 0; i <= kMarks; ++i) {
    const double at = axis.low + (axis.high - axis.low) * i / kMarks;
    text += fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x,
                        axis.place(at, kHeight - kBottom, kTop) + 4.0, anchor, colour, label(at));
  }
  return text;
}

}  // namespace

std::string curve_svg(const TrainState& state, const std::string& title) {
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"white\"/>\n<text x=\"{2:.0f}\" y=\"22\" "
      "font-size=\"15\">{3}</text>\n",
      kWidth, kHeight, kLeft, escaped(title));
  const std::vector<LogLine>& log = state.log;
  if (!log.empty()) {
    const Axis steps{0.0, static_cast<double>(log.back().step)};
    const double bottom = kHeight - kBottom;
    svg += fmt::format("<path d=\"M {0} {1} V {2} H {3} V {1}\" fill=\"none\" stroke=\"#888\"/>\n", kLeft, kTop, bottom,
                       kWidth - kRight);
    svg += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"end\">{} steps</text>\n", kWidth - kRight,
                       bottom + 20.0, log.back().step);
    const auto scientific = [](double at) { return fmt::format("{:.4f}", std::exp(at)); };
    svg += series(
        log, steps, [](const LogLine& line) { return std::log(std::max(1e-9, line.loss)); }, "#1f5fa8", kLeft - 8.0,
        "end", scientific);
    svg += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" fill=\"#1f5fa8\">loss</text>\n", kLeft, bottom + 20.0);
    const bool tested = std::any_of(log.begin(), log.end(), [](const LogLine& l) { return l.score.psnr > 0.0; });
    if (tested) {
      svg += series(
          log, steps, [](const LogLine& line) { return line.score.psnr; }, "#b4491a", kWidth - kRight + 8.0, "start",
          [](double at) { return fmt::format("{:.2f}", at); });
      svg += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" fill=\"#b4491a\">PSNR, dB</text>\n", kLeft + 50.0,
                         bottom + 20.0);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace zsr::training
