#include "nn/weights/pickle_globals.h"

namespace zsr {

const std::set<std::string>& allowed_globals() {
  static const std::set<std::string> names = {"collections OrderedDict",
                                              "torch._utils _rebuild_tensor",
                                              "torch._utils _rebuild_tensor_v2",
                                              "torch._utils _rebuild_parameter",
                                              "torch Size",
                                              "torch device",
                                              "torch FloatStorage",
                                              "torch DoubleStorage",
                                              "torch HalfStorage",
                                              "torch BFloat16Storage",
                                              "torch LongStorage",
                                              "torch IntStorage",
                                              "torch ShortStorage",
                                              "torch CharStorage",
                                              "torch ByteStorage",
                                              "torch BoolStorage",
                                              "torch.cuda FloatStorage",
                                              "torch.cuda HalfStorage",
                                              "torch.cuda DoubleStorage",
                                              "torch.cuda LongStorage"};
  return names;
}

}  // namespace zsr
