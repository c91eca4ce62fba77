#include "server/console.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace bellhop::server {

Console::Console(const Endpoint& address, const admin::Commands& commands, admin::HttpServer::Collect collect,
                 observe::Metrics& metrics)
    : wire_(net::KernelWire::create(metrics)), server_(*wire_, commands, std::move(collect), {}) {
  if (const auto opened = server_.open(address); !opened)
    throw std::runtime_error(fmt::format("[admin] http {}: {}", address.to_string(), net::text_of(opened.error())));
  thread_ = std::thread([this] { wire_->run(); });
}

Console::~Console() {
  wire_->stop();
  thread_.join();
}

}  // namespace bellhop::server
