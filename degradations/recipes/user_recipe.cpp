#include "core/error.h"
#include "core/files.h"
#include "core/sha256.h"
#include "core/strict_json.h"
#include "degradations/learned/learned_degradation.h"
#include "degradations/recipes/draft.h"
#include "degradations/recipes/lined_json.h"
#include "degradations/step_fields.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

// Reads one step of a recipe file. Every value may be a range or a choice: `random` draws from them; without it both
// ends of every range and every choice are checked, which is how a file is validated before anything is made.
class RecipeReader : public FieldVisitor {
 public:
  RecipeReader(const LinedJson& source, const std::string& name, std::string pointer, const Json& json, Random* random,
               const std::filesystem::path& folder)
      : source_(source), name_(name), pointer_(std::move(pointer)), json_(json), random_(random), folder_(folder) {
    if (!json.is_object()) throw InputError(fmt::format("{}: must be an object {{...}}", place("")));
  }

  void number(const char* name, double& value, double low, double high) override {
    if (const Json* field = find(name)) value = number_of(*field, name, low, high, false);
  }
  void integer(const char* name, int64_t& value, int64_t low, int64_t high) override {
    if (const Json* field = find(name)) {
      value = std::llround(number_of(*field, name, static_cast<double>(low), static_cast<double>(high), true));
    }
  }
  void choice(const char* name, int& value, std::span<const char* const> names) override {
    const Json* const field = find(name);
    if (field == nullptr) return;
    for_one(*field, [&](const Json& one) { value = static_cast<int>(json_choice(one, name, names)); });
  }
  void truth(const char* name, bool& value) override {
    const Json* const field = find(name);
    if (field == nullptr) return;
    for_one(*field, [&](const Json& one) { value = json_truth(one, name); });
  }
  void seed(const char* name, uint64_t& value) override {
    if (find(name) != nullptr) throw InputError(fmt::format("{}: seeds are drawn, not set", place(name)));
    if (random_ != nullptr) value = random_->bits() >> 11U;
  }
  void text(const char* name, std::string& value) override {
    if (std::string_view(name) == "sha256") return;
    const Json* const field = find(name);
    if (field == nullptr) return;
    for_one(*field, [&](const Json& one) {
      const std::filesystem::path path = json_text_value(one, name);
      value = path.is_absolute() ? path.string() : (folder_ / path).string();
      if (!std::filesystem::is_regular_file(value)) {
        throw InputError(fmt::format("{}: '{}' is not a file", place(name), value));
      }
    });
  }
  void covariance(const char* name, std::array<double, 9>& value, double level) override {
    if (find(name) != nullptr) throw InputError(fmt::format("{}: it is drawn, not set", place(name)));
    if (random_ != nullptr) value = random_covariance(level, *random_);
  }
  void kernel(const char* name, KernelSpec& value) override {
    const Json* const field = find(name);
    if (field == nullptr) return;
    RecipeReader inner(source_, name_, pointer_ + "/" + name, *field, random_, folder_);
    visit_fields(value, inner);
    inner.refuse_others("");
    if (value.family != KernelFamily::kFile) return;
    if (value.file.empty()) throw InputError(fmt::format("{}: a kernel of family 'file' needs \"file\"", place(name)));
    value.sha256 = sha256_of_file(value.file);
  }

  /// A field that only recipe files have.
  std::optional<double> extra(const char* name, double low, double high) {
    const Json* const field = find(name);
    if (field == nullptr) return std::nullopt;
    return number_of(*field, name, low, high, false);
  }
  // Throws for entries that nobody has asked for. `also`: a further one that is known, or empty.
  void refuse_others(const std::string& also) {
    if (!also.empty()) offered_.push_back(also);
    located([&] { check_entries(json_, offered_); });
  }
  std::string place(const std::string& field) const {
    const std::string at = field.empty() ? pointer_ : pointer_ + "/" + field;
    return fmt::format("recipe '{}', line {}", name_, source_.line_of(at));
  }

 private:
  const Json* find(const char* name) {
    offered_.emplace_back(name);
    const auto found = json_.find(name);
    return found == json_.end() ? nullptr : &*found;
  }

  // Runs `read`; what is wrong with an entry gets its line.
  template <typename Read>
  void located(const Read& read) const {
    try {
      read();
    } catch (const EntryError& error) {
      throw InputError(fmt::format("{}: {}", place(error.name()), error.what()));
    }
  }

  // Calls `use` with the value, or with one (validating: with each) of {"any": [...]}.
  template <typename Use>
  void for_one(const Json& field, const Use& use) {
    if (!field.is_object()) return located([&] { use(field); });
    if (field.size() != 1 || !field.contains("any") || !field["any"].is_array() || field["any"].empty()) {
      throw InputError(fmt::format("recipe '{}', line {}: a choice is {{\"any\": [one, another]}}", name_,
                                   source_.line_of(pointer_)));
    }
    const Json& list = field["any"];
    if (random_ != nullptr) {
      const auto drawn = static_cast<size_t>(random_->index(static_cast<int64_t>(list.size())));
      return located([&] { use(list[drawn]); });
    }
    for (const Json& one : list) located([&] { use(one); });
  }

  double number_of(const Json& field, const char* name, double low, double high, bool whole) {
    double value = 0.0;
    for_one(field, [&](const Json& one) {
      if (!one.is_array() && !one.is_number()) {
        throw EntryError(name, one, whole ? "a whole number or [low, high]" : "a number or [low, high]");
      }
      const auto checked = [&](const Json& number) {
        if (!whole) return json_number(number, name, low, high);
        return static_cast<double>(json_whole(number, name, std::llround(low), std::llround(high)));
      };
      if (!one.is_array()) {
        value = checked(one);
        return;
      }
      if (one.size() != 2) throw EntryError(name, one, "[low, high]");
      const double first = checked(one[0]);
      const double second = checked(one[1]);
      if (first > second) throw EntryError(name, one, "[low, high] with low <= high");
      if (random_ == nullptr) {
        value = first;
      } else if (whole) {
        value = first + static_cast<double>(random_->index(std::llround(second - first) + 1));
      } else {
        value = random_->uniform(first, second);
      }
    });
    return value;
  }

  const LinedJson& source_;
  const std::string& name_;
  std::string pointer_;
  const Json& json_;
  Random* random_;
  const std::filesystem::path& folder_;
  std::vector<std::string> offered_;
};

class UserRecipe : public Recipe {
 public:
  UserRecipe(LinedJson source, std::string name, std::filesystem::path folder, Scale scale)
      : source_(std::move(source)), name_(std::move(name)), folder_(std::move(folder)), scale_(scale) {
    validate();
  }

  Json describe() const override {
    return {{"name", source_.json.value("name", name_)},
            {"scale_y", scale_.y},
            {"scale_x", scale_.x},
            {"recipe", source_.json}};
  }

  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const Json& steps = source_.json["steps"];
    std::vector<int64_t> order(steps.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
    if (source_.json.value("shuffle", false)) order = random_order(static_cast<int64_t>(steps.size()), random);
    const Size target = scaled_size(hr, {1.0 / scale_.y, 1.0 / scale_.x});
    for (const int64_t i : order) {
      if (const auto step = read(static_cast<size_t>(i), &random, draft.size(), target)) draft.add(*step);
    }
    if (!(draft.size() == target)) draft.resize(target, ResizeMethod::kMatlabCubic);
    draft.add(RoundStep{});
    return draft.take();
  }

 private:
  // The step, or nothing when its probability left it out.
  std::optional<Step> read(size_t index, Random* random, Size now, Size target) const {
    const Json& json = source_.json["steps"][index];
    const std::string pointer = fmt::format("/steps/{}", index);
    RecipeReader reader(source_, name_, pointer, json, random, folder_);
    if (!json.contains("op") || !json["op"].is_string()) {
      throw InputError(fmt::format("{}: a step needs \"op\"", reader.place("")));
    }
    Step step;
    try {
      step = make_step(json["op"].get<std::string>());
    } catch (const OptionError& error) {
      throw InputError(fmt::format("{}: {}", reader.place("op"), error.what()));
    }
    const double probability = reader.extra("probability", 0.0, 1.0).value_or(1.0);
    if (auto* const resize = std::get_if<ResizeStep>(&step)) {
      const auto factor = reader.extra("factor", 0.01, 16.0);
      const auto to_target = reader.extra("to_target", 0.01, 64.0);
      if (factor.has_value() == to_target.has_value()) {
        throw InputError(fmt::format("{}: a resize needs either \"factor\" or \"to_target\"", reader.place("")));
      }
      const Size base = factor ? now : target;
      const double by = factor ? *factor : *to_target;
      *resize = ResizeStep{std::max<int64_t>(1, std::llround(static_cast<double>(base.height) * by)),
                           std::max<int64_t>(1, std::llround(static_cast<double>(base.width) * by))};
      Step method = *resize;
      visit_fields(method, reader);
      *resize = std::get<ResizeStep>(method);
      for (const char* own : {"height", "width", "scale_y", "scale_x"}) {
        if (json.contains(own)) {
          throw InputError(fmt::format("{}: a resize in a recipe says \"factor\" or \"to_target\", not \"{}\"",
                                       reader.place(own), own));
        }
      }
    } else {
      visit_fields(step, reader);
    }
    if (auto* const learned = std::get_if<LearnedStep>(&step)) {
      if (learned->file.empty()) throw InputError(fmt::format("{}: a learned step needs \"file\"", reader.place("")));
      learned->sha256 = learned_degradation(learned->file, "")->sha256();
    }
    reader.refuse_others("op");
    if (random != nullptr && probability < 1.0 && random->uniform() >= probability) return std::nullopt;
    return step;
  }

  void validate() const {
    const Json& json = source_.json;
    try {
      check_entries(json, {"name", "comment", "shuffle", "steps"});
      const Json& steps = json_entry(json, "steps");
      if (!steps.is_array()) throw EntryError("steps", steps, "a list");
      if (json.contains("shuffle")) json_truth(json["shuffle"], "shuffle");
      if (json.contains("name")) json_text_value(json["name"], "name");
    } catch (const EntryError& error) {
      const int64_t line = source_.line_of(fmt::format("/{}", error.name()));
      throw InputError(fmt::format("recipe '{}', line {}: {}", name_, line, error.what()));
    }
    for (size_t i = 0; i < json["steps"].size(); ++i) read(i, nullptr, {64, 64}, {16, 16});
  }

  LinedJson source_;
  std::string name_;
  std::filesystem::path folder_;
  Scale scale_;
};

}  // namespace

std::unique_ptr<Recipe> load_recipe(const std::filesystem::path& path, Scale scale) {
  if (path.extension() == ".safetensors") return load_learned_recipe(path, scale);
  const std::string text = read_file(path, size_t{4} << 20U);
  return std::make_unique<UserRecipe>(parse_lined_json(text, fmt::format("recipe '{}'", path.string())), path.string(),
                                      path.parent_path(), scale);
}

}  // namespace zsr
