#pragma once

#include <string>

#include "admin/commands.hpp"
#include "net/local_socket.hpp"

namespace bellhop::admin {

/// What `bellhop ctl` talks to: one JSON request line {"command":["bindings","list","alice"]} is answered with one JSON
/// line {"ok":true,"result":...} or {"ok":false,"error":"..."}. On a thread of its own, mode 0600.
class ControlSocket {
 public:
  /// Throws std::runtime_error with a clear text when the path cannot be used. `commands` outlives this.
  ControlSocket(const std::string& path, const Commands& commands);

 private:
  net::LocalServer server_;
};

/// The other end: asks the server whose control socket this is.
[[nodiscard]] Reply ask_server(const std::string& socket_path, const Words& words, Duration timeout);

/// The two line formats, apart from any socket.
[[nodiscard]] std::string answer_line(const Commands& commands, std::string_view line);

}  // namespace bellhop::admin
