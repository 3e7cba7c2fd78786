#pragma once

#include "cli/batch/batch_flags.h"
#include "cli/flags/common_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/flags/options.h"
#include "cli/flags/size_flags.h"

#include <string>
#include <vector>

namespace zsr::cli {

/// The flags of `zsr upscale` as typed.
struct UpscaleFlags {
  std::vector<std::string> inputs;
  std::string output;
  std::string scale = "2";
  std::string method = "auto";
  std::string max_pixels = "200M";
  bool accept_damaged = false;
  bool keep_time = false;
  bool wrap = false;
  std::string name;
  SizeFlags size;
  std::string format;
  std::string pages = "first";
  int64_t quality = 95;
  std::string depth = "auto";
  bool strip = false;
  bool force = false;
  bool no_record = false;
  std::string task = "sr";  ///< "sr", or "old": fill scratches, restore and enlarge.
};

/// `with_method`: -m too, for the command that leaves the method open.
void add_upscale_flags(OptionSet& options, UpscaleFlags& flags, bool with_method);

/// Everything that the commands of `zsr upscale`'s kind are given.
struct AllFlags {
  UpscaleFlags upscale;
  MethodFlags method;
  pipeline::ParameterValues values;  ///< Of `method`.
  CommonFlags common;
  BatchFlags batch;
};

}  // namespace zsr::cli
