#include "cli/flags/upscale_flags.h"

#include "pipeline/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace zsr::cli {

void add_upscale_flags(OptionSet& options, UpscaleFlags& flags, bool with_method) {
  options.group("Photos");
  options.positional("input,i", "PHOTO", "Photos or folders; - reads one photo from a pipe", &flags.inputs);
  options.add("output,o", "PATH", "File, folder for several photos, or - for a pipe. Default: NAME_x2 beside the photo",
              &flags.output);
  options.add("scale,s", "FACTOR",
              "Above 1, fractions too; 2x1.5 = horizontal x vertical. Default: 2, or the weights' own", &flags.scale);
  add_size_flags(options, flags.size);
  options.add(
      "name", "PATTERN",
      "Names of results, e.g. '{stem}_x{scale}{ext}'; also {method}. Default in a folder: as the photo, with the "
      "photo's extension in it where results would have one name",
      &flags.name);
  options.flag("keep-time", "The result gets the photo's time of last change", &flags.keep_time);
  if (with_method) {
    options.add(
        "method,m", "NAME",
        fmt::format("auto (zssr for clean photos, restore for noisy and compressed ones, or what --weights are), {}; "
                    "'zsr info --methods' tells what each can use",
                    fmt::join(pipeline::method_names(), ", ")),
        &flags.method);
    options.add("task", "NAME",
                "sr, or old for old photos: --scratches auto, then the restoration, then enlarging (--tone auto too "
                "if you name it)",
                &flags.task);
  }
  options.add("pages", "WHICH",
              "Of documents and animations: first, all, or numbers and ranges, 1,3-5. Several become one file of the "
              "same kind: TIFF, or WebP, PNG or GIF with the frames' times (a GIF becomes WebP unless you name .gif)",
              &flags.pages);
  options.flag("wrap", "A tileable texture: continued periodically, so that the edges of the result fit together",
               &flags.wrap);
  options.add("format,f", "NAME",
              "png, jpeg, tiff, webp, pnm, bmp, gif, avif, heic or jxl. Default: by the output's name", &flags.format);
  options.add("quality", "N", "JPEG and WebP quality, 1-100 (WebP 100 is lossless)", &flags.quality);
  options.add("bit-depth", "BITS", "8, 16 or auto (as the photo); HDR in AVIF and HEIC: 10 or 12, in OpenEXR 16 or 32",
              &flags.depth);
  options.flag("strip", "Leave EXIF, XMP, ICC profile and resolution out of the result", &flags.strip);
  options.flag("force", "Replace an existing output (never the input)", &flags.force);
  options.add("max-pixels", "N", "Largest photo to read or to make, e.g. 200M", &flags.max_pixels);
  options.flag("accept-damaged",
               "Take what can be decoded of a damaged photo instead of refusing it; the record says so",
               &flags.accept_damaged);
  options.flag("no-record", "Do not store OUTPUT.zsr.json with the effective settings", &flags.no_record);
}

}  // namespace zsr::cli
