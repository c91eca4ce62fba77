// Authenticator::check over hostile Authorization values. "@N" in the input becomes a genuine nonce, so that the fuzzer
// reaches the code behind it; the password is beyond guessing, so nothing may ever pass.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "auth/authenticator.hpp"

using namespace bellhop;

namespace {

struct Server {
  Server() {
    domain.name = "example.test";
    storage::Directory::Contents contents;
    contents.accounts.push_back({"alice", "example.test"});
    contents.credentials = storage::make_credentials("alice", "example.test", "alice", "no fuzzer will guess this");
    directory.replace(std::move(contents));
    std::string challenge;
    authenticator.append_challenge(challenge, sip::Message{}, auth::Authenticator::Kind::www, domain, settings, false,
                                   now);
    nonce = challenge.substr(challenge.find("nonce=\"") + 7, 26);
  }
  TimePoint now{seconds(1'700'000'000)};
  storage::Directory directory;
  observe::Metrics metrics;
  auth::Authenticator authenticator{directory, crypto::Key{1}, metrics, 1000};
  config::Domain domain;
  config::Auth settings;
  std::string nonce;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Server server;
  std::string value(reinterpret_cast<const char*>(data), size);
  for (std::size_t at = 0; (at = value.find("@N", at)) != std::string::npos; at += server.nonce.size())
    value.replace(at, 2, server.nonce);
  const std::string text =
      "REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
      "From: <sip:alice@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
      "Authorization: " +
      value + "\r\nContent-Length: 0\r\n\r\n";
  sip::Message message;
  if (!message.parse(text, sip::Limits{}, false)) return 0;
  const auto outcome =
      server.authenticator.check(message, auth::Authenticator::Kind::www, server.domain, server.settings, server.now);
  if (outcome.verdict == auth::Authenticator::Verdict::passed) std::abort();
  return 0;
}
