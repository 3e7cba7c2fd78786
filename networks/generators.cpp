// Networks that make photos look damaged (degradations/learned/generator.h), as rows of the registry: they are counted,
// listed and trained like the others, but are no use for enlarging.
#include "core/error.h"
#include "degradations/learned/generator.h"
#include "networks/all_kinds.h"

namespace zsr::networks {
namespace {

GeneratorShape shape_of(const char* architecture, const Config& config) {
  GeneratorShape shape;
  shape.architecture = architecture;
  shape.width = config.whole("width");
  shape.blocks = config.whole("depth");
  shape.noise = config.whole("noise");
  shape.grid = config.whole("grid") != 0;
  const auto& numbers = config.numbers();
  const auto optional = [&](const char* name) { return numbers.count(name) == 0 ? int64_t{0} : config.whole(name); };
  shape.residual = optional("residual") != 0;
  shape.halvings = optional("halvings");
  shape.doublings = optional("doublings");
  return shape;
}

template <const char* const& architecture>
nn::Graph graph_of(const Config& config) {
  return generator_graph(shape_of(architecture, config));
}

template <const char* const& architecture>
std::optional<Config> read_generator(const WeightsFile& weights) {
  const std::optional<GeneratorShape> shape = find_generator(weights);
  if (!shape || shape->architecture != architecture) return std::nullopt;
  Config config;
  config.scales = {1};
  const auto set = [&](const char* name, int64_t value) { config.set(name, static_cast<double>(value)); };
  set("width", shape->width);
  set("depth", shape->blocks);
  set("noise", shape->noise);
  set("grid", shape->grid ? 1 : 0);
  if (shape->architecture == "dsgan") {
    set("residual", shape->residual ? 1 : 0);
  } else {
    set("halvings", shape->halvings);
  }
  if (shape->architecture == "high-to-low") set("doublings", shape->doublings);
  return config;
}

constexpr const char* kDsgan = "dsgan";
constexpr const char* kHighToLow = "high-to-low";
constexpr const char* kCincgan = "cincgan";

template <const char* const& architecture>
Kind generator(const char* title, std::vector<Field> own) {
  Kind kind{architecture, title, read_generator<architecture>, graph_of<architecture>};
  kind.traits.condition = Condition::kGenerator;
  kind.fields = std::move(own);
  kind.fields.push_back({"noise", "maps of random numbers that it sees", 0, 0, 8});
  kind.fields.push_back({"grid", "1: it sees where JPEG's blocks are", 0, 0, 1});
  kind.trainable_scales = {1};
  kind.untrainable = "it learns from two collections of photos: 'zsr train degradation'";
  kind.not_for_photos = "it makes photos worse: 'zsr degrade photos/ --recipe FILE'";
  return kind;
}

}  // namespace

Kind dsgan() {
  return generator<kDsgan>("DSGAN (Fritsche et al. 2019), learned degradation",
                           {{"width", "channels", 64, 8, 256, 8},
                            {"depth", "residual blocks", 8, 1, 64},
                            {"residual", "1: its result is added to the photo", 0, 0, 1}});
}

Kind high_to_low() {
  return generator<kHighToLow>("High-to-Low (Bulat et al. 2018), learned degradation",
                               {{"width", "channels", 64, 8, 256, 8},
                                {"depth", "residual blocks at each size", 2, 1, 64},
                                {"halvings", "convolutions of stride 2", 4, 1, 4},
                                {"doublings", "pixel shuffles", 2, 0, 4}});
}

Kind cincgan() {
  return generator<kCincgan>("CinCGAN's generators (Yuan et al. 2018), learned degradation",
                             {{"width", "channels", 64, 8, 256, 8},
                              {"depth", "residual blocks", 6, 1, 64},
                              {"halvings", "convolutions of stride 2: 2 for G3 at x4", 0, 0, 2}});
}

}  // namespace zsr::networks
