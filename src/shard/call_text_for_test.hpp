#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "shard/lone_shard_for_test.hpp"

namespace bellhop::shard {

/// A call or a message from alice, a stranger, to bob, who is registered: each step gives the next message, as a phone
/// would write it.
class CallText {
 public:
  static inline const Endpoint alice = *Endpoint::parse("127.0.0.1:41001"), bob = *Endpoint::parse("127.0.0.1:41002");
  static constexpr std::string_view allow =
      "Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r\n";

  /// One domain that asks nobody for a password.
  static constexpr std::string_view config = R"([server]
data_dir = "/nonexistent/lone"
[[listen]]
transport = "udp"
address = "127.0.0.1:5060"
[[domain]]
name = "example.test"
authenticate = "none"
[guard]
exempt = ["127.0.0.0/8"]
)";

  explicit CallText(std::size_t number) : number_(number) {}

  [[nodiscard]] static std::string registration() {
    return fmt::format(
        "REGISTER sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP {0};rport;branch=z9hG4bK0-reg\r\nMax-Forwards: 70\r\n"
        "From: <sip:u2@example.test>;tag=f2\r\nTo: <sip:u2@example.test>\r\nCall-ID: r2-run@lone\r\nCSeq: 1 "
        "REGISTER\r\n"
        "Contact: <sip:u2@{0}>\r\nExpires: 3600\r\n{1}User-Agent: lone\r\nContent-Length: 0\r\n\r\n",
        bob.to_string(), allow);
  }
  [[nodiscard]] std::string message() const {
    const std::string body(256, 'x');
    return head("MESSAGE sip:u2@example.test", 'a') + to_and_id({}, "1 MESSAGE") +
           "User-Agent: lone\r\nContent-Type: text/plain\r\nContent-Length: 256\r\n\r\n" + body;
  }
  [[nodiscard]] std::string invite() const {
    return head("INVITE sip:u2@example.test", 'a') + to_and_id({}, "1 INVITE") +
           fmt::format("Contact: <sip:u1@{}>\r\n", alice.to_string()) + std::string(allow) +
           "Supported: replaces, timer, norefersub\r\nSession-Expires: 1800\r\nMin-SE: 90\r\nUser-Agent: lone\r\n" +
           session();
  }
  /// Bob's answer to what reached him.
  [[nodiscard]] static std::string answer(std::string_view request, std::string_view status) {
    std::string out = fmt::format("SIP/2.0 {}\r\n", status);
    for (std::size_t at = request.find("\r\n") + 2; request.compare(at, 2, "\r\n") != 0;) {
      const std::size_t end = request.find("\r\n", at) + 2;
      const std::string_view line = request.substr(at, end - at);
      for (const std::string_view name : {"Via:", "Record-Route:", "From:", "To:", "Call-ID:", "CSeq:"})
        if (line.starts_with(name)) out += line;
      if (line.starts_with("To:") && line.find(";tag=") == std::string_view::npos)
        out.insert(out.size() - 2, ";tag=bob");
      at = end;
    }
    if (!request.starts_with("INVITE")) return out + "Content-Length: 0\r\n\r\n";
    out += fmt::format("Contact: <sip:u2@{}>\r\n", bob.to_string());
    if (status.starts_with("180")) return out + "User-Agent: lone\r\nContent-Length: 0\r\n\r\n";
    return out + "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE\r\nUser-Agent: lone\r\n" + session();
  }
  /// Alice's ACK or BYE after the answer that reached her.
  [[nodiscard]] std::string in_dialog(std::string_view method, std::string_view answer) const {
    std::string routes;
    for (std::size_t at = answer.find("Record-Route: "); at != std::string_view::npos;
         at = answer.find("Record-Route: ", at + 1))
      routes += fmt::format("Route: {}\r\n", answer.substr(at + 14, answer.find("\r\n", at) - at - 14));
    const bool ack = method == "ACK";
    std::string out = head(fmt::format("{} sip:u2@{}", method, bob.to_string()), ack ? 'k' : 'y');
    out.insert(out.find("Max-Forwards"), routes);
    return out + to_and_id(";tag=bob", ack ? "1 ACK" : "2 BYE") + "Content-Length: 0\r\n\r\n";
  }

 private:
  [[nodiscard]] std::string head(std::string_view start, char step) const {
    return fmt::format(
        "{} SIP/2.0\r\nVia: SIP/2.0/UDP {};rport;branch=z9hG4bK{:x}-{}0fd1a2\r\nMax-Forwards: 70\r\n"
        "From: <sip:u1@example.test>;tag=f{:x}\r\n",
        start, alice.to_string(), number_, step, number_);
  }
  [[nodiscard]] std::string to_and_id(std::string_view tag, std::string_view cseq) const {
    return fmt::format("To: <sip:u2@example.test>{}\r\nCall-ID: c{:x}-0fd1a2@lone\r\nCSeq: {}\r\n", tag, number_, cseq);
  }
  [[nodiscard]] static std::string session() {
    constexpr std::string_view body =
        "v=0\r\no=- 7 7 IN IP4 127.0.0.1\r\ns=lone\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n"
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
        "a=ptime:20\r\na=sendrecv\r\n";
    return fmt::format("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
  }

  std::size_t number_;
};

}  // namespace bellhop::shard
