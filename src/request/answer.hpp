#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/snapshot.hpp"
#include "net/flow.hpp"
#include "sip/message.hpp"
#include "sip/status.hpp"

namespace bellhop::request {

/// What a request of somebody we do not know yet may bring upon the address it seems to come from, all answers
/// together: three times its own octets over UDP, where that address may be a victim's (threats 66; RFC 9000
/// section 8.1 has the same for QUIC). On a connection anything: who opened it has shown where he is.
[[nodiscard]] std::size_t most_octets_back(const sip::Message& request, const net::Flow& from);

/// Writes the responses this server gives itself (RFC 3261 section 8.2.6): the one place where they get their Via
/// facts, names and Server field.
///
/// Owner   one shard; the octets are valid until the next call.
/// Cost    one pass over the request's index and one copy of what goes back; no allocation once warm.
class AnswerWriter {
 public:
  /// To a request that parse() accepted. `to_tag` is for final and 101 to 199 responses to requests without one;
  /// `headers` are whole lines with their CRLF; `via_more` are further parameters of the top Via, each with its ";". No
  /// body.
  std::string_view write(const sip::Message& request, const net::Flow& from, sip::StatusCode status,
                         std::string_view reason, std::string_view to_tag, std::string_view headers,
                         const config::Snapshot& config, std::string_view via_more = {});

  /// To a request that parse() refused, when sip::answerable() says so: from its raw fields, whatever they hold.
  std::string_view write_to_refused(const sip::Message& request, const net::Flow& from, sip::StatusCode status,
                                    std::string_view reason, std::string_view to_tag, const config::Snapshot& config);

 private:
  std::string_view via_facts_of(const sip::Message& request, const net::Flow& from, std::string_view more);

  std::string out_, via_facts_;
};

}  // namespace bellhop::request
