#include "raw/tiff_writer.h"

#include <bit>
#include <cmath>

namespace zsr::raw {
namespace {

enum Type : uint16_t {
  kByte = 1,
  kAscii = 2,
  kShort = 3,
  kLong = 4,
  kRational = 5,
  kUndefined = 7,
  kSRational = 10,
  kDouble = 12
};

void put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

// The finest denominator, a power of ten, under which the numerator fits.
uint32_t denominator_of(double value, double most) {
  uint32_t denominator = 1;
  while (denominator < 100'000'000 && std::abs(value) * denominator * 10.0 < most) denominator *= 10;
  return denominator;
}

}  // namespace

void TiffFields::add(uint16_t tag, uint16_t type, size_t count, std::string value) {
  fields_[tag] = {type, static_cast<uint32_t>(count), std::move(value)};
}

void TiffFields::bytes(uint16_t tag, const std::vector<uint8_t>& values) {
  add(tag, kByte, values.size(), std::string(values.begin(), values.end()));
}

void TiffFields::text(uint16_t tag, const std::string& value) {
  if (!value.empty()) add(tag, kAscii, value.size() + 1, value + '\0');
}

void TiffFields::shorts(uint16_t tag, const std::vector<uint16_t>& values) {
  std::string out;
  for (const uint16_t value : values) put(out, value, 2);
  add(tag, kShort, values.size(), out);
}

void TiffFields::longs(uint16_t tag, const std::vector<uint32_t>& values) {
  std::string out;
  for (const uint32_t value : values) put(out, value, 4);
  add(tag, kLong, values.size(), out);
}

void TiffFields::rationals(uint16_t tag, const std::vector<double>& values) {
  std::string out;
  for (const double value : values) {
    const uint32_t denominator = denominator_of(value, 4e9);
    put(out, static_cast<uint32_t>(std::llround(value * denominator)), 4);
    put(out, denominator, 4);
  }
  add(tag, kRational, values.size(), out);
}

void TiffFields::signed_rationals(uint16_t tag, const std::vector<double>& values) {
  std::string out;
  for (const double value : values) {
    const uint32_t denominator = denominator_of(value, 2e9);
    put(out, static_cast<uint32_t>(static_cast<int32_t>(std::llround(value * denominator))), 4);
    put(out, denominator, 4);
  }
  add(tag, kSRational, values.size(), out);
}

void TiffFields::doubles(uint16_t tag, const std::vector<double>& values) {
  std::string out;
  for (const double value : values) put(out, std::bit_cast<uint64_t>(value), 8);
  add(tag, kDouble, values.size(), out);
}

void TiffFields::undefined(uint16_t tag, std::string_view value) {
  add(tag, kUndefined, value.size(), std::string(value));
}

size_t TiffFields::size() const {
  size_t total = 2 + 12 * fields_.size() + 4;
  for (const auto& [tag, field] : fields_) {
    if (field.value.size() > 4) total += (field.value.size() + 1) / 2 * 2;
  }
  return total;
}

std::string TiffFields::at(uint32_t offset) const {
  std::string out;
  std::string outside;
  put(out, fields_.size(), 2);
  const size_t behind = offset + 2 + 12 * fields_.size() + 4;
  for (const auto& [tag, field] : fields_) {
    put(out, tag, 2);
    put(out, field.type, 2);
    put(out, field.count, 4);
    if (field.value.size() <= 4) {
      out += field.value + std::string(4 - field.value.size(), '\0');
      continue;
    }
    put(out, behind + outside.size(), 4);
    outside += field.value;
    if (outside.size() % 2 == 1) outside += '\0';
  }
  put(out, 0, 4);
  return out + outside;
}

std::string tiff_head() {
  std::string head = "II*";
  head += '\0';
  put(head, 8, 4);
  return head;
}

}  // namespace zsr::raw
