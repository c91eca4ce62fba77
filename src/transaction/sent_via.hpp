#pragma once

#include <cstdint>
#include <string_view>

#include "sip/message.hpp"

namespace bellhop::transaction {

/// What a response must not have changed of the request we sent (RFC 3261 sections 17.1.3 and 18.1.2): our branch and
/// sent-by, the CSeq method, the number of Via values.
struct SentVia {
  std::uint64_t origin = 0;  ///< hash of branch, host, port and method
  std::uint16_t count = 0;

  /// Of a request we wrote: the sent-by we put on top ("host", "host:port") with its branch, and how many Via values it
  /// has in all.
  [[nodiscard]] static SentVia of_written(std::string_view sent_by, std::string_view branch, std::string_view method,
                                          std::size_t count);
  /// Of a request as it leaves, where nobody remembers what was written. Looks only at the lines that begin with a V.
  [[nodiscard]] static SentVia of_request(std::string_view octets);
  [[nodiscard]] static SentVia of_response(const sip::Message& response);
  /// The same without folding letters: of a response that brings branch and host back as we write them, which nearly
  /// all do. Of another one it is no value of use.
  [[nodiscard]] static SentVia of_unfolded(const sip::Message& response);
  friend bool operator==(const SentVia&, const SentVia&) = default;
};

}  // namespace bellhop::transaction
