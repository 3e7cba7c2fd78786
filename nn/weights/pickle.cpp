#include "nn/weights/pickle.h"

#include "core/error.h"
#include "nn/weights/byte_reader.h"
#include "nn/weights/pickle_globals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace zsr {
namespace {

using Value = PickleValue;
using Kind = PickleValue::Kind;

constexpr size_t kMaxValues = 4'000'000;
constexpr size_t kMaxMemo = size_t{1} << 20;
constexpr size_t kMaxPickledRank = 8;

class Machine {
 public:
  Machine(std::string_view bytes, const std::string& origin) : bytes_(bytes), origin_(origin) {}

  Pickle run() {
    while (!stopped_) step(static_cast<unsigned char>(number<uint8_t>()));
    pickle_.size = position_;
    return std::move(pickle_);
  }

 private:
  [[noreturn]] void damaged(const std::string& why) const {
    throw InputError(fmt::format("'{}' cannot be read as PyTorch weights: {}", origin_, why));
  }

  template <class T>
  T number() {
    const auto value = number_at<T>(bytes_, position_);
    if (!value) damaged("its pickle ends in the middle; the file was cut");
    position_ += sizeof(T);
    return *value;
  }

  std::string_view take(uint64_t count) {
    const auto part = bytes_at(bytes_, position_, count);
    if (!part) damaged("its pickle ends in the middle; the file was cut");
    position_ += count;
    return *part;
  }

  std::string_view line() {
    const size_t end = bytes_.find('\n', position_);
    if (end == std::string_view::npos || end - position_ > 1000) damaged("a name in its pickle has no end");
    const std::string_view text = bytes_.substr(position_, end - position_);
    position_ = end + 1;
    return text;
  }

  Value* make(Kind kind) {
    if (pickle_.arena.size() >= kMaxValues) damaged("its pickle builds too many values");
    pickle_.arena.emplace_back().kind = kind;
    return &pickle_.arena.back();
  }
  void push(Value* value) { stack_.push_back(value); }
  void push_integer(int64_t value) {
    Value* const made = make(Kind::kInteger);
    made->integer = value;
    push(made);
  }
  void push_bool(bool value) {
    Value* const made = make(Kind::kBool);
    made->integer = value ? 1 : 0;
    push(made);
  }
  void push_text(std::string_view text) {
    Value* const made = make(Kind::kText);
    made->text = std::string(text);
    push(made);
  }

  Value* pop() {
    if (stack_.empty() || stack_.back()->kind == Kind::kMark) damaged("its pickle takes more than it put");
    Value* const top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Value* top(Kind kind) {
    if (stack_.empty() || stack_.back()->kind != kind) damaged("its pickle adds to what is no container");
    return stack_.back();
  }
  // All values above the last mark, which goes too.
  std::vector<Value*> pop_to_mark() {
    size_t mark = stack_.size();
    while (mark > 0 && stack_[mark - 1]->kind != Kind::kMark) --mark;
    if (mark == 0) damaged("its pickle takes more than it put");
    std::vector<Value*> values(stack_.begin() + static_cast<std::ptrdiff_t>(mark), stack_.end());
    stack_.resize(mark - 1);
    return values;
  }
  void push_tuple(std::vector<Value*> items) {
    Value* const tuple = make(Kind::kTuple);
    tuple->items = std::move(items);
    push(tuple);
  }
  void append(Kind kind, const std::vector<Value*>& values) {
    std::vector<Value*>& items = top(kind)->items;
    if (kind == Kind::kDictionary && values.size() % 2 != 0) damaged("its pickle has a key without a value");
    if (items.size() + values.size() > kMaxValues) damaged("its pickle builds too many values");
    items.insert(items.end(), values.begin(), values.end());
  }

  void memoize(size_t index) {
    if (stack_.empty() || index >= kMaxMemo) damaged("its pickle remembers beyond its bounds");
    if (memo_.size() <= index) memo_.resize(index + 1, nullptr);
    memo_[index] = stack_.back();
  }
  void recall(size_t index) {
    if (index >= memo_.size() || memo_[index] == nullptr) damaged("its pickle recalls what it never kept");
    push(memo_[index]);
  }

  void push_long(std::string_view digits) {
    // Little-endian two's complement; longer numbers (the legacy magic) are kept as their bytes.
    if (digits.size() > 8) return push_text(digits);
    uint64_t value = 0;
    for (size_t i = 0; i < digits.size(); ++i)
      value |= static_cast<uint64_t>(static_cast<uint8_t>(digits[i])) << (8 * i);
    if (!digits.empty() && digits.size() < 8 && (static_cast<uint8_t>(digits.back()) & 0x80U) != 0) {
      value |= ~uint64_t{0} << (8 * digits.size());
    }
    push_integer(static_cast<int64_t>(value));
  }

  void global(const std::string& module, const std::string& name) {
    Value* const made = make(Kind::kGlobal);
    made->text = module + " " + name;
    if (allowed_globals().count(made->text) == 0) {
      damaged(
          fmt::format("it holds a Python object ({}.{}), which zsr never makes. If it is a whole model, save its "
                      "weights alone in Python: torch.save(model.state_dict(), 'weights.pth')",
                      module, name));
    }
    push(made);
  }

  std::vector<int64_t> numbers(const Value* tuple) const {
    if (tuple->kind != Kind::kTuple || tuple->items.size() > kMaxPickledRank) damaged("a tensor has no proper shape");
    std::vector<int64_t> list;
    for (const Value* item : tuple->items) {
      if (item->kind != Kind::kInteger || item->integer < 0) damaged("a tensor has no proper shape");
      list.push_back(item->integer);
    }
    return list;
  }

  void persistent_id() {
    const Value* const id = pop();
    const auto& parts = id->items;
    const bool proper = id->kind == Kind::kTuple && parts.size() >= 5 && parts[0]->kind == Kind::kText &&
                        parts[0]->text == "storage" && parts[1]->kind == Kind::kGlobal &&
                        parts[2]->kind == Kind::kText && parts[4]->kind == Kind::kInteger && parts[4]->integer >= 0;
    if (!proper) damaged("it refers to something that is no tensor storage");
    if (parts.size() > 5 && parts[5]->kind != Kind::kNone)
      damaged("it holds views of storages, which is not supported");
    Value* const storage = make(Kind::kStorage);
    storage->text = parts[2]->text;
    storage->name = parts[1]->text.substr(parts[1]->text.find(' ') + 1);
    storage->integer = parts[4]->integer;
    push(storage);
  }

  void reduce() {
    const Value* const arguments = pop();
    const Value* const function = pop();
    if (function->kind != Kind::kGlobal || arguments->kind != Kind::kTuple) damaged("its pickle calls what is no name");
    const auto& a = arguments->items;
    const std::string& name = function->text;
    if (name == "collections OrderedDict") {
      Value* const dictionary = make(Kind::kDictionary);
      // The oldest files give the entries as a list of pairs.
      if (!a.empty() && a[0]->kind == Kind::kList) {
        for (const Value* pair : a[0]->items) {
          if (pair->items.size() != 2) damaged("a dictionary's entry is no pair");
          dictionary->items.insert(dictionary->items.end(), pair->items.begin(), pair->items.end());
        }
      }
      return push(dictionary);
    }
    if (name == "torch._utils _rebuild_parameter") {
      if (a.empty() || a[0]->kind != Kind::kTensor) damaged("a parameter is no tensor");
      return push(a[0]);
    }
    if (name == "torch._utils _rebuild_tensor_v2" || name == "torch._utils _rebuild_tensor") {
      if (a.size() < 4 || a[0]->kind != Kind::kStorage || a[1]->kind != Kind::kInteger || a[1]->integer < 0) {
        damaged("a tensor has no storage");
      }
      Value* const tensor = make(Kind::kTensor);
      tensor->items = {a[0]};
      tensor->integer = a[1]->integer;
      tensor->shape = numbers(a[2]);
      tensor->stride = numbers(a[3]);
      if (tensor->shape.size() != tensor->stride.size()) damaged("a tensor has no proper shape");
      return push(tensor);
    }
    if (name == "torch Size" && a.size() == 1) return push(a[0]);
    if (name == "torch device") return push(make(Kind::kNone));
    damaged(fmt::format("its pickle calls {}", name));
  }

  bool push_value(unsigned char code);
  bool fill_container(unsigned char code);
  void step(unsigned char code);

  std::string_view bytes_;
  const std::string& origin_;
  uint64_t position_ = 0;
  bool stopped_ = false;
  std::vector<Value*> stack_;
  std::vector<Value*> memo_;
  Pickle pickle_;
};

// Below are the instructions that torch.save has ever written for weights (CPython's pickletools.py describes each).

// Instructions that push a value of their own. False for others.
bool Machine::push_value(unsigned char code) {
  switch (code) {
    case 'N':
      push(make(Kind::kNone));
      return true;
    case 0x88:
      push_bool(true);
      return true;
    case 0x89:
      push_bool(false);
      return true;
    case 'J':
      push_integer(number<int32_t>());
      return true;
    case 'K':
      push_integer(number<uint8_t>());
      return true;
    case 'M':
      push_integer(number<uint16_t>());
      return true;
    case 0x8a:
      push_long(take(number<uint8_t>()));
      return true;
    case 'G': {
      Value* const made = make(Kind::kReal);
      const uint64_t bits = __builtin_bswap64(number<uint64_t>());  // big-endian
      std::memcpy(&made->real, &bits, sizeof bits);
      push(made);
      return true;
    }
    case 'X':
      push_text(take(number<uint32_t>()));
      return true;
    case 0x8c:
      push_text(take(number<uint8_t>()));
      return true;
    case 'U':  // Python 2's short string
      push_text(take(number<uint8_t>()));
      return true;
    case 'T':
      push_text(take(number<uint32_t>()));
      return true;
    case '}':
      push(make(Kind::kDictionary));
      return true;
    case ']':
      push(make(Kind::kList));
      return true;
    case ')':
      push_tuple({});
      return true;
    case '(':
      push(make(Kind::kMark));
      return true;
    default:
      return false;
  }
}

// Instructions that make tuples of what is on the stack, or fill lists and dictionaries. False for others.
bool Machine::fill_container(unsigned char code) {
  switch (code) {
    case 't':
      push_tuple(pop_to_mark());
      return true;
    case 0x85:
      push_tuple({pop()});
      return true;
    case 0x86: {
      Value* const second = pop();
      push_tuple({pop(), second});
      return true;
    }
    case 0x87: {
      Value* const third = pop();
      Value* const second = pop();
      push_tuple({pop(), second, third});
      return true;
    }
    case 'a': {
      Value* const value = pop();
      append(Kind::kList, {value});
      return true;
    }
    case 'e': {
      const auto values = pop_to_mark();
      append(Kind::kList, values);
      return true;
    }
    case 's': {
      Value* const value = pop();
      Value* const key = pop();
      append(Kind::kDictionary, {key, value});
      return true;
    }
    case 'u': {
      const auto values = pop_to_mark();
      append(Kind::kDictionary, values);
      return true;
    }
    default:
      return false;
  }
}

void Machine::step(unsigned char code) {
  if (push_value(code) || fill_container(code)) return;
  switch (code) {
    case 0x80:  // PROTO
      if (number<uint8_t>() > 5) damaged("its pickle has an unknown version");
      return;
    case 0x95:  // FRAME
      number<uint64_t>();
      return;
    case '.':  // STOP
      pickle_.root = pop();
      stopped_ = true;
      return;
    case 'q':
      return memoize(number<uint8_t>());
    case 'r':
      return memoize(number<uint32_t>());
    case 0x94:
      return memoize(memo_.size());
    case 'h':
      return recall(number<uint8_t>());
    case 'j':
      return recall(number<uint32_t>());
    case 'c': {
      const std::string module(line());
      return global(module, std::string(line()));
    }
    case 0x93: {  // STACK_GLOBAL
      const Value* const name = pop();
      const Value* const module = pop();
      if (name->kind != Kind::kText || module->kind != Kind::kText) damaged("its pickle names what is no name");
      return global(module->text, name->text);
    }
    case 'Q':
      return persistent_id();
    case 'R':
      return reduce();
    case 'b':  // BUILD: the attributes of an OrderedDict (_metadata), which weights do not need
      pop();
      top(Kind::kDictionary);
      return;
    default:
      damaged(fmt::format("its pickle has the instruction 0x{:02x}, which weights do not need", code));
  }
}

}  // namespace

Pickle read_pickle(std::string_view bytes, const std::string& origin) {
  return Machine(bytes, origin).run();
}

}  // namespace zsr
