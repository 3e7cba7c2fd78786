#include "nn/kernels/blocked/layers.h"

#include "nn/kernels/blocked/ready.h"
#include "nn/kernels/blocked/rows.h"
#include "nn/kernels/winograd/layout.h"

#include <torch/types.h>

#include <algorithm>

namespace zsr::blocked {
namespace {

int64_t channels_of(const std::vector<Image>& images) {
  int64_t sum = 0;
  for (const Image& image : images) sum += image.shape.channels;
  return sum;
}

// Appends what stands at `pixel` of row y of image n, block by block.
void add_lanes(const std::vector<Image>& images, int64_t n, int64_t y, int64_t pixel,
               std::vector<winograd::Lanes>& lanes) {
  for (const Image& image : images) {
    const float* const row = image.values() + row_offset(image.shape, n, y) + pixel * kBlock;
    for (int64_t b = 0; b < image.shape.blocks(); ++b) {
      lanes.push_back({row + b * image.shape.block_stride(), std::min(kBlock, image.shape.channels - b * kBlock)});
    }
  }
}

bool whole_blocks(const std::vector<Image>& images) {
  return std::all_of(images.begin(), images.end() - 1,
                     [](const Image& image) { return image.shape.channels % kBlock == 0; });
}

}  // namespace

// Channel c s^2 + place, as torch::pixel_shuffle has it, against place C + c, as Epilogue::shuffle has it.
torch::Tensor by_places(const torch::Tensor& values, int64_t shuffle) {
  if (shuffle == 1 || !values.defined()) return values;
  return values.unflatten(0, {-1, shuffle * shuffle}).transpose(0, 1).flatten(0, 1).contiguous();
}
torch::Tensor by_channels(const torch::Tensor& values, int64_t shuffle) {
  return shuffle == 1 ? values : values.unflatten(0, {shuffle * shuffle, -1}).transpose(0, 1).flatten(0, 1);
}

torch::Tensor in_blocks(const torch::Tensor& values, int64_t channels) {
  const int64_t missing = (channels + kBlock - 1) / kBlock * kBlock - values.size(-1);
  return torch::constant_pad_nd(values, {0, missing}).contiguous();
}

torch::Tensor input_major(const torch::Tensor& weight) {
  return in_blocks(weight.flatten(1).transpose(0, 1), weight.size(0));
}

torch::Tensor filters_in_blocks(const torch::Tensor& weight) {
  const torch::Tensor taps = in_blocks(weight.flatten(1).transpose(0, 1), weight.size(0));
  return taps.unflatten(1, {-1, kBlock}).transpose(0, 1).contiguous();
}

Layers::Layers(const winograd::Kernels& kernels) : kernels_(kernels), convolver_(kernels) {}

Image Layers::from_plain(const torch::Tensor& image) {
  Image made = pool_.take(image.size(0), image.size(1), image.size(2), image.size(3));
  const torch::Tensor values = image.detach();
  const bool rows = values.size(3) == 1 || values.stride(3) == 1;
  winograd::to_blocked(rows ? values : values.contiguous(), made.values(), made.shape);
  return made;
}

torch::Tensor Layers::to_plain(const Image& image) {
  return winograd::from_blocked(image.values(), image.shape);
}

// Images of an epilogue lie as far apart as those of the result.
Image Layers::whole_if_batch(const Image& image) {
  return image.defined() && image.shape.batch > 1 && image.shape.whole != 0 ? finish({image}, {}) : image;
}

Layers::Ready Layers::ready(const Finish& finish, const Image& to) {
  Ready made;
  const auto hold = [&](const torch::Tensor& values) -> const float* {
    if (!values.defined()) return nullptr;
    made.held.push_back(in_blocks(by_places(values.detach(), finish.shuffle), values.size(-1)));
    return made.held.back().data_ptr<float>();
  };
  const auto image = [&](const Image& other) -> const float* {
    if (!other.defined()) return nullptr;
    made.images.push_back(other.shape.image_stride() == to.shape.image_stride() ? other : whole_if_batch(other));
    TORCH_CHECK(other.shape.height == to.shape.height && other.shape.width == to.shape.width &&
                    other.shape.channels == to.shape.channels,
                "images of a layer differ in size");
    return made.images.back().values();
  };
  made.epilogue.bias = hold(finish.bias);
  made.epilogue.add = image(finish.add);
  made.epilogue.relu = finish.relu;
  made.epilogue.slope = hold(finish.slope);
  made.epilogue.mask = image(finish.mask);
  made.epilogue.shuffle = finish.shuffle;
  made.epilogue.leak = finish.leak;
  made.epilogue.bend = finish.bend;
  made.epilogue.times = image(finish.times);
  if (finish.gain.defined()) {
    made.epilogue.gain = hold(finish.gain.dim() == 1 ? finish.gain.expand({to.shape.batch, -1}) : finish.gain);
  }
  return made;
}

Image Layers::target(Image to, const ImageShape& like, int64_t channels) {
  return to.defined() ? to : pool_.take(like.batch, channels, like.height, like.width);
}

Image Layers::convolve(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to) {
  if (!whole_blocks(from)) return convolve({one(from)}, weight, finish, to);
  const ImageShape& in = from.front().shape;
  const ImageShape shape{in.batch, weight.size(0), in.height, in.width};
  const ImageShape stored = shape.shuffled(finish.shuffle);
  to = target(to, stored, stored.channels);
  const Ready done = ready(finish, to);
  ImageShape convolved = shape;
  if (finish.shuffle == 1) convolved.whole = to.shape.whole;
  std::vector<winograd::Convolver::Source> sources;
  for (const Image& image : from) sources.push_back({image.values(), image.shape});
  convolver_.convolve(sources, by_places(weight.detach(), finish.shuffle).contiguous(), to.values(), convolved,
                      done.epilogue);
  return to;
}

Image Layers::mix(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to) {
  to = target(to, from.front().shape, weight.size(0));
  const Ready done = ready(finish, to);
  const torch::Tensor matrix = input_major(weight.detach());
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    std::vector<winograd::Lanes> lanes;
    add_lanes(from, n, y, 0, lanes);
    kernels_.mix(lanes.data(), static_cast<int64_t>(lanes.size()), matrix.data_ptr<float>(),
                 row_of(to, n, y, done.epilogue), done.epilogue);
  });
  return to;
}

Image Layers::halve(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to) {
  const ImageShape& in = from.front().shape;
  to = target(to, {in.batch, in.channels, in.height / 2, in.width / 2}, weight.size(0));
  const Ready done = ready(finish, to);
  // A 1x1 convolution of the four pixels' channels.
  const torch::Tensor matrix = in_blocks(weight.detach().permute({2, 3, 1, 0}).flatten(0, 2), weight.size(0));
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    std::vector<winograd::Lanes> lanes;
    for (int64_t tap = 0; tap < 4; ++tap) add_lanes(from, n, 2 * y + tap / 2, tap % 2, lanes);
    winograd::Row row = row_of(to, n, y, done.epilogue);
    row.read_step = 2;
    kernels_.mix(lanes.data(), static_cast<int64_t>(lanes.size()), matrix.data_ptr<float>(), row, done.epilogue);
  });
  return to;
}

Image Layers::twice(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to) {
  const ImageShape& in = from.front().shape;
  to = target(to, {in.batch, in.channels, in.height * 2, in.width * 2}, weight.size(1));
  const Ready done = ready(finish, to);
  // A 1x1 convolution for each of the four places.
  const torch::Tensor matrices = in_blocks(weight.detach().permute({2, 3, 0, 1}).flatten(0, 1), weight.size(1));
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    std::vector<winograd::Lanes> lanes;
    add_lanes(from, n, y / 2, 0, lanes);
    for (int64_t place = 0; place < 2; ++place) {
      winograd::Row row = row_of(to, n, y, done.epilogue);
      row.offset += place * kBlock;
      row.pixels = in.width;
      row.step = 2;
      const float* const matrix = matrices.data_ptr<float>() + (y % 2 * 2 + place) * matrices.stride(0);
      kernels_.mix(lanes.data(), static_cast<int64_t>(lanes.size()), matrix, row, done.epilogue);
    }
  });
  return to;
}

Image Layers::filter(const Image& from, const torch::Tensor& weight, int64_t dilation, const Finish& finish, Image to) {
  to = target(to, from.shape, from.shape.channels);
  const Ready done = ready(finish, to);
  const torch::Tensor filters = filters_in_blocks(weight.detach());
  const winograd::DepthFilter taps{filters.data_ptr<float>(), weight.size(-1), dilation};
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    kernels_.filter(from.values() + n * from.shape.image_stride(), from.shape, y, taps, row_of(to, n, y, done.epilogue),
                    done.epilogue);
  });
  return to;
}

Image Layers::finish(const std::vector<Image>& from, const Finish& finish, Image to) {
  to = target(to, from.front().shape, channels_of(from));
  const Ready done = ready(finish, to);
  std::vector<Image> sources = from;
  if (!whole_blocks(from)) {
    int64_t first = 0;
    for (const Image& image : from) {
      copy_channels(image, 0, image.shape.channels, to, first);
      first += image.shape.channels;
    }
    sources = {to};
  }
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    winograd::Row row = row_of(to, n, y, done.epilogue);
    winograd::Epilogue epilogue = done.epilogue;
    for (const Image& image : sources) {
      row.blocks = image.shape.blocks();
      kernels_.finish(image.values() + row_offset(image.shape, n, y), image.shape.block_stride(), row, epilogue);
      row.offset += row.blocks * row.block_stride;
      const int64_t lanes = row.blocks * kBlock;
      if (row.gain != nullptr) row.gain += lanes;
      if (epilogue.bias != nullptr) epilogue.bias += lanes;
      if (epilogue.slope != nullptr) epilogue.slope += lanes;
    }
  });
  return to;
}

Image Layers::one(const std::vector<Image>& from) {
  return from.size() == 1 ? from.front() : finish(from, {});
}

Image Layers::of_pixel(const torch::Tensor& values) {
  Image made = pool_.take(values.size(0), values.size(1), 1, 1);
  winograd::to_blocked(values.view({values.size(0), values.size(1), 1, 1}).contiguous(), made.values(), made.shape);
  return made;
}

Image Layers::mean(const std::vector<Image>& from) {
  std::vector<torch::Tensor> all;
  for (const Image& image : from) {
    all.push_back(sums_each(image) / static_cast<double>(image.shape.height * image.shape.width));
  }
  return of_pixel(torch::cat(all, 1));
}

Image Layers::deviation(const std::vector<Image>& from) {
  std::vector<torch::Tensor> all;
  for (const Image& image : from) {
    const auto pixels = static_cast<double>(image.shape.height * image.shape.width);
    const torch::Tensor centre = in_blocks(sums_each(image) / pixels, image.shape.channels);
    const ImageShape& shape = image.shape;
    const torch::Tensor squares =
        summed(shape.batch * shape.height, shape.batch * shape.blocks() * kBlock, [&](int64_t row, float* sums) {
          const int64_t n = row / shape.height;
          const float* at = image.values() + row_offset(shape, n, row % shape.height);
          for (int64_t b = 0; b < shape.blocks(); ++b, at += shape.block_stride()) {
            const int64_t place = (n * shape.blocks() + b) * kBlock;
            kernels_.sum_squares(at, centre.data_ptr<float>() + place, shape.width, sums + place);
          }
        });
    all.push_back((squares.view({shape.batch, -1}).narrow(1, 0, shape.channels) / pixels).sqrt());
  }
  return of_pixel(torch::cat(all, 1).contiguous());
}

torch::Tensor Layers::sums_each(const Image& image, const Image& other) {
  const ImageShape& shape = image.shape;
  const torch::Tensor all =
      summed(shape.batch * shape.height, shape.batch * shape.blocks() * kBlock, [&](int64_t row, float* sums) {
        const int64_t n = row / shape.height;
        const float* a = image.values() + row_offset(shape, n, row % shape.height);
        const float* b = other.defined() ? other.values() + row_offset(other.shape, n, row % shape.height) : nullptr;
        for (int64_t i = 0; i < shape.blocks(); ++i) {
          float* const to = sums + (n * shape.blocks() + i) * kBlock;
          const int64_t place = i * shape.block_stride();
          if (b == nullptr) {
            kernels_.sum(a + place, shape.width, to);
          } else {
            kernels_.sum_products(a + place, b + place, shape.width, to);
          }
        }
      });
  return all.view({shape.batch, -1}).narrow(1, 0, shape.channels).contiguous();
}

torch::Tensor Layers::sums(const Image& image) {
  return sums_each(image).sum(0);
}

}  // namespace zsr::blocked
