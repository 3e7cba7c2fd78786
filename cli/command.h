#pragma once

#include <string>
#include <vector>

namespace zsr::cli {

/// One subcommand. `run` gets the arguments after its name and returns the exit code; errors leave as exceptions.
struct Command {
  const char* name;
  const char* summary;  ///< One line for `zsr help`.
  int (*run)(const std::vector<std::string>& arguments);
};

/// Every command, in the order `zsr help` shows them.
const std::vector<Command>& commands();

/// What `zsr help` prints.
std::string help_text();

/// Runs `arguments` (without the program's name): looks the command up, prints help, or throws UsageError with a guess.
int dispatch(const std::vector<std::string>& arguments);

/// Methods of `upscale` that are commands without a row of their own: `zsr edsr ...` is `zsr upscale -m edsr ...`.
std::vector<std::string> method_commands();
int run_method(const std::string& method, const std::vector<std::string>& arguments);

int run_upscale(const std::vector<std::string>& arguments);
int run_train_kernel_prior(const std::vector<std::string>& arguments);
int run_bench(const std::vector<std::string>& arguments);
int run_compare(const std::vector<std::string>& arguments);
int run_kernelgan(const std::vector<std::string>& arguments);
int run_train(const std::vector<std::string>& arguments);
int run_weights(const std::vector<std::string>& arguments);
int run_kernel(const std::vector<std::string>& arguments);
int run_develop(const std::vector<std::string>& arguments);
int run_degrade(const std::vector<std::string>& arguments);
int run_eval(const std::vector<std::string>& arguments);
/// What a batch starts for its photos; not in the table.
int run_worker(const std::vector<std::string>& arguments);
int run_report(const std::vector<std::string>& arguments);
int run_info(const std::vector<std::string>& arguments);

}  // namespace zsr::cli
