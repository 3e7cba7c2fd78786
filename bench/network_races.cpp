#include "bench/network_races.h"

#include "networks/registry.h"
#include "nn/model.h"
#include "nn/operations.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <set>
#include <stdexcept>

namespace zsr::bench {
namespace {

// The graph in stock LibTorch; weights lie in memory as `format` says.
class StockGraph {
 public:
  StockGraph(const nn::Model& model, const torch::Tensor& parameters, int64_t scale, torch::MemoryFormat format,
             bool training)
      : graph_(model.graph()), output_(graph_.output_at(scale)), training_(training) {
    for (size_t i = 0; i < graph_.parameters().size(); ++i) {
      torch::Tensor own = model.view(parameters, static_cast<int32_t>(i)).detach().clone();
      if (own.dim() == 4) own = own.contiguous(format);
      parameters_.push_back(own.requires_grad_(training && graph_.parameters()[i].trained()));
    }
    std::set<int32_t> later{output_};
    last_uses_.resize(graph_.nodes().size());
    for (int32_t i = output_; i >= 0; --i) {
      if (later.count(i) == 0) continue;
      for (const int32_t input : graph_.node(i).inputs) {
        if (later.insert(input).second) last_uses_[static_cast<size_t>(i)].push_back(input);
      }
    }
    needed_ = later;
  }

  torch::Tensor forward(const std::vector<torch::Tensor>& inputs) const {
    std::vector<torch::Tensor> values(graph_.nodes().size());
    size_t given = 0;
    for (const int32_t i : needed_) {
      const nn::Node& node = graph_.node(i);
      if (std::holds_alternative<nn::Input>(node.operation)) {
        values[static_cast<size_t>(i)] = inputs.at(given++);
        continue;
      }
      std::vector<torch::Tensor> images, own;
      for (const int32_t from : node.inputs) images.push_back(values[static_cast<size_t>(from)]);
      for (const int32_t index : node.parameters) own.push_back(parameters_[static_cast<size_t>(index)]);
      values[static_cast<size_t>(i)] = nn::run_by_torch(node.operation, images, own, training_);
      for (const int32_t used : last_uses_[static_cast<size_t>(i)]) values[static_cast<size_t>(used)].reset();
    }
    return values[static_cast<size_t>(output_)];
  }

 private:
  const nn::Graph& graph_;
  int32_t output_;
  bool training_;
  std::vector<torch::Tensor> parameters_;
  std::vector<std::vector<int32_t>> last_uses_;
  std::set<int32_t> needed_;
};

// LibTorch beside zsr, whose result was `got`. `model`: whose graph `run` refers to.
void add_stock(Race& race, bool channels_last, const std::shared_ptr<nn::Model>& model,
               const std::function<torch::Tensor()>& run, const torch::Tensor& got) {
  const torch::Tensor want = run();
  race.difference = ((got - want).abs().max() / want.abs().max()).item<double>();
  race.entrants.push_back({channels_last ? "libtorch channels_last" : "libtorch nchw", [model, run] { run(); }});
}

Race network_race(const std::string& name, int64_t side, bool training) {
  const networks::Kind* const kind = networks::find_kind(name);
  if (kind == nullptr) throw std::invalid_argument(fmt::format("there is no network '{}'", name));
  constexpr int64_t kScale = 2;
  // Colours from 0 to 255 and drawn weights would put sigmoids where they are steps, which magnify any rounding.
  std::map<std::string, double> chosen;
  for (const networks::Field& field : kind->fields) {
    if (field.name == "color_range") chosen[field.name] = 1.0;
    if (field.name == "mean") chosen[field.name] = 0.0;
  }
  const auto model = std::make_shared<nn::Model>(kind->graph(kind->configured(kScale, chosen)));
  Random random(1);
  const torch::Tensor parameters = nn::initial_values(model->graph(), random).requires_grad_(training);
  const int64_t scale = kind->traits.takes_enlarged ? 1 : kScale;
  const torch::Tensor input =
      torch::rand({training ? 16 : 1, kind->traits.channels, training ? 48 : side, training ? 48 : side});
  Race race{fmt::format("{} {} x2, {}, median:", training ? "Training step of" : "Inference of", name,
                        training ? "16 of 48 x 48" : fmt::format("{} x {}", side, side)),
            {},
            0.0};
  const auto step = [training](const auto& forward) {
    const torch::AutoGradMode mode(training);
    const torch::Tensor made = forward();
    if (training) made.abs().mean().backward();
    return made.detach();
  };
  const auto fast = [=] { return step([&] { return model->forward({input}, parameters, scale, training); }); };
  const torch::Tensor got = fast();
  race.entrants.push_back({"zsr", [=] { fast(); }});
  for (const bool channels_last : {false, true}) {
    const auto format = channels_last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
    const auto stock = std::make_shared<StockGraph>(*model, parameters, scale, format, training);
    const torch::Tensor x = input.contiguous(format);
    const auto run = [=] { return step([&] { return stock->forward({x}); }); };
    add_stock(race, channels_last, model, run, got);
  }
  return race;
}

// An unfolding network: the iterations as `zsr upscale` runs them beside the one graph in stock LibTorch, at
// USRNet-tiny's size, under a kernel of 25 x 25, a photo that continues periodically.
Race unfolding_race(int64_t side) {
  const networks::Kind* const kind = networks::find_kind("usrnet");
  constexpr int64_t kScale = 2;
  const networks::Config config = kind->configured(0, {{"width1", 16.0},
                                                       {"width2", 32.0},
                                                       {"hidden", 32.0},
                                                       {"width3", 64.0},
                                                       {"width4", 64.0},
                                                       {"iterations", 6.0},
                                                       {"residual", 1.0}});
  const auto model = std::make_shared<nn::Model>(kind->graph(config));
  Random random(1);
  const torch::Tensor parameters = nn::initial_values(model->graph(), random);
  WeightsFile file = nn::to_weights(model->graph(), parameters);
  file.metadata = config.to_metadata(kind->name);
  const std::shared_ptr<const networks::Network> network = kind->build(file);
  networks::Input input{torch::rand({1, 3, side, side}), kScale, BlurKernel(torch::rand({25, 25}))};
  input.circular = true;
  const std::vector<torch::Tensor> all{input.image, input.kernel->weights().to(torch::kFloat32).view({1, 1, 25, 25}),
                                       torch::tensor({0.0F, static_cast<float>(kScale)}).view({1, 2, 1, 1})};
  Race race{fmt::format("Inference of usrnet (tiny) x2, {} x {}, median:", side, side), {}, 0.0};
  const torch::Tensor got = network->forward(input);
  race.entrants.push_back({"zsr", [=] { network->forward(input); }});
  for (const bool channels_last : {false, true}) {
    const auto format = channels_last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
    const auto stock = std::make_shared<StockGraph>(*model, parameters, kScale, format, false);
    const auto run = [=] {
      const torch::NoGradGuard no_grad;
      return stock->forward(all);
    };
    add_stock(race, channels_last, model, run, got);
  }
  return race;
}

}  // namespace

std::vector<Race> network_races(const std::vector<std::string>& names, int64_t side, bool training) {
  std::vector<Race> races;
  for (const std::string& name : names) {
    const bool unfolds = name == "usrnet" && !training;
    races.push_back(unfolds ? unfolding_race(side) : network_race(name, side, training));
  }
  return races;
}

}  // namespace zsr::bench
