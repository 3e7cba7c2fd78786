// Functions of vectors and the epilogue of Epilogue; included by kernels_impl.h.

typedef int32_t IntVec __attribute__((vector_size(kLanes * 4)));

inline Vec keep_positive(Vec value, Vec condition) {
  const Vec zero = {};
  return condition > zero ? value : zero;
}

// Cephes' expf: relative error below 2e-7.
inline Vec exp_of(Vec x) {
  x = x > -87.0F ? x : Vec{} - 87.0F;
  x = x < 88.0F ? x : Vec{} + 88.0F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: what is added to it becomes whole
  const Vec shifted = x * 1.44269504F + kRound;
  const Vec whole = shifted - kRound;
  const Vec r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;
  Vec y = r * 1.9875691500e-4F + 1.3981999507e-3F;
  y = y * r + 8.3334519073e-3F;
  y = y * r + 4.1665795894e-2F;
  y = y * r + 1.6666665459e-1F;
  y = y * r + 5.0000001201e-1F;
  y = y * r * r + r + 1.0F;
  const IntVec exponent = __builtin_convertvector(whole, IntVec) << 23;
  IntVec bits;
  __builtin_memcpy(&bits, &y, sizeof(y));
  bits += exponent;
  __builtin_memcpy(&y, &bits, sizeof(y));
  return y;
}

inline Vec sigmoid_of(Vec x) {
  return 1.0F / (1.0F + exp_of(-x));
}

inline Vec tanh_of(Vec x) {
  const Vec size = x < Vec{} ? -x : x;
  const Vec e = exp_of(-2.0F * size);
  const Vec far = (1.0F - e) / (1.0F + e);
  const Vec z = x * x;
  Vec y = z * -5.70498872745e-3F + 2.06390887954e-2F;
  y = y * z - 5.37397155531e-2F;
  y = y * z + 1.33314422036e-1F;
  y = y * z - 3.33332819422e-1F;
  return size < 0.625F ? y * z * x + x : x < Vec{} ? -far : far;
}

// Of the normal distribution; by Abramowitz and Stegun 7.1.26, absolute error below 1e-7. `density`: exp(-x^2 / 2).
inline Vec normal_below(Vec x, Vec& density) {
  const Vec size = (x < Vec{} ? -x : x) * 0.70710678F;
  density = exp_of(-size * size);
  const Vec t = 1.0F / (1.0F + 0.3275911F * size);
  Vec y = t * 1.061405429F - 1.453152027F;
  y = y * t + 1.421413741F;
  y = y * t - 0.284496736F;
  y = y * t + 0.254829592F;
  const Vec half_tail = 0.5F * y * t * density;
  return x < Vec{} ? half_tail : 1.0F - half_tail;
}

inline Vec bent(Vec x, Bend bend) {
  Vec density;
  switch (bend) {
    case Bend::kSigmoid:
      return sigmoid_of(x);
    case Bend::kTanh:
      return tanh_of(x);
    case Bend::kGelu:
      return x * normal_below(x, density);
    case Bend::kSilu:
      return x * sigmoid_of(x);
    case Bend::kNone:
      break;
  }
  return x;
}

inline bool is_rare(const Epilogue& epilogue) {
  return epilogue.bend != Bend::kNone || epilogue.times != nullptr || epilogue.gain != nullptr;
}

// `Rare`: bend, times and gain may be there.
template <bool Rare>
inline Vec finished(Vec value, const Epilogue& finish, int64_t pixel, Vec bias, Vec slope, Vec gain) {
  value += bias;
  if (finish.add != nullptr) value += load(finish.add + pixel);
  if (finish.relu) value = keep_positive(value, value);
  if (finish.slope != nullptr) value = value > Vec{} ? value : value * slope;
  if constexpr (Rare) {
    value = bent(value, finish.bend);
    if (finish.times != nullptr) value *= load(finish.times + pixel);
    if (finish.gain != nullptr) value *= gain;
  }
  if (finish.mask != nullptr) {
    const Vec condition = load(finish.mask + pixel);
    value = condition > Vec{} ? value : value * finish.leak;
  }
  return value;
}
