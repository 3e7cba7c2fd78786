#pragma once

#include "networks/registry.h"

namespace zsr::networks {

// One function for each network's file; the registry lists them.
Kind carn();
Kind edsr();
Kind espcn();
Kind fsrcnn();
Kind imdn();
Kind mdsr();
Kind restorer();
Kind rfdn();
Kind rrdb();
Kind srcnn();
Kind srmd();
Kind srmd_edsr();
Kind srresnet();
Kind srvgg();
Kind usrnet();
Kind vdsr();
Kind zssr_start();

}  // namespace zsr::networks
