#pragma once

#include "nn/kernels/blocked/layers.h"
#include "nn/plan.h"

#include <torch/types.h>

#include <functional>
#include <map>
#include <mutex>

namespace zsr::nn {

/// The parameters of a planned layer, as LibTorch has them; undefined where it has none. Slopes are one for each
/// channel.
struct LayerTensors {
  torch::Tensor weight, bias, slope;
};

/// Runs layers of plans; one at a time.
struct LayerEngine {
  std::mutex mutex;
  blocked::Layers layers;
};

using ImageOfNode = std::function<blocked::Image(int32_t node)>;

/// The images that parts name.
std::vector<blocked::Image> images_of(blocked::Layers& layers, const std::vector<Part>& parts,
                                      const ImageOfNode& value);

/// What a planned layer makes; in `to` where that is defined.
blocked::Image run_layer(blocked::Layers& layers, const PlannedLayer& layer, const LayerTensors& own,
                         const ImageOfNode& value, const blocked::Image& to = {});

/// The gradients of layers that ran one after another.
class LayerGradients {
 public:
  /// `values`: of all nodes that the layers read and made. `needed`: nodes from outside whose gradients are asked for.
  LayerGradients(blocked::Layers& layers, std::vector<const PlanStep*> steps, const std::vector<LayerTensors>& own,
                 const std::map<int32_t, blocked::Image>& values, const std::vector<int32_t>& needed);
  /// What comes from behind; before `run`.
  void give(int32_t node, const blocked::Image& gradient);
  /// Gradients of the layers' parameters, in their order.
  std::vector<LayerTensors> run();
  /// Of a node from outside; not defined where nothing depends on it.
  blocked::Image of(int32_t node) const;

 private:
  struct Slot {
    blocked::Image image;
    bool owned = false;   // nobody else refers to it
    bool closed = false;  // the activation behind the node is in it
  };
  template <typename Body>
  void add(const Part& part, const Body& body);
  void share(const std::vector<Part>& parts, const blocked::Image& gradient);
  void share(const Part& part, const blocked::Image& gradient);
  bool is_whole(const Part& part) const;
  blocked::Image closed(int32_t node, const PlannedLayer& layer);
  void back(const PlannedLayer& layer, const LayerTensors& own, int32_t result, blocked::Image gradient,
            LayerTensors& to);
  void convolution_back(const PlannedLayer& layer, const LayerTensors& own, const blocked::Image& gradient,
                        LayerTensors& to);
  void finish_back(const PlannedLayer& layer, const LayerTensors& own, const blocked::Image& gradient,
                   LayerTensors& to);
  void product_back(const PlannedLayer& layer, const blocked::Image& gradient);
  void pool_back(const PlannedLayer& layer, int32_t result, const blocked::Image& gradient);

  blocked::Layers& layers_;
  std::vector<const PlanStep*> steps_;
  const std::vector<LayerTensors>& own_;
  const std::map<int32_t, blocked::Image>& values_;
  ImageOfNode value_;
  std::map<int32_t, Slot> slots_;
  std::map<int32_t, const PlannedLayer*> made_by_;
  std::map<int32_t, int64_t> uses_;  // gradients that are still to come
};

}  // namespace zsr::nn
