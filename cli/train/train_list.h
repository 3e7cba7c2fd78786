#pragma once

namespace zsr::cli {

/// `zsr train --list`: every network of the registry in its published configuration, with parameters, arithmetic and
/// scales. As a table, or as one JSON object.
void print_networks(bool json);

}  // namespace zsr::cli
