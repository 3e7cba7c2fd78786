#pragma once

#include "raw/demosaic.h"

namespace zsr::raw {

/// Takes the noise out of `rgb`, which `demosaic_without_denoising` made of `mosaic`; nothing where its noise is zero.
///
/// Blocks of 8 x 8 pixels in three decorrelated colours, overlapping: their cosine transform is cut where it is no
/// larger than the noise there (Yu and Sapiro, "DCT image denoising: a simple and effective image denoising algorithm",
/// IPOL 2011), then, with that as pilot, shrunk by the empirical Wiener filter. The noise of each coefficient is
/// measured on a gray mosaic of pure noise of the same levels, which goes through the same demosaicing: behind it,
/// noise is not white and differs between colours. Where noise grows with the signal, a block's own mean says how
/// strong it is.
void denoise_demosaiced(const Mosaic& mosaic, Rgb& rgb);

}  // namespace zsr::raw
