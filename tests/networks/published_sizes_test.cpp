// Numbers of parameters of the published networks, as counted in the authors' files or stated in their papers.
#include "networks/registry.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace zsr::networks {
namespace {

struct Size {
  const char* kind;
  std::vector<int64_t> scales;
  std::map<std::string, double> fields;  // beside the published ones
  int64_t count;                         // without the frozen mean shifts and running statistics
};

constexpr int64_t kMeanShifts = 24;
// A convolution, the gammas of twenty groups and an attention that the authors' code never uses.
constexpr int64_t kSanUnused = 36928 + 20 + 1096;

// Two linear layers that DASR's encoder ends in while it is trained.
constexpr int64_t kDasrContrast = 2 * (256 * 256 + 256);

// IPT's body, one head and one query of the published six, whose tails are those of x2, x3, x4 and three of x1.
constexpr int64_t kIptHead = 1792 + 4 * 102464;
constexpr int64_t kIptQuery = 256 * 576;
constexpr int64_t kIptTask =
    118892394 - kMeanShifts - 5 * (kIptHead + kIptQuery) - (149443 + 334083 + 297155 + 3 * 1731);
// A number in each of twelve modules, which the authors' code never uses.
constexpr int64_t kEsrtUnused = 12;
// The published Meta-RDN has sub_mean and add_mean too.
constexpr int64_t kMetaWeights = 445120;
constexpr int64_t kEdsrTrunk = 1369859 - 147712 - 1731;  // EDSR x2 without its enlargement and its last convolution

// Of five groups: tables of two attentions, six normalisations of the authors' own, two temperatures for four heads.
constexpr int64_t kOmniUncounted = 5 * (2 * 900 + 6 * 128 + 2 * 4);

const std::map<std::string, double> kClassical{{"width", 180}, {"layers", 6}, {"tail", 0}};
const std::map<std::string, double> kHatSmall{{"width", 144}, {"compressed", 6}};
const std::map<std::string, double> kDatLight{{"width", 60}, {"layers", 1}, {"depth", 18},
                                              {"ratio", 2},  {"tail", 1},   {"three", 1}};
const std::vector<Size> kPublishedSizes = {
    {"idn", {2}, {}, 552769},
    {"idn", {4}, {}, 552769},
    {"rlfn", {4}, {}, 543740},
    {"rlfn", {4}, {{"width", 48}, {"inner", 48}}, 470208},
    {"rlfn", {4}, {{"width", 46}, {"inner", 48}, {"depth", 4}}, 317218},
    {"efdn", {4}, {}, 276192},
    {"fmen", {4}, {}, 341066},
    {"bsrn", {4}, {}, 352400},
    {"smfanet", {4}, {}, 197328},
    {"smfanet", {4}, {{"width", 48}, {"depth", 12}}, 495888},
    {"safmn", {4}, {{"contest", 1}}, 237000},
    {"span", {4}, {}, 426288},
    {"span", {4}, {{"width", 52}}, 498208},
    {"span", {4}, {{"width", 28}}, 150688},
    {"dncnn", {2}, {}, 665921},
    {"dncnn", {2}, {{"depth", 17}}, 555137},
    {"drcn", {2}, {}, 1775105 + 16},
    {"lapsrn", {2}, {}, 407441},
    {"lapsrn", {2, 4}, {}, 814242},
    {"lapsrn", {2, 4, 8}, {{"depth", 5}}, 667123},
    {"mslapsrn", {2, 4}, {}, 222801},
    {"latticenet", {2}, {}, 756196},
    {"latticenet", {4}, {}, 776968},
    {"rcan", {2}, {}, 15444667 - kMeanShifts},
    {"rcan", {3}, {}, 15629307 - kMeanShifts},
    {"rcan", {4}, {}, 15592379 - kMeanShifts},
    {"han", {2}, {}, 15924057 - kMeanShifts},
    {"han", {3}, {}, 16108697 - kMeanShifts},
    {"han", {4}, {}, 16071769 - kMeanShifts},
    {"san", {2}, {}, 15712800 - kMeanShifts - kSanUnused},
    {"san", {3}, {}, 15897440 - kMeanShifts - kSanUnused},
    {"san", {4}, {}, 15860512 - kMeanShifts - kSanUnused},
    {"rdn", {2}, {}, 22123395},
    {"rdn", {3}, {}, 22308035},
    {"rdn", {4}, {}, 22271107},
    {"msrn", {2}, {}, 5930331 - kMeanShifts},
    {"msrn", {3}, {}, 6114971 - kMeanShifts},
    {"msrn", {4}, {}, 6078043 - kMeanShifts},
    {"dbpn", {2}, {}, 5953526},
    {"dbpn", {4}, {}, 10426358},
    {"dbpn", {8}, {}, 23205878},
    {"dbpn", {2}, {{"depth", 10}}, 8811086},
    {"dbpn", {4}, {{"depth", 10}}, 15348302},
    {"srfbn", {2}, {}, 2140534 - kMeanShifts},
    {"srfbn", {3}, {}, 2832758 - kMeanShifts},
    {"srfbn", {4}, {}, 3631478 - kMeanShifts},
    {"srfbn", {2}, {{"width", 32}, {"groups", 3}}, 282442 - kMeanShifts},
    {"srfbn", {3}, {{"width", 32}, {"groups", 3}}, 375626 - kMeanShifts},
    {"srfbn", {4}, {{"width", 32}, {"groups", 3}}, 483146 - kMeanShifts},
    {"rednet", {2}, {}, 4134785},
    {"kxnet", {2}, {}, 6494798 + 24 * 11 * 11},
    {"kxnet", {3}, {}, 13333088 + 24 * 15 * 15},
    {"kxnet", {4}, {}, 27560630 + 24 * 21 * 21},
    {"swinir", {2}, {}, 910152},
    {"swinir", {3}, {}, 918267},
    {"swinir", {4}, {}, 929628},
    {"swinir", {2}, kClassical, 11752487},
    {"swinir", {3}, kClassical, 11937127},
    {"swinir", {4}, kClassical, 11900199},
    {"prosr", {2}, {}, 9470403},
    {"prosr", {2, 4}, {}, 13427206},
    {"prosr", {2, 4, 8}, {}, 15537609},
    {"drrn", {2}, {}, 297216},
    {"srdensenet", {4}, {}, 2659585},
    {"dwsr", {2}, {}, 378052},
    {"mwcnn", {2}, {}, 24927809},
    {"realplksr", {2}, {}, 7368908},
    {"realplksr", {4}, {}, 7389680},
    {"hat", {2}, {}, 20624795},
    {"hat", {3}, {}, 20809435},
    {"hat", {4}, {}, 20772507},
    {"hat", {4}, kHatSmall, 9621183},
    {"hat", {4}, {{"layers", 12}}, 40846575},
    {"dat", {4}, {}, 14802051},
    {"dat", {4}, {{"ratio", 2}, {"wide", 16}}, 11212131},
    {"dat", {4}, {{"ratio", 2}}, 11212131},
    {"dat", {2}, kDatLight, 553290},
    {"dat", {3}, kDatLight, 561405},
    {"dat", {4}, kDatLight, 572766},
    // The paper's 772, 780 and 792 thousand leave out kOmniUncounted.
    {"omnisr", {2}, {}, 771724 + kOmniUncounted},
    {"omnisr", {3}, {}, 780379 + kOmniUncounted},
    {"omnisr", {4}, {}, 792496 + kOmniUncounted},
    {"metardn", {2, 3, 4}, {}, 21973952 + kMetaWeights},
    {"metaedsr", {2, 3, 4}, {}, kEdsrTrunk + kMetaWeights},
    {"dsrn", {2}, {}, 732035},
    {"csnln", {2}, {}, 3061289 - kMeanShifts},
    {"csnln", {3}, {}, 6010409 - kMeanShifts},
    {"csnln", {4}, {}, 6568627 - kMeanShifts},
    {"ipt", {2}, {}, kIptTask + 149443},
    {"ipt", {3}, {}, kIptTask + 334083},
    {"ipt", {4}, {}, kIptTask + 297155},
    // Less running statistics and, of each of so many normalisations, a counter.
    {"waveletsrnet", {4}, {}, 51376145 - 2 * 11072 - 33},
    {"waveletsrnet", {8}, {}, 75039909 - 2 * 20288 - 37},
    {"waveletsrnet", {16}, {}, 226318057 - 2 * 57152 - 41},
    {"esrt", {2}, {}, 677783 - kEsrtUnused},
    {"esrt", {3}, {}, 770263 - kEsrtUnused},
    {"esrt", {4}, {}, 751767 - kEsrtUnused},
    {"rnan", {2}, {}, 9107291 - kMeanShifts},
    {"rnan", {3}, {}, 9291931 - kMeanShifts},
    {"rnan", {4}, {}, 9255003 - kMeanShifts},
    {"fdan", {2}, {}, 126660},
    {"fdan", {4}, {}, 142248},
    {"mzsr", {2}, {}, 225091},
    // Prior and conditioning network.
    {"pixelrecursive", {4}, {}, 6196992 + 379200},
    // SFTMD (without the branch that it never uses), predictor and corrector.
    {"ikc", {4}, {}, 4234691 + 430730 + 649930},
    {"dan", {4}, {}, 4329511},
    {"danv2", {4}, {}, 4707708},
    // Less the mean shifts and what the encoder needs for the contrast of its training alone.
    {"dasr", {4}, {}, 4690523 - kMeanShifts + 1278784 - kDasrContrast},
};

TEST(PublishedSizes, AreThoseOfTheGraphs) {
  for (const Size& size : kPublishedSizes) {
    const Kind* const kind = find_kind(size.kind);
    ASSERT_NE(kind, nullptr) << size.kind;
    Config config = kind->configured(kind->trainable_scales.front(), size.fields);
    config.scales = size.scales;
    EXPECT_EQ(kind->graph(config).trained_count(), size.count) << size.kind << " x" << size.scales.back();
  }
}

}  // namespace
}  // namespace zsr::networks
