#pragma once

#include <opencv2/core/mat.hpp>

namespace zsr {

/// How much each pixel looks like a part of a thin line, in units of the image; <= 0 where there is none.
struct LineResponse {
  cv::Mat bright;  ///< CV_32F, lines brighter than both of their sides.
  cv::Mat dark;    ///< Likewise, darker.
};

/// Lines of one to four pixels in width. `gray` CV_32F in [0, 1], of any size. For each of 16 directions: mean over 13
/// pixels along the line, less the brighter of the means at both sides, less half their difference (an edge has unlike
/// sides), less their larger standard deviation (texture), less the strongest parallel line 6 to 16 pixels away
/// (patterns); then the largest over the directions.
LineResponse line_response(const cv::Mat& gray);

}  // namespace zsr
