#include "server/outcome.hpp"

#include <cstdio>

namespace bellhop::server {

ExitStatus show(const Outcome& outcome, bool json) {
  if (!outcome) {
    const std::string line =
        json ? admin::Json().set("error", outcome.error()).write() + "\n" : "bellhop: " + outcome.error() + "\n";
    std::fputs(line.c_str(), json ? stdout : stderr);
    return ExitStatus::failed;
  }
  const std::string text = json ? outcome->write() + "\n" : admin::to_table(*outcome);
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? ExitStatus::done : ExitStatus::failed;
}

}  // namespace bellhop::server
