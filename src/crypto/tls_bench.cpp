// What TLS costs: handshakes, records, and the memory of an idle connection.
// CPU time of the process, both ends together.
//   crypto_bench [connections] [1.2]
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "crypto/tls_certificates_for_test.hpp"
#include "crypto/tls_context.hpp"
#include "crypto/tls_session.hpp"

namespace {

using namespace bellhop;
using namespace bellhop::crypto;

constexpr TimePoint today{seconds(1'767'225'600)};

double resident_octets() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident) * 4096;
}

struct Ends {
  TlsSession client, server;
};

/// One handshake in memory. Throws when it does not come about.
Ends connected(const std::shared_ptr<const TlsContext>& client_context,
               const std::shared_ptr<const TlsContext>& server_context) {
  TlsConnect how;
  how.server_name = "a.example.com";
  std::string to_server, to_client, plaintext;
  auto client = TlsSession::connect(client_context, how, today, to_server);
  auto server = TlsSession::accept(server_context, {}, today);
  while (!to_server.empty() || !to_client.empty()) {
    const std::string up = std::exchange(to_server, {});
    server.feed(up, plaintext, to_client);
    const std::string down = std::exchange(to_client, {});
    client.feed(down, plaintext, to_server);
  }
  if (server.state() != TlsSession::State::open) throw std::runtime_error(client.error() + server.error());
  return {std::move(client), std::move(server)};
}

double cpu_microseconds() {
  return static_cast<double>(std::clock()) * 1e6 / CLOCKS_PER_SEC;
}

void exchange_messages(Ends& ends) {
  const std::string message(500, 'm');
  std::string wire, plaintext, back;
  ends.client.write(message, wire);
  ends.server.feed(wire, plaintext, back);
}

/// The best of ten batches: what the machine does besides is no cost of ours.
template <class F>
double microseconds_each(int batch, F&& work) {
  double best = 1e9;
  for (int round = 0; round < 10; ++round) {
    const double from = cpu_microseconds();
    for (int i = 0; i < batch; ++i) work();
    best = std::min(best, (cpu_microseconds() - from) / batch);
  }
  return best;
}

void measure(const std::shared_ptr<const TlsContext>& client_context,
             const std::shared_ptr<const TlsContext>& server_context, std::size_t count) {
  fmt::print("handshake, both ends      {:8.1f} us\n",
             microseconds_each(20, [&] { connected(client_context, server_context); }));
  Ends talking = connected(client_context, server_context);
  fmt::print("500 octets, write + read  {:8.2f} us\n", microseconds_each(2000, [&] { exchange_messages(talking); }));

  std::vector<TlsSession> servers;
  servers.reserve(count);
  const double resident = resident_octets();
  for (std::size_t i = 0; i < count; ++i) {
    Ends ends = connected(client_context, server_context);
    exchange_messages(ends);
    servers.push_back(std::move(ends.server));
  }
  fmt::print("idle accepted connection  {:8.1f} KiB resident\n",
             (resident_octets() - resident) / static_cast<double>(count) / 1024);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::stoul(argv[1]) : 1'000;
  const for_test::Authority authority("Bench CA");
  const auto pem = authority.issue({.common_name = "a", .dns_names = {"a.example.com"}});
  const std::string ca_file = fmt::format("/tmp/bellhop-bench-ca-{}.pem", ::getpid());
  std::ofstream(ca_file) << authority.certificate();
  const bool old = argc > 2 && std::string(argv[2]) == "1.2";
  TlsSettings settings;
  settings.ca_file = ca_file;
  settings.max_version = old ? TlsVersion::tls_1_2 : TlsVersion::tls_1_3;
  const auto client = TlsContext::build(settings).value();
  settings.identity = TlsIdentity::from_pem(pem.certificate, pem.key).value();
  const auto server = TlsContext::build(settings).value();
  fmt::print("{}, P-256\n", name_of(settings.max_version));
  measure(client, server, count);
  std::remove(ca_file.c_str());
}
