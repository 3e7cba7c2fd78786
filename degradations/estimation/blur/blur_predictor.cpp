#include "degradations/estimation/blur/blur_predictor.h"

#include "core/error.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::blur {
namespace {

constexpr int64_t kFine = 48;
constexpr int64_t kCoarse = 64;
constexpr int64_t kHidden = 64;
constexpr int64_t kOutputs = 4;
constexpr const char* kNetwork = "zsr blur predictor";

struct Linear {
  const char* name;
  int64_t out;
  int64_t in;
};
constexpr Linear kLinear[] = {{"hidden", kHidden, kCoarse}, {"output", kOutputs, kHidden}};

// Parameters of a chain, one by one, under the names of a file.
template <class Visit>
void visit_chain(const ConvChain& chain, const torch::Tensor& parameters, const char* name, Visit visit) {
  for (size_t i = 0; i < chain.layers().size(); ++i) {
    visit(fmt::format("{}.{}.weight", name, i), chain.weight(parameters, i));
    visit(fmt::format("{}.{}.bias", name, i), chain.bias(parameters, i));
  }
}

// All parameters of the network, one by one.
template <class Visit>
void visit_all(const ConvChain& fine, const ConvChain& coarse, const std::vector<torch::Tensor>& parameters,
               Visit visit) {
  visit_chain(fine, parameters[0].detach(), "fine", visit);
  visit_chain(coarse, parameters[1].detach(), "coarse", visit);
  for (size_t i = 0; i < std::size(kLinear); ++i) {
    visit(fmt::format("{}.weight", kLinear[i].name), parameters[2 + 2 * i].detach());
    visit(fmt::format("{}.bias", kLinear[i].name), parameters[3 + 2 * i].detach());
  }
}

}  // namespace

BlurPredictor::BlurPredictor()
    : fine_({{4, kFine, true, true}, {kFine, kFine, true, true}, {kFine, kFine, true, true}}),
      coarse_({{kFine, kCoarse, true, true}, {kCoarse, kCoarse, true, true}}),
      parameters_{torch::zeros({fine_.parameter_count()}), torch::zeros({coarse_.parameter_count()})} {
  for (const Linear& layer : kLinear) {
    parameters_.push_back(torch::zeros({layer.out, layer.in}));
    parameters_.push_back(torch::zeros({layer.out}));
  }
}

BlurPredictor::BlurPredictor(Random& random) : BlurPredictor() {
  // He et al. 2015, the biases zero.
  visit_all(fine_, coarse_, parameters_, [&](const std::string&, torch::Tensor parameter) {
    if (parameter.dim() < 2) return;
    const double deviation = std::sqrt(2.0 / static_cast<double>(parameter.numel() / parameter.size(0)));
    torch::Tensor values = torch::empty(parameter.sizes());
    for (int64_t i = 0; i < values.numel(); ++i) {
      values.data_ptr<float>()[i] = static_cast<float>(deviation * random.normal());
    }
    parameter.copy_(values);
  });
}

BlurPredictor::BlurPredictor(const WeightsFile& weights) : BlurPredictor() {
  visit_all(fine_, coarse_, parameters_, [&](const std::string& name, torch::Tensor parameter) {
    parameter.copy_(weights.take(name, parameter.sizes()));
  });
}

const BlurPredictor& BlurPredictor::shipped() {
  static const BlurPredictor predictor(shipped_weights("blur-predictor"));
  return predictor;
}

torch::Tensor BlurPredictor::features(const torch::Tensor& patches) const {
  const torch::Tensor fine = fine_.forward(torch::pixel_unshuffle(patches, 2), parameters_[0]);
  return coarse_.forward(torch::avg_pool2d(fine, 2).contiguous(), parameters_[1]).mean({2, 3});
}

torch::Tensor BlurPredictor::head(const torch::Tensor& features) const {
  constexpr double kLeast = 1e-3;  // keeps the logarithm of a channel that is silent finite
  const torch::Tensor x = torch::relu(torch::linear((features + kLeast).log(), parameters_[2], parameters_[3]));
  return torch::linear(x, parameters_[4], parameters_[5]);
}

bool BlurPredictor::is_predictor(const WeightsFile& weights) {
  const auto remark = weights.metadata.find("network");
  return remark != weights.metadata.end() && remark->second == kNetwork;
}

WeightsFile BlurPredictor::weights() const {
  WeightsFile file;
  file.metadata["network"] = kNetwork;
  visit_all(fine_, coarse_, parameters_, [&](const std::string& name, const torch::Tensor& parameter) {
    file.tensors.push_back({name, parameter.to(torch::kFloat16).clone()});
  });
  return file;
}

torch::Tensor normalized_patch(const torch::Tensor& luma) {
  constexpr double kFlat = 1e-4;
  return (luma - luma.mean()) / std::max(luma.std().item<double>(), kFlat);
}

std::vector<PatchFeatures> patch_features(const BlurPredictor& predictor, const torch::Tensor& luma, int64_t most) {
  const torch::NoGradGuard no_grad;
  // A small photo is one smaller patch; its sides must be whole blocks at half the size.
  const int64_t side = std::min({BlurPredictor::kPatch, luma.size(0) / 4 * 4, luma.size(1) / 4 * 4});
  const int64_t step = side / 2;
  struct Candidate {
    double deviation;
    int64_t y;
    int64_t x;
  };
  std::vector<Candidate> candidates;
  for (int64_t y = 0; y + side <= luma.size(0); y += step) {
    for (int64_t x = 0; x + side <= luma.size(1); x += step) {
      const torch::Tensor patch = luma.slice(0, y, y + side).slice(1, x, x + side);
      candidates.push_back({patch.std().item<double>(), y, x});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.deviation > b.deviation; });
  // Of a small photo every patch, of a larger one the more textured two thirds.
  constexpr size_t kFew = 6;
  const size_t kept =
      std::min({static_cast<size_t>(most), std::max(kFew, candidates.size() * 2 / 3), candidates.size()});
  candidates.resize(kept);

  std::vector<PatchFeatures> result;
  constexpr size_t kBatch = 16;
  for (size_t begin = 0; begin < kept; begin += kBatch) {
    const size_t end = std::min(begin + kBatch, kept);
    std::vector<torch::Tensor> views;
    for (size_t i = begin; i < end; ++i) {
      const Candidate& c = candidates[i];
      const torch::Tensor patch =
          normalized_patch(luma.slice(0, c.y, c.y + side).slice(1, c.x, c.x + side)).unsqueeze(0);
      views.insert(views.end(), {patch, patch.transpose(1, 2), patch.flip(1), patch.transpose(1, 2).flip(1)});
    }
    const torch::Tensor found = predictor.features(torch::stack(views).contiguous());
    for (size_t i = begin; i < end; ++i) {
      const auto at = static_cast<int64_t>(4 * (i - begin));
      result.push_back({candidates[i].y, candidates[i].x, side, found.slice(0, at, at + 4).clone()});
    }
  }
  return result;
}

PredictedBlur predict_blur(const BlurPredictor& predictor, const std::vector<PatchFeatures>& patches) {
  const torch::NoGradGuard no_grad;
  torch::Tensor sum = torch::zeros({4, kCoarse});
  for (const PatchFeatures& patch : patches) sum += patch.features;
  const torch::Tensor outputs =
      predictor.head(sum / static_cast<double>(patches.size())).to(torch::kFloat64).contiguous();
  const auto rows = outputs.accessor<double, 2>();
  std::array<double, 3> mean{};
  double log_error = 0.0;
  for (int64_t view = 0; view < 4; ++view) {
    const double transposed = view % 2 == 1 ? -1.0 : 1.0;
    const double flipped = view >= 2 ? -1.0 : 1.0;
    mean[0] += 0.25 * rows[view][0];
    mean[1] += 0.25 * rows[view][1] * transposed;
    mean[2] += 0.25 * rows[view][2] * flipped;
    log_error += 0.25 * rows[view][3];
  }
  return {exp_of(mean), std::exp(log_error)};
}

}  // namespace zsr::blur
