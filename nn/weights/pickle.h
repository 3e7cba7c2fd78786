#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zsr {

/// Note [Pickles]
/// A PyTorch file is a program for Python's pickle machine. `read_pickle` runs only the handful of instructions that
/// build lists, dictionaries and tensors; a name of anything else that the program asks for ends it with an error, and
/// no instruction calls, imports or looks up code. Every stack access, length and number is checked; the values live in
/// one arena, so that cycles cannot leak and destruction is flat.

/// One value that a pickle built.
struct PickleValue {
  enum class Kind {
    kNone,
    kBool,
    kInteger,
    kReal,
    kText,
    kTuple,
    kList,
    kDictionary,
    kGlobal,   ///< One of the allowed names, in `text` as "module name".
    kStorage,  ///< Persistent id of a storage: text the key, name its class, integer its elements.
    kTensor,   ///< A view of a storage: items[0] the storage, integer the offset, shape and stride.
    kMark,     // of the stack only
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;
  double real = 0.0;
  std::string text;
  std::string name;
  std::vector<PickleValue*> items;  ///< Of tuples and lists; keys and values in turn of dictionaries.
  std::vector<int64_t> shape;
  std::vector<int64_t> stride;
};

/// What a pickle built; the values live as long as it does.
struct Pickle {
  std::deque<PickleValue> arena;
  PickleValue* root = nullptr;
  uint64_t size = 0;  ///< Bytes that the program took.
};

/// Runs the program at the beginning of `bytes`. Throws InputError naming `origin` for anything that is not allowed.
Pickle read_pickle(std::string_view bytes, const std::string& origin);

}  // namespace zsr
