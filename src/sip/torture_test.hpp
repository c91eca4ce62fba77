#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message.hpp"
#include "sip/torture_table_for_test.hpp"

namespace bellhop::sip {

/// What the parser alone makes of one torture message. Outcomes are written as in tests/data/torture.tsv.
struct Played {
  std::string octets;
  std::unique_ptr<Message> message;  ///< as parsed from a datagram, whatever came of it
  std::string datagram;              ///< "accepted", "malformed 400", "bad_response" ...
  std::string stream;                ///< the same behind stream framing, octet by octet and at once; or "need_more"
  std::string request_uri;           ///< "ok", "bad_host" ...; "-" for what has none
  std::string reason;                ///< of the refused datagram
};

/// `file` is a path below tests/data.
[[nodiscard]] Played play(std::string_view file);

}  // namespace bellhop::sip
