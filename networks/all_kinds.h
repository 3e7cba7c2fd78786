#pragma once

#include "networks/registry.h"

namespace zsr::networks {

// Every network's file has one function; its row here puts it into the registry. In the order in which they are tried
// on a weights file.
#define ZSR_NETWORKS(row)                                                                                              \
  row(pixelrecursive) row(ikc) row(danv2) row(dan) row(dasr) row(metaedsr) row(metardn) row(hat) row(dat) row(omnisr)  \
      row(dsrn) row(rnan) row(csnln) row(esrt) row(ipt) row(waveletsrnet) row(waveresnet) row(cnf) row(dfsa) row(edsr) \
          row(mdsr) row(srresnet) row(usrnet) row(rrdb) row(srvgg) row(imdn) row(rfdn) row(rlfn) row(efdn) row(fmen)   \
              row(bsrn) row(smfanet) row(safmn) row(span) row(realplksr) row(swinir) row(carn) row(pan)                \
                  row(latticenet) row(han) row(rcan) row(san) row(rdn) row(msrn) row(dbpn) row(srfbn) row(prosr)       \
                      row(idn) row(vdsr) row(drcn) row(drrn) row(memnet) row(rednet) row(dncnn) row(dwsr) row(mwcnn)   \
                          row(srdensenet) row(lapsrn) row(mslapsrn) row(srcnn) row(fsrcnn) row(espcn) row(a2001sr)     \
                              row(mzsr) row(restorer) row(srmd) row(srmd_edsr) row(zssr_start) row(demosaic) row(fdan) \
                                  row(dsgan) row(high_to_low) row(cincgan) row(kxnet)

#define ZSR_DECLARE(name) Kind name();
ZSR_NETWORKS(ZSR_DECLARE)
#undef ZSR_DECLARE

}  // namespace zsr::networks
