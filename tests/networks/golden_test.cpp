// Every network of the registry against outputs that tests/golden/make.py computed in NumPy.
#include "tests/golden/golden.h"

#include "networks/registry.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

Input input_of(const nlohmann::json& settings) {
  Input input{test::golden_tensor(settings.at("image")), settings.at("scale")};
  if (settings.contains("kernel")) {
    input.kernel = test::golden_kernel(settings);
    input.noise = settings.at("noise");
    input.circular = settings.at("circular");
    return input;
  }
  if (settings.contains("maps")) input.maps = test::golden_tensor(settings.at("maps"));
  if (settings.contains("grid")) {
    input.grid = OutputGrid{settings.at("grid").at(0), settings.at("grid").at(1), settings.at("grid").at(2), 0.0, 0.0};
  }
  if (settings.contains("noise")) input.damage.noise = settings.at("noise").get<double>();
  if (settings.contains("quality")) input.damage.jpeg_quality = settings.at("quality").get<double>();
  return input;
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, Outputs) {
  const std::string family = GetParam();
  test::expect_golden_family(family, [&](const WeightsFile& weights, const auto&, const nlohmann::json& settings) {
    const Kind* const kind = recognise(weights);
    if (kind == nullptr) throw std::runtime_error("no network recognises these weights");
    EXPECT_EQ(kind->name, family);
    const auto network = kind->build(weights);
    const Input input = input_of(settings);
    const std::vector<int64_t>& scales = network->traits().scales;
    EXPECT_TRUE(scales.empty() || std::find(scales.begin(), scales.end(), input.scale) != scales.end());
    EXPECT_EQ(network->traits().channels, input.image.size(1));
    return network->forward(input);
  });
}

INSTANTIATE_TEST_SUITE_P(Families, Golden,
                         testing::Values("a2001sr", "bsrn", "carn", "cincgan", "cnf", "csnln", "dan", "danv2", "dasr",
                                         "dat", "dbpn", "demosaic", "dfsa", "dncnn", "drcn", "drrn", "dsgan", "dsrn",
                                         "dwsr", "edsr", "efdn", "espcn", "esrt", "fdan", "fmen", "fsrcnn", "han",
                                         "hat", "high-to-low", "idn", "ikc", "imdn", "ipt", "kxnet", "lapsrn",
                                         "latticenet", "mdsr", "memnet", "metaedsr", "metardn", "mslapsrn", "msrn",
                                         "mwcnn", "mzsr", "omnisr", "pan", "prosr", "rcan", "rdn", "realplksr",
                                         "rednet", "restorer", "rfdn", "rlfn", "rnan", "rrdb", "safmn", "san",
                                         "smfanet", "span", "srcnn", "srdensenet", "srfbn", "srresnet", "srvgg",
                                         "swinir", "usrnet", "vdsr", "waveletsrnet", "waveresnet"),
                         [](const auto& family) {
                           std::string name = family.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace zsr::networks
