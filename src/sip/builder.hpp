#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sip/edits.hpp"
#include "sip/message.hpp"

namespace bellhop::sip {

/// Writes the messages that Bellhop itself originates. Appends to a string the caller reuses.
class Builder {
 public:
  explicit Builder(std::string& out, FieldNames names = FieldNames::as_received) : out_(out), names_(names) {}

  Builder& request(std::string_view method, std::string_view uri);
  Builder& status(StatusCode code, std::string_view reason = {});  ///< reason: the registered phrase when empty
  Builder& header(HeaderId id, std::string_view value);
  Builder& header(HeaderId id, std::uint64_t value);
  Builder& header(std::string_view name, std::string_view value);
  /// Content-Length, the blank line and the body. Ends the message.
  void body(std::string_view content_type, std::string_view content);
  void no_body() { body({}, {}); }

 private:
  std::string& out_;
  FieldNames names_;
};

/// Starts a response to `request` as RFC 3261 section 8.2.6.2 says: status line, all Via values (the top one with what
/// `via_suffix` holds, e.g. ";received=127.0.0.1;rport=5062", which replaces such parameters of the client's), From, To
/// (with `to_tag` if it has none and the code is above 100), Call-ID, CSeq; Record-Route is copied for a
/// 1xx above 100 and 2xx (RFC 3261 section 12.1.1; never for REGISTER), Timestamp into a 100 (section 8.2.6.1). Works from raw fields, so
/// it also answers requests that parse() refused, as long as the five mandatory fields could be found. The caller adds
/// headers and ends it with body() or no_body().
Builder start_response(std::string& out, const Message& request, StatusCode code, std::string_view reason,
                       std::string_view to_tag, std::string_view via_suffix,
                       FieldNames names = FieldNames::as_received);

/// Whether start_response can answer this (possibly refused) request at all: it has Via, From, To, Call-ID and CSeq
/// fields, its top Via parses, and it is no ACK (never answered, RFC 3261 section 17).
[[nodiscard]] bool answerable(const Message& request);

/// The CANCEL of a request we sent (RFC 3261 section 9.1): same Request-URI, top Via, From, To, Call-ID, Route; CSeq
/// method CANCEL; an optional Reason value (RFC 3326). `sent` is our own forwarded request.
void build_cancel(std::string& out, const Message& sent, std::string_view reason,
                  FieldNames names = FieldNames::as_received);

/// The ACK for a non-2xx final response (RFC 3261 section 17.1.1.3): To is taken from the response.
void build_ack(std::string& out, const Message& sent, const Message& response,
               FieldNames names = FieldNames::as_received);

}  // namespace bellhop::sip
