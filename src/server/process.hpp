#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace bellhop::server {

/// Makes the process fit to serve: SIGPIPE and SIGXFSZ ignored, as many open files as the hard limit allows.
void prepare_process();

/// The operator's signals, taken by the main thread. They are blocked for all threads started after construction, so it
/// comes first.
class Signals {
 public:
  enum class Wish : std::uint8_t { reload, stop };

  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// SIGHUP: reload; SIGTERM and SIGINT: stop. Nothing when none came within this time.
  [[nodiscard]] std::optional<Wish> wait(Duration at_most);
  /// As if SIGTERM had come; any thread.
  static void ask_to_stop();

 private:
  int fd_;
};

}  // namespace bellhop::server
