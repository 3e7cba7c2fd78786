#include "datasets/contact_sheet.h"

#include "core/error.h"
#include "datasets/manifest.h"
#include "image/photo.h"
#include "image/resize.h"
#include "raw/raw_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <torch/types.h>

#include <algorithm>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kSide = 192;
constexpr int64_t kText = 54;
constexpr int64_t kGap = 8;
constexpr int64_t kColumns = 3;

// The middle `side` x `side` pixels (fewer where the image is smaller), three channels.
torch::Tensor middle(const torch::Tensor& image, int64_t side) {
  const int64_t height = std::min(side, image.size(2));
  const int64_t width = std::min(side, image.size(3));
  const int64_t top = (image.size(2) - height) / 2;
  const int64_t left = (image.size(3) - width) / 2;
  return image.slice(2, top, top + height).slice(3, left, left + width).expand({1, 3, height, width});
}

torch::Tensor enlarged(const torch::Tensor& image, int64_t factor) {
  return image.repeat_interleave(factor, 2).repeat_interleave(factor, 3);
}

void paste(torch::Tensor& sheet, const torch::Tensor& image, int64_t top, int64_t left) {
  const int64_t height = std::min(kSide, image.size(2));
  const int64_t width = std::min(kSide, image.size(3));
  sheet.slice(2, top, top + height).slice(3, left, left + width).copy_(image.slice(2, 0, height).slice(3, 0, width));
}

// "blur gaussian 15 | resize 80x80 | jpeg 71"
std::string steps_in_short(const Json& steps) {
  std::string text;
  for (const Json& step : steps) {
    std::string word = step.value("op", std::string("?"));
    if (step.contains("kernel")) word = step["kernel"].value("family", word);
    if (step.contains("quality")) word += fmt::format(" {}", step["quality"].get<int64_t>());
    if (step.contains("level")) word += fmt::format(" {:.0f}", step["level"].get<double>());
    if (step.contains("sigma_1") || (step.contains("kernel") && step["kernel"].contains("sigma_1"))) {
      word += fmt::format(" {:.1f}", step["kernel"]["sigma_1"].get<double>());
    }
    if (step.contains("width")) word += fmt::format(" {}", step["width"].get<int64_t>());
    text += fmt::format("{}{}", text.empty() ? "" : " | ", word);
  }
  return text;
}

// Draws dark text with OpenCV's own strokes; `line` 0 to 2 below the pictures.
void write_text(torch::Tensor& sheet, const std::string& text, int64_t top, int64_t left, int64_t line) {
  cv::Mat mask = cv::Mat::zeros(16, static_cast<int>(2 * kSide + kGap), CV_8UC1);
  cv::putText(mask, text, {0, 11}, cv::FONT_HERSHEY_SIMPLEX, 0.36, cv::Scalar(255), 1, cv::LINE_AA);
  const torch::Tensor ink =
      torch::from_blob(mask.data, {1, 1, mask.rows, mask.cols}, torch::kUInt8).to(torch::kFloat32).div_(255.0);
  auto part =
      sheet.slice(2, top + kSide + 2 + line * 16, top + kSide + 18 + line * 16).slice(3, left, left + mask.cols);
  part.copy_(part * (1.0 - ink));
}

// The LR picture; a mosaic as the gray values of its samples.
torch::Tensor lr_to_look_at(const std::filesystem::path& path) {
  if (path.extension() != ".dng") return load_photo(path).color;
  const raw::RawPhoto photo = raw::read_raw(path);
  const raw::Plane& values = photo.values;
  return torch::tensor(values.values).view({1, 1, values.height, values.width}).clamp(0.0, 1.0).sqrt();
}

}  // namespace

void write_contact_sheet(const std::filesystem::path& folder, const std::filesystem::path& output, Overwrite overwrite,
                         int64_t most) {
  const Manifest manifest = read_manifest(folder / "manifest.jsonl", true);
  const auto count = static_cast<int64_t>(manifest.pairs.size());
  if (count == 0) throw InputError(fmt::format("'{}' holds no pairs to show", folder.string()));
  const int64_t shown = std::min(most, count);
  const int64_t columns = std::min(kColumns, shown);
  const int64_t rows = (shown + columns - 1) / columns;
  const int64_t cell_width = 2 * kSide + 2 * kGap;
  const int64_t cell_height = kSide + kText;
  torch::Tensor sheet = torch::ones({1, 3, rows * cell_height + kGap, columns * cell_width + kGap});
  for (int64_t i = 0; i < shown; ++i) {
    const Json& pair = manifest.pairs[static_cast<size_t>(i * count / shown)];
    const int64_t top = kGap + i / columns * cell_height;
    const int64_t left = kGap + i % columns * cell_width;
    const torch::Tensor lr = lr_to_look_at(folder / pair.at("lr").get<std::string>());
    const auto factor = std::max<int64_t>(1, pair.at("crop").at(2).get<int64_t>() / std::max<int64_t>(1, lr.size(3)));
    if (pair.contains("hr")) {
      const torch::Tensor hr = load_photo(folder / pair.at("hr").get<std::string>()).color;
      paste(sheet, middle(hr, kSide / factor * factor), top, left);
    }
    paste(sheet, enlarged(middle(lr, kSide / factor), factor), top, left + kSide + kGap);
    const std::string steps = steps_in_short(pair.at("steps"));
    constexpr size_t kLetters = 62;
    write_text(sheet, pair.at("lr").get<std::string>(), top, left, 0);
    write_text(sheet, steps.substr(0, kLetters), top, left, 1);
    if (steps.size() > kLetters) write_text(sheet, steps.substr(kLetters, kLetters), top, left, 2);
  }
  Photo photo;
  photo.color = sheet;
  save_photo(photo, output, {.format = format_from_name(output), .bit_depth = 8, .overwrite = overwrite});
}

}  // namespace zsr
