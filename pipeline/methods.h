#pragma once

#include "image/resize.h"

#include <cstdint>
#include <deque>
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
  kCircular,     ///< The photo was blurred with periodic boundaries.
  kSrmdMaps,     ///< Blur and noise that vary over the photo; the basis of kernel codes.
  kKernelPrior,  ///< A prior of blur kernels.
  kTask,         ///< What a Deep Image Prior restores, its stop rule and mask.
  kRestoration,  ///< Strength, detail, grain, scratches, tone of a restoration.
  kSaveKernel,   ///< A file of the kernel that was used.
  kLossLog,      ///< A file of the training losses.
};

/// "kernel", "time budget", ...
std::string to_string(Setting setting);

struct MethodInput;
struct MethodOutput;
struct Parameter;
struct Request;

/// A way to enlarge or restore a photo: one row of the table that everything else reads.
struct Method {
  std::string name;   ///< As -m takes it.
  std::string title;  ///< Name and source.
  std::vector<Setting> settings;
  bool blind = false;                                 ///< Kernel and noise are estimated where the user names neither.
  bool network = false;                               ///< A network trained beforehand, which takes `Request::trained`.
  bool gives_hdr = false;                             ///< Its result is HDR.
  bool has_command = true;                            ///< `zsr NAME ...` is `zsr upscale -m NAME ...`.
  std::vector<int64_t> factors = {2, 3, 4};           ///< Whole factors on the way to a result of a named size.
  MethodOutput (*run)(MethodInput& input) = nullptr;  ///< pipeline/method_run.h.
  std::string (*describe)(const Request& request) = nullptr;  ///< What it is going to do, one line without a full stop.
  /// Completes and checks a request before any photo is read: throws OptionError where settings contradict each other.
  /// Null: nothing to do.
  void (*prepare)(Request& request) = nullptr;
  /// Parameters that no other method has (pipeline/parameters/parameter.h); run() finds their values in
  /// Request::values. Null: none.
  std::vector<Parameter> (*parameters)() = nullptr;

  /// Commands to show in its help, one a line; "{0}" stands for the command. Empty: those of any method.
  std::string examples;

  bool uses(Setting setting) const;
};

/// All methods: ZSSR, the restoration, DIP, DIP-FKP, bicubic interpolation and the trained networks.
const std::deque<Method>& methods();
/// Adds a row, so that upscale() knows the method too. Throws OptionError where there is one of that name. Not while
/// another thread uses the table.
void add_method(Method method);
/// The method of that name; null when there is none.
const Method* find_method(const std::string& name);
/// Zero-shot learning: what a photo that needs no restoration gets where nothing else is asked for.
const Method& default_method();
/// The first that has the setting kRestoration.
const Method& restoration_method();
/// The network that enlarges by any given kernel.
const Method& kernel_network_method();
/// What `zsr compare` shows at `scale` without any download: the methods and the trained networks that come with zsr.
/// "zssr+kernelgan" is ZSSR with an estimated kernel.
std::vector<std::string> methods_to_compare(Scale scale);
/// Names of all methods, in the order of methods().
std::vector<std::string> method_names();
/// Names of the methods that are networks trained beforehand: "srmd", "edsr", ...
std::vector<std::string> trained_methods();
/// Names of the methods that can use `setting`, in the order of methods().
std::vector<std::string> methods_with(Setting setting);

}  // namespace zsr::pipeline
