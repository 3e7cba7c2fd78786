#include "pipeline/parameters/parameter.h"

// Training on the photo, by whichever method.
namespace zsr::pipeline {
namespace {

constexpr const char* kTrainingGroup = "Training on the photo";

}  // namespace

std::vector<Parameter> training_parameters() {
  return {
      {.names = "steps",
       .value = "N",
       .help = "Training steps at most. Default: the preset's, or as published; deep image prior takes 0 for that too",
       .group = kTrainingGroup,
       .setting = Setting::kSteps,
       .take = [](const Typed& typed, Request& request) { request.steps = typed.values.whole("steps", 0); },
       .field = "steps",
       .given = [](const Run& run) { return or_null(run.asked.steps); }},
      {.names = "learning-rate",
       .value = "RATE",
       .help = "Step size (muon wants about 25 times adam's). Default: the preset's, or as published",
       .group = kTrainingGroup,
       .setting = Setting::kLearningRate,
       .take = [](const Typed& typed,
                  Request& request) { request.learning_rate = typed.values.number("learning-rate", 0.0); },
       .field = "learning_rate",
       .given = [](const Run& run) { return or_null(run.asked.learning_rate); }},
      {.names = "time",
       .value = "DURATION",
       .help = "Budget per photo, e.g. 60s or 5m; the schedule shrinks to fit",
       .group = kTrainingGroup,
       .setting = Setting::kTimeBudget,
       .field = "time_s",
       .given = [](const Run& run) { return or_null(run.context.time_budget_s); }},
  };
}

}  // namespace zsr::pipeline
