#pragma once

#include <string>
#include <vector>

namespace zsr::pipeline {

/// What a user can set, as far as not every method can use it.
enum class Setting {
  kKernel,            ///< The photo's blur kernel.
  kKernelConvention,  ///< How kernel files are meant; for DIP-FKP, where the photo's pixels stand.
  kPhase,             ///< Where the photo's pixels stand on the grid of the result.
  kNoise,             ///< The photo's noise level.
  kEnsemble,          ///< Mean of turned and mirrored passes.
  kBackProjection,    ///< Correction until the result, made smaller again, is the photo.
  kTile,              ///< Side of a tile.
  kTimeBudget,        ///< Seconds for a photo.
  kDevice,            ///< A CUDA device.
  kSteps,             ///< Training steps on the photo.
  kLearningRate,
  kZssrNetwork,  ///< ZSSR's preset, starting point, network and optimiser.
  kWeights,      ///< A weights file.
  kKeepColors,   ///< Brightness and colour of large areas as in the photo.
  kCircular,     ///< The photo was blurred as a torus.
  kSrmdMaps,     ///< Blur and noise that vary over the photo; the basis of kernel codes.
  kKernelPrior,  ///< A prior of blur kernels.
  kRestoration,  ///< Strength, detail, grain, scratches, tone of a restoration.
  kSaveKernel,   ///< A file of the kernel that was used.
  kLossLog,      ///< A file of the training losses.
};

/// "kernel", "time budget", ...
std::string to_string(Setting setting);

/// A way to enlarge or restore a photo.
struct Method {
  std::string name;   ///< As -m takes it.
  std::string title;  ///< Name and source.
  std::vector<Setting> settings;

  bool uses(Setting setting) const;
};

/// All methods: ZSSR, the restoration, DIP, DIP-FKP, bicubic interpolation and the trained networks.
const std::vector<Method>& methods();
/// The method of that name; null when there is none.
const Method* find_method(const std::string& name);
/// Names of the methods that can use `setting`, in the order of methods().
std::vector<std::string> methods_with(Setting setting);

}  // namespace zsr::pipeline
