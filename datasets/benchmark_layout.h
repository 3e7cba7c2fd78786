#pragma once

#include "image/resize.h"

#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// One image of a benchmark; `lr` and `kernel` are empty where the benchmark has none.
struct BenchmarkItem {
  std::string name;
  std::filesystem::path hr;
  std::filesystem::path lr;
  std::filesystem::path kernel;
};

struct Benchmark {
  std::string layout;  ///< Which layout was recognised, one line.
  std::vector<BenchmarkItem> items;
};

/// Finds HR, LR and kernel files of a benchmark as people have it on disk, for a whole factor `scale`:
///   SelfExSR:   image_SRF_2/NAME_SRF_2_HR.png, NAME_SRF_2_LR.png
///   EDSR:       HR/NAME.png, LR_bicubic/X2/NAMEx2.png (Set5, Set14, B100, Urban100)
///   DIV2K:      DIV2K_valid_HR/0801.png, DIV2K_valid_LR_bicubic/X2/0801x2.png (train too)
///   BasicSR:    GTmod12/NAME.png, LRbicx2/NAME.png
///   DIV2KRK:    gt/img_1.png, lr_x2/im_1.png, gt_k_x2/kernel_1.mat
///   RealSR:     NAME_HR.png beside NAME_LR2.png
///   plain:      HR_x2 or HR, LR_x2 or LR (kernel.mat in the LR folder serves all its images)
///   HR only:    a folder of images
/// Every image must have its partner: otherwise InputError names the image and the partner's path that was expected.
/// `with_kernels` false: HR and LR folders need none (pairs of 'zsr degrade', of which not all were blurred).
Benchmark find_benchmark(const std::filesystem::path& folder, int64_t scale, bool with_kernels = true);

}  // namespace zsr
