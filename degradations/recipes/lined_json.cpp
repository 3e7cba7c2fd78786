#include "degradations/recipes/lined_json.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace zsr {
namespace {

using Json = nlohmann::ordered_json;

// Reads text and counts its lines on the way.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, int64_t* lines) : at_(at), lines_(lines) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    if (*at_ == '\n') ++*lines_;
    ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    const CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  int64_t* lines_;
};

// Follows the parser's events with the pointer of what is being read.
class Tracker {
 public:
  Tracker(LinedJson& result, const int64_t& lines, const std::string& name)
      : result_(result), lines_(lines), name_(name) {}

  void operator()(Json::parse_event_t event, const Json& parsed) {
    switch (event) {
      case Json::parse_event_t::key: {
        frames_.back().key = fmt::format("/{}", parsed.get<std::string>());
        const std::string at = pointer();
        if (result_.line.contains(at)) {
          throw InputError(
              fmt::format("{}, line {}: field '{}' stands there twice", name_, lines_, parsed.get<std::string>()));
        }
        result_.line[at] = lines_;
        break;
      }
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        result_.line.try_emplace(pointer(), lines_);
        frames_.push_back({event == Json::parse_event_t::array_start, 0, ""});
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        frames_.pop_back();
        count();
        break;
      case Json::parse_event_t::value:
        count();
        break;
    }
  }

 private:
  struct Frame {
    bool is_array;
    int64_t index;
    std::string key;
  };
  void count() {
    if (!frames_.empty() && frames_.back().is_array) ++frames_.back().index;
  }
  std::string pointer() const {
    std::string text;
    for (const Frame& frame : frames_) text += frame.is_array ? fmt::format("/{}", frame.index) : frame.key;
    return text;
  }

  LinedJson& result_;
  const int64_t& lines_;
  const std::string& name_;
  std::vector<Frame> frames_;
};

}  // namespace

int64_t LinedJson::line_of(std::string pointer) const {
  while (true) {
    const auto found = line.find(pointer);
    if (found != line.end()) return found->second;
    const size_t slash = pointer.rfind('/');
    if (slash == std::string::npos) return 1;
    pointer.resize(slash);
  }
}

LinedJson parse_lined_json(const std::string& text, const std::string& name) {
  LinedJson result;
  int64_t lines = 1;
  Tracker tracker(result, lines, name);
  try {
    const Json::parser_callback_t callback = [&](int, Json::parse_event_t event, Json& parsed) {
      tracker(event, parsed);
      return true;
    };
    result.json = Json::parse(CountingIterator(text.data(), &lines),
                              CountingIterator(text.data() + text.size(), &lines), callback);
  } catch (const Json::parse_error& error) {
    std::string why = error.what();
    const size_t colon = why.rfind(": ");
    throw InputError(fmt::format("{}, line {}: not JSON ({})", name, lines,
                                 colon == std::string::npos ? why : why.substr(colon + 2)));
  }
  return result;
}

}  // namespace zsr
