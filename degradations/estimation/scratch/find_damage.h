#pragma once

#include <opencv2/core/mat.hpp>

namespace zsr {

/// Both take `gray` CV_32F in [0, 1] and give a mask CV_8U, 255 = damage; `sensitivity` and `dominance` as in
/// ScratchOptions.
/// Connected long thin lines of line_response. Scratches are one to four pixels wide: for wider ones, make `gray`
/// smaller.
cv::Mat find_lines(const cv::Mat& gray, double sensitivity, double dominance);
/// Dust: small spots in smooth surroundings.
cv::Mat find_specks(const cv::Mat& gray, double sensitivity, double dominance);

}  // namespace zsr
