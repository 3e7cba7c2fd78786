#include "pipeline/choice.h"

#include "pipeline/choose_formation.h"
#include "pipeline/methods.h"
#include "pipeline/trained.h"

namespace zsr::pipeline {

Choice choose(const torch::Tensor& color, const Request& request, DynamicRange range, const RunContext& context) {
  Choice made{request, first_method(request), {}, {}};
  const bool open = request.leaves_method_open() && range == DynamicRange::kSdr;
  const auto restore = [&](double strength) {
    made.method = restoration_method().name;
    made.request.restore.options.strength = request.restore.strength.value_or(strength);
  };
  const auto is_restored = [&] { return find_method(made.method)->uses(Setting::kRestoration); };
  if (open || is_restored()) {
    constexpr double kCleanStrength = 0.5;  // restoration was asked for, but no damage is seen
    made.condition = look_at_condition(color);
    const FormationChoice choice = choose_formation(*made.condition, std::nullopt, request.scale.y > 1.0);
    const bool damaged = choice.way == Way::kRestore;
    // What was blurred by a lens out of focus or by motion looks damaged, but has its own network.
    constexpr double kClean = 3.0;
    const bool perhaps_blurred =
        open && damaged && !made.condition->jpeg && made.condition->noise.value_or(0.0) < kClean;
    if (perhaps_blurred) made.formation = look_at_photo(color, request, made.method, made.condition, context, range);
    if (!made.formation.network && (damaged || is_restored())) {
      made.formation = {};
      restore(damaged ? choice.strength : kCleanStrength);
    }
  }
  if (is_restored()) return made;
  if (!made.formation.network) {
    made.formation = look_at_photo(color, request, made.method, made.condition, context, range);
  }
  if (made.formation.network) {
    made.request.trained = made.formation.network;
    made.method = made.formation.network->method;
  }
  if (made.formation.restore_strength) restore(*made.formation.restore_strength);
  return made;
}

}  // namespace zsr::pipeline
