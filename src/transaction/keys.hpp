#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.hpp"
#include "sip/message.hpp"

namespace bellhop::transaction {

/// Makes the keys by which requests find their server transaction (RFC 3261 section 17.2.3).
///
/// A request with the branch cookie: branch, sent-by, method; ACK counts as INVITE. Branch and host are folded (section
/// 7.3.1). A request of an RFC 2543 peer, or with nothing behind the cookie (RFC 4475 section 3.2.1): Request-URI, From
/// tag, Call-ID, CSeq number, top Via and method, octet by octet; the To tag too, but for INVITE and ACK, where it is
/// compared apart, since the ACK has that of the response.
///
/// Cost  one copy of the parts into a text that is reused, one hash; no allocation once warm.
class Keys {
 public:
  explicit Keys(std::uint64_t seed) : seed_(seed) {}

  [[nodiscard]] Hash128 of(const sip::Message& request) { return of(request, matched_method(request)); }
  /// The key of the INVITE that a CANCEL refers to.
  [[nodiscard]] Hash128 of_cancelled(const sip::Message& cancel) { return of(cancel, "INVITE"); }
  /// From tag, Call-ID, CSeq: equal for the copies of one request that came over several paths (section 8.2.2.2).
  [[nodiscard]] Hash128 of_merged(const sip::Message& request);
  /// Whether the branch alone identifies the transaction.
  [[nodiscard]] static bool has_identifying_branch(const sip::Message& request);
  /// Stands for a To tag in an entry; 0 for none.
  [[nodiscard]] std::uint32_t of_tag(std::string_view tag) const;

 private:
  [[nodiscard]] static std::string_view matched_method(const sip::Message& request);
  [[nodiscard]] Hash128 of(const sip::Message& request, std::string_view method);
  class Text;

  std::uint64_t seed_;
  std::string text_;  ///< room that is reused; never shrinks
};

}  // namespace bellhop::transaction
