#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace onnx {
class ModelProto;
}

namespace zsr::nn {

/// Puts an ONNX model together, node by node. Values are named by strings, as ONNX names them.
class OnnxBuilder {
 public:
  using Attribute = std::pair<std::string, std::variant<int64_t, double, std::string, std::vector<int64_t>>>;

  explicit OnnxBuilder(const std::string& network);
  ~OnnxBuilder();
  OnnxBuilder(const OnnxBuilder&) = delete;
  OnnxBuilder& operator=(const OnnxBuilder&) = delete;

  /// Declares an input [batch, channels, height, width].
  std::string input(const std::string& name, int64_t channels);
  /// Names the value `from` "output" and declares it: [batch, channels, output_height, output_width].
  void output(const std::string& from, int64_t channels);
  void describe(const std::string& key, const std::string& value);

  /// What the nodes from now on are named after: "head.0", "12".
  void name_after(const std::string& scope) { scope_ = scope; }
  /// Adds a node with one result, whose name it returns. Empty inputs are optional ones left out.
  std::string node(const std::string& type, const std::vector<std::string>& inputs,
                   const std::vector<Attribute>& attributes = {});

  /// A float32 constant; one of that name is added once only. `half`: stored as 16-bit numbers and widened by a node,
  /// where their range allows.
  std::string tensor(const std::string& name, const torch::Tensor& values, bool half = false);
  std::string number(double value);
  /// An int64 constant of one dimension.
  std::string integers(const std::vector<int64_t>& values);

  /// Bytes of the file. Throws InputError when it would exceed 2 GB.
  std::string bytes() const;

 private:
  std::string unique(const std::string& name);
  void store(const std::string& name, const torch::Tensor& values);

  std::unique_ptr<onnx::ModelProto> model_;
  std::string scope_;
  std::set<std::string> taken_;      // names of values
  std::set<std::string> constants_;  // of them, those of constants
};

}  // namespace zsr::nn
