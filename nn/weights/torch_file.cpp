#include "nn/weights/torch_file.h"

#include "core/error.h"
#include "nn/weights/byte_reader.h"
#include "nn/weights/pickle.h"
#include "nn/weights/zip_archive.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace zsr {
namespace {

using Kind = PickleValue::Kind;

[[noreturn]] void unreadable(const std::string& origin, const std::string& why) {
  throw InputError(fmt::format("'{}' cannot be read as PyTorch weights: {}", origin, why));
}

torch::ScalarType type_of(const std::string& storage, const std::string& origin) {
  static const std::map<std::string, torch::ScalarType> types = {
      {"FloatStorage", torch::kFloat32}, {"DoubleStorage", torch::kFloat64},    {"HalfStorage", torch::kFloat16},
      {"LongStorage", torch::kInt64},    {"BFloat16Storage", torch::kBFloat16}, {"IntStorage", torch::kInt32},
      {"ShortStorage", torch::kInt16},   {"CharStorage", torch::kInt8},         {"ByteStorage", torch::kUInt8},
      {"BoolStorage", torch::kBool}};
  const auto found = types.find(storage);
  if (found == types.end()) unreadable(origin, fmt::format("it has a storage of the type {}", storage));
  return found->second;
}

// Gives the bytes of a storage by its key.
using StorageFn = std::function<std::string_view(const std::string& key)>;

// Turns the pickle's tensors into tensors.
class Collector {
 public:
  Collector(const std::string& origin, size_t file_bytes, StorageFn storage)
      : origin_(origin), left_(4 * static_cast<uint64_t>(file_bytes) + (1 << 20)), storage_(std::move(storage)) {}

  std::vector<NamedTensor> collect(const PickleValue& root) {
    if (root.kind == Kind::kTensor) return {{"tensor", tensor(root, "tensor")}};
    const PickleValue* const dictionary = find_dictionary(root, 0);
    if (dictionary == nullptr) unreadable(origin_, "it holds no dictionary of tensors");
    std::vector<NamedTensor> tensors;
    add(*dictionary, "", 0, tensors);
    const std::string prefix = "module.";
    const bool wrapped = std::all_of(tensors.begin(), tensors.end(), [&](const NamedTensor& t) {
      return t.name.compare(0, prefix.size(), prefix) == 0;
    });
    if (wrapped) {
      for (NamedTensor& entry : tensors) entry.name.erase(0, prefix.size());
    }
    std::set<std::string> names;
    for (const NamedTensor& entry : tensors) {
      if (!names.insert(entry.name).second) unreadable(origin_, fmt::format("it holds '{}' twice", entry.name));
    }
    return tensors;
  }

 private:
  static constexpr int kDeepest = 6;

  static bool has_tensors(const PickleValue& dictionary) {
    for (size_t i = 1; i < dictionary.items.size(); i += 2) {
      if (dictionary.items[i]->kind == Kind::kTensor) return true;
    }
    return false;
  }

  // The dictionary of weights: the root, or what it holds under one of the names that training scripts use.
  static const PickleValue* find_dictionary(const PickleValue& value, int depth) {
    if (value.kind == Kind::kTensor) return nullptr;
    if (value.kind != Kind::kDictionary || depth > kDeepest) return nullptr;
    if (has_tensors(value)) return &value;
    static constexpr std::array<const char*, 16> kNames = {
        "generator_ema", "net_g_ema",  "model_ema", "params_ema", "params", "state_dict", "model_state_dict",
        "model",         "generator",  "net_g",     "network",    "ema",    "netG",       "net",
        "weights",       "model_state"};
    for (const char* name : kNames) {
      for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
        if (value.items[i]->kind != Kind::kText || value.items[i]->text != name) continue;
        if (const PickleValue* const found = find_dictionary(*value.items[i + 1], depth + 1)) return found;
      }
    }
    return nullptr;
  }

  void add(const PickleValue& dictionary, const std::string& prefix, int depth, std::vector<NamedTensor>& tensors) {
    if (depth > kDeepest) return;
    for (size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
      const PickleValue& key = *dictionary.items[i];
      const PickleValue& value = *dictionary.items[i + 1];
      if (key.kind != Kind::kText) continue;
      if (value.kind == Kind::kTensor) tensors.push_back({prefix + key.text, tensor(value, prefix + key.text)});
      if (value.kind == Kind::kDictionary) add(value, prefix + key.text + ".", depth + 1, tensors);
    }
  }

  torch::Tensor tensor(const PickleValue& view, const std::string& name) {
    const PickleValue& storage = *view.items[0];
    const torch::ScalarType type = type_of(storage.name, origin_);
    const uint64_t item = torch::elementSize(type);
    const auto available = static_cast<uint64_t>(storage.integer);
    // A view may not reach beyond its storage nor, by repeating elements, be larger than it.
    uint64_t count = 1;
    uint64_t last = static_cast<uint64_t>(view.integer);
    for (size_t i = 0; i < view.shape.size(); ++i) {
      const auto side = static_cast<uint64_t>(view.shape[i]);
      const auto stride = static_cast<uint64_t>(view.stride[i]);
      if (side == 0) {
        count = 0;
        continue;
      }
      if (side > available || (side > 1 && stride > available / (side - 1))) reaches_out(name);
      last += (side - 1) * stride;
      count = count > available / side ? available + 1 : count * side;
      if (last > available) reaches_out(name);
    }
    if (count == 0) return torch::empty(view.shape, type);
    if (last >= available || count > available) reaches_out(name);
    const std::string_view bytes = storage_(storage.text);
    if (available > bytes.size() / item) {
      unreadable(origin_,
                 fmt::format("the storage of '{}' has {} bytes instead of {}", name, bytes.size(), available * item));
    }
    if (count * item > left_) unreadable(origin_, "its tensors are larger than the file by far");
    left_ -= count * item;
    // Copied: bytes of a file need not be aligned, and views of one storage become tensors of their own.
    torch::Tensor flat = torch::empty({static_cast<int64_t>(last) + 1}, type);
    std::memcpy(flat.data_ptr(), bytes.data(), (last + 1) * item);
    return torch::as_strided(flat, view.shape, view.stride, view.integer).contiguous().clone();
  }

  [[noreturn]] void reaches_out(const std::string& name) const {
    unreadable(origin_, fmt::format("'{}' reaches beyond its storage", name));
  }

  const std::string& origin_;
  uint64_t left_;
  StorageFn storage_;
};

}  // namespace

WeightsFile parse_torch_zip(std::string_view bytes, const std::string& origin) {
  const ZipArchive archive(bytes, origin);
  std::optional<std::string> folder;
  for (const std::string& name : archive.names()) {
    const size_t slash = name.rfind("/data.pkl");
    if (slash != std::string::npos && slash + 9 == name.size()) folder = name.substr(0, slash + 1);
  }
  if (!folder) {
    throw InputError(fmt::format("'{}' is a zip archive without weights in it (no data.pkl)", origin));
  }
  for (const std::string& name : archive.names()) {
    if (name == *folder + "constants.pkl" || name.compare(0, folder->size() + 5, *folder + "code/") == 0) {
      throw InputError(
          fmt::format("'{}' is a TorchScript program, not weights; zsr runs no programs from files. Save the weights "
                      "alone in Python: torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth')",
                      origin));
    }
  }
  const Pickle pickle = read_pickle(archive.entry(*folder + "data.pkl"), origin);
  Collector collector(origin, bytes.size(),
                      [&](const std::string& key) { return archive.entry(*folder + "data/" + key); });
  return {origin, "PyTorch (zip)", collector.collect(*pickle.root), {}};
}

WeightsFile parse_torch_legacy(std::string_view bytes, const std::string& origin) {
  uint64_t position = 0;
  const auto next = [&] {
    Pickle pickle = read_pickle(bytes.substr(position), origin);
    position += pickle.size;
    return pickle;
  };
  // 0x1950a86a20f9469cfc6c, little-endian, then the protocol's number.
  static const std::string magic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
  const Pickle first = next();
  if (first.root->kind != Kind::kText || first.root->text != magic) {
    unreadable(origin, "it is a pickle, but not one that torch.save made");
  }
  const Pickle protocol = next();
  if (protocol.root->kind != Kind::kInteger || protocol.root->integer != 1001) {
    unreadable(origin, "its format has an unknown version");
  }
  next();  // about the machine it was written on
  const Pickle pickle = next();
  const Pickle keys = next();
  if (keys.root->kind != Kind::kList) unreadable(origin, "its list of storages is missing");
  // How large an element is stands in the pickle alone.
  std::map<std::string, const PickleValue*> described;
  for (const PickleValue& value : pickle.arena) {
    if (value.kind == Kind::kStorage) described[value.text] = &value;
  }
  std::map<std::string, std::string_view> storages;
  for (const PickleValue* key : keys.root->items) {
    const auto found = key->kind == Kind::kText ? described.find(key->text) : described.end();
    if (found == described.end()) unreadable(origin, "its list of storages names one that nothing uses");
    const auto count = number_at<int64_t>(bytes, position);
    if (!count || *count != found->second->integer)
      unreadable(origin, "a storage has another length than its tensors say");
    const uint64_t item = torch::elementSize(type_of(found->second->name, origin));
    const auto available = static_cast<uint64_t>(bytes.size() - position - sizeof(int64_t));
    if (static_cast<uint64_t>(*count) > available / item)
      unreadable(origin, "a storage ends beyond the file; it was cut");
    storages[key->text] = bytes.substr(position + sizeof(int64_t), static_cast<uint64_t>(*count) * item);
    position += sizeof(int64_t) + static_cast<uint64_t>(*count) * item;
  }
  Collector collector(origin, bytes.size(), [&](const std::string& key) {
    const auto found = storages.find(key);
    if (found == storages.end()) unreadable(origin, fmt::format("the storage {} is missing", key));
    return found->second;
  });
  return {origin, "PyTorch (before 1.6)", collector.collect(*pickle.root), {}};
}

}  // namespace zsr
