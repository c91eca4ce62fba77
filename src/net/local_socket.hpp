#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bellhop::net {

/// A unix stream socket on a thread of its own that answers each line with one line: the operator's local door, never
/// on a shard. Only the owner of the process may connect (mode 0600).
///
/// Limits   16 connections, requests up to 64 KiB, 30 s of silence.
/// Errors   the constructor throws std::runtime_error when the path cannot be bound or a live server has it; a socket
///          left behind by a dead process is replaced.
class LocalServer {
 public:
  /// Called on the server's thread, one line at a time, without its line end. The answer must hold no line end.
  using Answer = std::function<std::string(std::string_view line)>;

  LocalServer(std::string path, Answer answer);
  ~LocalServer();  ///< stops the thread and removes the socket
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

enum class LocalError : std::uint8_t { nobody_listens, permission, timed_out, broken };
[[nodiscard]] std::string_view text_of(LocalError error);

/// Sends one line and waits for the answer to it.
[[nodiscard]] Result<std::string, LocalError> ask_local(const std::string& path, std::string_view line,
                                                        Duration timeout);

}  // namespace bellhop::net
