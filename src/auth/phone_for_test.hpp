#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "sip/message.hpp"

namespace bellhop::auth {

/// A phone's half of digest authentication, for tests: keeps a nonce and counts its uses. Every field may be bent.
struct Phone {
  std::string username = "alice", password = "wonderland", realm = "example.test";
  std::string nonce, uri = "sip:example.test", qop = "auth", cnonce = "0a4f113b";
  std::string algorithm = "MD5";  ///< as written into the header field; empty: none
  std::uint32_t count = 0;
  std::string method = "REGISTER";
  std::string body;

  [[nodiscard]] std::string response(std::uint32_t nc) const {
    const bool sha256 = starts_with_ignore_case(algorithm, "SHA-256");
    const auto hash = sha256 ? crypto::HashAlgorithm::sha256 : crypto::HashAlgorithm::md5;
    const auto ha1 = crypto::ha1(hash, username, realm, password);
    const std::string nc_text = qop.empty() ? std::string() : fmt::format("{:08x}", nc);
    return std::string(crypto::digest_response({hash, algorithm.ends_with("-sess"), ha1.view(), method, uri, nonce,
                                                nc_text, cnonce, qop, body})
                           .view());
  }
  /// The value for the count `nc`, or for the next one.
  [[nodiscard]] std::string value(std::uint32_t nc) const {
    std::string out = fmt::format(R"(Digest username="{}", realm="{}", nonce="{}", uri="{}", response="{}")", username,
                                  realm, nonce, uri, response(nc));
    if (!algorithm.empty()) out += ", algorithm=" + algorithm;
    if (!qop.empty()) out += fmt::format(R"(, cnonce="{}", qop={}, nc={:08x})", cnonce, qop, nc);
    return out;
  }
  [[nodiscard]] std::string value() { return value(++count); }
};

/// A request with these header lines (each with its CRLF).
struct Request {
  explicit Request(const std::string& header_lines, const std::string& uri = "sip:example.test",
                   const std::string& method = "REGISTER", const std::string& body = {})
      : text(fmt::format("{} {} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtest\r\nMax-Forwards: 70\r\n"
                         "From: <sip:alice@example.test>;tag=1\r\nTo: <sip:alice@example.test>\r\nCall-ID: c\r\n"
                         "CSeq: 1 {}\r\n{}Content-Length: {}\r\n\r\n{}",
                         method, uri, method, header_lines, body.size(), body)) {
    well_formed = message.parse(text, sip::Limits{}, false).has_value();
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  std::string text;
  sip::Message message;
  bool well_formed = false;
};

}  // namespace bellhop::auth
