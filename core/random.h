#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace zsr {

/// The next number of the generator splitmix64 (Steele, Lea and Flood 2014): turns one seed into many.
uint64_t splitmix64(uint64_t& state);

/// A seed for the stream called `stream`, derived from the run's one seed. Adding a stream does not shift another.
uint64_t derive_seed(uint64_t seed, std::string_view stream);

/// Portable random numbers (xoshiro256++, Blackman and Vigna 2019): the same sequence on every compiler and machine,
/// unlike the std distributions.
class Random {
 public:
  explicit Random(uint64_t seed);

  /// 64 random bits.
  uint64_t bits();
  /// Uniform in [0, 1).
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high);
  /// Uniform in {0, ..., count - 1}; `count` > 0.
  int64_t index(int64_t count);
  /// Normal with mean 0 and standard deviation 1 (Box and Muller).
  double normal();

 private:
  std::array<uint64_t, 4> state_;
  double spare_normal_ = 0.0;
  bool has_spare_normal_ = false;
};

}  // namespace zsr
