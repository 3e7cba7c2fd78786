#pragma once

#include <cstdint>

// Loops over one row of pixels of one block of 16 channels (Note [Winograd layout]): n pixels, 16 numbers each, one
// behind the other. "Packed" rows keep all channels of a pixel together; their pixels are `stride` numbers apart.
// Activation is LeakyReLU(0.2) throughout.

namespace zsr::dip {

constexpr float kLeak = 0.2F;

/// to = scale from + shift, activated; as it is where `scale` is null.
void pack_row(const float* from, int64_t n, const float* scale, const float* shift, float* to, int64_t stride);

/// Copies a packed row; adds the sums of the values and of their squares to `sums` and `squares` [16].
void unpack_row(const float* from, int64_t stride, int64_t n, float* to, float* sums, float* squares);

/// to = a d + b y + c, channel by channel.
void pack_gradient_row(const float* d, const float* y, int64_t n, const float* a, const float* b, const float* c,
                       float* to, int64_t stride);

/// The same in place, unpacked.
void apply_norm_gradient_row(float* d, const float* y, int64_t n, const float* a, const float* b, const float* c);

/// The gradient before the activation: to = gradient (+ what `to` holds, where `add`), times 0.2 where
/// scale y + shift <= 0; adds the sums of to and of to y. `gradient` is packed.
void close_row(const float* gradient, int64_t stride, const float* y, int64_t n, const float* scale, const float* shift,
               bool add, float* to, float* sums, float* products);

/// Adds the sums of a row and of its squares.
void sum_row(const float* from, int64_t n, float* sums, float* squares);

/// to = near_share act(near) + far_share act(far), where act(v) = activation of scale v + shift.
void blend_rows(const float* near, const float* far, float near_share, float far_share, int64_t n, const float* scale,
                const float* shift, float* to);

/// Twice as many pixels: linear between them as PyTorch's bilinear upsampling (align_corners = False), or each twice.
void widen_row(const float* from, int64_t n, bool linear, float* to);

/// What widen_row's transpose makes of `from` (2 n pixels).
void narrow_row(const float* from, int64_t n, bool linear, float* to);

/// to += share (d + b (u - mean)), n pixels.
void add_joint_gradient_row(const float* d, const float* u, int64_t n, float share, const float* b, const float* mean,
                            float* to);

}  // namespace zsr::dip
