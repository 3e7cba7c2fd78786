#include "dip/fast/joint.h"

#include "dip/fast/parallel.h"
#include "dip/fast/rows.h"

#include <torch/types.h>

namespace zsr::dip {
namespace {

constexpr float kNear = 0.75F;  // shares of the two rows between which one of twice as many lies
constexpr float kFar = 0.25F;

}  // namespace

Sums join(const View& deeper, const View* skip, bool bilinear, Image& joint) {
  const ImageShape& small = deeper.image->shape;
  const ImageShape& shape = joint.shape;
  Scratch scratch;
  scratch.ready();
  SharedSums sums(shape.blocks());
  share_rows(shape.height, [&](int64_t thread, int64_t begin, int64_t end) {
    float* const blended = scratch.get(thread, 0, small.row_stride());
    for (int64_t y = begin; y < end; ++y) {
      const int64_t near = y / 2;
      const int64_t far = std::clamp<int64_t>(y % 2 == 0 ? near - 1 : near + 1, 0, small.height - 1);
      for (int64_t block = 0; block < shape.blocks(); ++block) {
        float* const to = joint.row(block, y);
        const bool enlarged = block < small.blocks();
        const int64_t at = (enlarged ? block : block - small.blocks()) * kBlock;
        const Norm& norm = enlarged ? *deeper.norm : *skip->norm;
        if (enlarged) {
          blend_rows(deeper.image->row(block, near), deeper.image->row(block, bilinear ? far : near),
                     bilinear ? kNear : 1.0F, bilinear ? kFar : 0.0F, small.width, norm.scale.data() + at,
                     norm.shift.data() + at, blended);
          widen_row(blended, small.width, bilinear, to);
        } else {
          pack_row(skip->image->row(block - small.blocks(), y), shape.width, norm.scale.data() + at,
                   norm.shift.data() + at, to, kBlock);
        }
        float first[kBlock] = {};
        float second[kBlock] = {};
        sum_row(to, shape.width, first, second);
        sums.add(thread, block, first, second);
      }
    }
  });
  return sums.total();
}

JoinedSums join_gradient(const Image& gradient, const Image& joint, const std::vector<float>& pull,
                         const std::vector<float>& mean, const View& deeper, const View* skip, bool bilinear,
                         Image& deeper_gradient, Image* skip_gradient) {
  const ImageShape& small = deeper.image->shape;
  const ImageShape& shape = joint.shape;
  Scratch scratch;
  scratch.ready();
  SharedSums deeper_sums(small.blocks());
  SharedSums skip_sums(skip != nullptr ? skip->image->shape.blocks() : 1);
  share_rows(small.height, [&](int64_t thread, int64_t begin, int64_t end) {
    float* const gathered = scratch.get(thread, 0, shape.width * kBlock);
    float* const narrow = scratch.get(thread, 1, small.width * kBlock);
    // Rows 2 y - 1 to 2 y + 2 see row y; beyond the border those at it count once more.
    const auto gather = [&](int64_t block, int64_t y, float share) {
      add_joint_gradient_row(gradient.row(block, y), joint.row(block, y), shape.width, share,
                             pull.data() + block * kBlock, mean.data() + block * kBlock, gathered);
    };
    const auto close_into = [&](const View& view, int64_t block, int64_t y, const float* from, Image& to,
                                SharedSums& sums) {
      float first[kBlock] = {};
      float second[kBlock] = {};
      close_row(from, kBlock, view.image->row(block, y), to.shape.width, view.norm->scale.data() + block * kBlock,
                view.norm->shift.data() + block * kBlock, false, to.row(block, y), first, second);
      sums.add(thread, block, first, second);
    };
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t block = 0; block < small.blocks(); ++block) {
        std::fill_n(gathered, shape.width * kBlock, 0.0F);
        gather(block, 2 * y, bilinear ? kNear : 1.0F);
        gather(block, 2 * y + 1, bilinear ? kNear : 1.0F);
        if (bilinear) {
          gather(block, std::max<int64_t>(2 * y - 1, 0), kFar);
          gather(block, std::min<int64_t>(2 * y + 2, shape.height - 1), kFar);
        }
        narrow_row(gathered, small.width, bilinear, narrow);
        close_into(deeper, block, y, narrow, deeper_gradient, deeper_sums);
      }
      if (skip == nullptr) continue;
      for (int64_t block = small.blocks(); block < shape.blocks(); ++block) {
        for (const int64_t row : {2 * y, 2 * y + 1}) {
          std::fill_n(gathered, shape.width * kBlock, 0.0F);
          gather(block, row, 1.0F);
          close_into(*skip, block - small.blocks(), row, gathered, *skip_gradient, skip_sums);
        }
      }
    }
  });
  return {deeper_sums.total(), skip_sums.total()};
}

}  // namespace zsr::dip
