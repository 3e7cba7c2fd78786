#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace zsr::bench {

struct Entrant {
  std::string name;
  std::function<void()> run;
  std::vector<double> seconds = {};

  double median_ms() const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    return 1e3 * sorted[sorted.size() / 2];
  }
};

// Each round times every entrant `repeats` times in a row and keeps the mean.
inline void race(std::vector<Entrant>& entrants, int rounds, int repeats) {
  for (Entrant& entrant : entrants) entrant.run();  // builds kernels, takes memory
  for (int round = 0; round < rounds; ++round) {
    for (Entrant& entrant : entrants) {
      const auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < repeats; ++i) entrant.run();
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
      entrant.seconds.push_back(elapsed.count() / repeats);
    }
  }
}

// Median over rounds of (the fastest other entrant of the round) / (zsr in the same round).
inline double ratio(const std::vector<Entrant>& entrants) {
  std::vector<double> ratios;
  for (size_t round = 0; round < entrants[0].seconds.size(); ++round) {
    double stock = entrants[1].seconds[round];
    for (size_t i = 2; i < entrants.size(); ++i) stock = std::min(stock, entrants[i].seconds[round]);
    ratios.push_back(stock / entrants[0].seconds[round]);
  }
  std::sort(ratios.begin(), ratios.end());
  return ratios[ratios.size() / 2];
}

}  // namespace zsr::bench
