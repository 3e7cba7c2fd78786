#include "cli/upscale/proposed_mask.h"

#include "core/error.h"
#include "degradations/estimation/scratches.h"
#include "image/photo.h"
#include "pipeline/mask_file.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::cli {

std::filesystem::path write_proposed_mask(const std::filesystem::path& photo, const ReadLimits& limits,
                                          Overwrite overwrite, bool quiet) {
  Photo shown = load_photo(photo, limits);
  // A person looks at this mask: bright and dark lines both.
  const torch::Tensor mask = propose_mask(shown.color, {.dominance = 0.0});
  const double part = 1.0 - mask.mean().item<double>();
  if (part == 0.0) {
    throw InputError(
        fmt::format("no scratches were found in '{}'; paint a mask (white is kept, black is filled) and name "
                    "it with --mask",
                    photo.string()));
  }
  const auto beside = [&](const char* suffix) { return photo.parent_path() / (photo.stem().string() + suffix); };
  WriteOptions write;
  write.overwrite = overwrite;
  pipeline::write_mask(mask, beside("_mask.png"), overwrite);
  const torch::Tensor red = torch::tensor({1.0F, 0.0F, 0.0F}).view({1, 3, 1, 1});
  shown.color = torch::where(mask > 0.5, shown.color.expand({1, 3, -1, -1}), red);
  shown.alpha = torch::Tensor();
  save_photo(shown, beside("_mask_shown.png"), write);
  if (!quiet) {
    fmt::print(stderr, "{:.2f} % of '{}' look like scratches or dust: in red in '{}'\n", 100.0 * part, photo.string(),
               beside("_mask_shown.png").string());
  }
  return beside("_mask.png");
}

}  // namespace zsr::cli
