#pragma once

#include <memory>
#include <thread>

#include "admin/http_server.hpp"
#include "net/kernel_wire.hpp"

namespace bellhop::server {

/// The HTTP side on a wire and a thread of its own, from construction to destruction.
class Console {
 public:
  /// Throws std::runtime_error when the address cannot be opened.
  Console(const Endpoint& address, const admin::Commands& commands, admin::HttpServer::Collect collect,
          observe::Metrics& metrics);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

 private:
  std::unique_ptr<net::KernelWire> wire_;
  admin::HttpServer server_;
  std::thread thread_;
};

}  // namespace bellhop::server
