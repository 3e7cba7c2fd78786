#pragma once

#include "core/files.h"
#include "nn/weights/weights_file.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace zsr {

/// Note [Safetensors]
/// The suite's own format for weights and checkpoints: eight bytes of header length (little-endian), a JSON header that
/// gives each tensor's type, shape and place, then the values. Nothing in it can be executed. As the reference
/// implementation (huggingface/safetensors) demands, a header has at most 100,000,000 bytes, names occur once, and the
/// tensors tile the data from its first byte to its last without hole or overlap.

/// Reads such a file. Throws IoError, or InputError that names the file and what is wrong with it.
WeightsFile read_safetensors(const std::filesystem::path& path);
/// The same from memory; `origin` names it in messages.
WeightsFile parse_safetensors(std::string_view bytes, const std::string& origin);

/// The file's bytes for these tensors (any device; float64, float32, float16, bfloat16, int64, int32, int16, int8,
/// uint8 or bool) and remarks. Equal contents give equal bytes.
std::string format_safetensors(const WeightsFile& weights);
/// Writes them to `path`, whole or not at all.
void write_safetensors(const std::filesystem::path& path, const WeightsFile& weights, Overwrite overwrite);

}  // namespace zsr
