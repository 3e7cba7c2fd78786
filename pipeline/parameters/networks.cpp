#include "pipeline/kernel_network.h"
#include "pipeline/parameters/parameter.h"
#include "pipeline/trained.h"

#include <memory>

// The files of trained networks. The network itself is read before the other parameters, since its factors decide the
// scale.
namespace zsr::pipeline {
namespace {

constexpr const char* kTrainedGroup = "Trained networks";

nlohmann::json weights_of(const Request& request) {
  const std::string weights = request.trained      ? request.trained->weights
                              : request.fkp.usrnet ? request.fkp.usrnet->weights
                                                   : "";
  return weights.empty() ? nlohmann::json(nullptr) : nlohmann::json(weights);
}

void take_second_network(const Typed& typed, Request& request) {
  if (!typed.method.uses(Setting::kKernelPrior)) return;
  request.fkp.usrnet =
      std::make_shared<const Trained>(load_kernel_network(typed.values.text("weights"), request.scale));
}

}  // namespace

std::vector<Parameter> network_parameters() {
  return {
      {.names = "weights",
       .value = "FILE",
       .help = "Weights of a trained network: safetensors, .pth, .mat, or ncnn's .param with .bin. dip-fkp: of USRNet, "
               "which then enlarges the photo with the kernel found",
       .group = kTrainedGroup,
       .setting = Setting::kWeights,
       .take = take_second_network,
       .field = "weights",
       .given = [](const Run& run) { return weights_of(run.asked); },
       .chosen = [](const Run& run) { return weights_of(run.chosen); }},
      {.names = "pca",
       .value = "FILE",
       .help = "srmd: the kernel basis it was trained with, 15 x 225 (KAIR's srmd_pca_matlab.mat)",
       .group = kTrainedGroup,
       .setting = Setting::kSrmdMaps,
       .field = "pca"},
  };
}

}  // namespace zsr::pipeline
