#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/hash.hpp"
#include "base/slot.hpp"
#include "base/time.hpp"
#include "config/snapshot.hpp"
#include "net/flow.hpp"
#include "observe/decision.hpp"
#include "request/refusal.hpp"
#include "sip/message.hpp"

namespace bellhop::request {

/// The request under work: lives on the stack of the shard for one walk through the pipeline. Steps read what earlier
/// steps found and write what later ones need; what outlives the walk is copied into the fork.
struct RequestContext {
  const sip::Message& message;
  const net::Flow& from;
  const config::Snapshot& config;
  TimePoint now;
  observe::DecisionRecord record{};
  Hash128 transaction_key{};  ///< by which its server transaction is found

  Duration queue_delay{};  ///< how long it has waited on this machine before its turn came

  // Own routes (RFC 3261 section 16.4).
  std::string_view target_uri{};  ///< Request-URI after route preprocessing: where routing starts
  std::size_t own_routes = 0;     ///< Route values at the top that named us and are to be removed
  bool drop_last_route =
      false;               ///< a strict router put us into the Request-URI: its last Route value became the target
  bool in_dialog = false;  ///< a Route with our valid token brought it: the dialog was authorised when it began
  bool preloaded_route = false;           ///< Route values remain after ours
  std::optional<net::Flow> route_flow{};  ///< of a request in a dialog or by a Path of ours: the way to the end ahead,
                                          ///< where its address would not do
  bool by_path =
      false;  ///< brought here by a Path, or a Contact, that we gave out for exactly this flow (RFC 5626 section 5.3)
  std::string epid{};  ///< of the end ahead, when it needs it back (CGP-69)

  config::Workarounds sender = 0;  ///< what the device that sent it needs (CGP-62)

  const config::Peer* peer = nullptr;  ///< trusted, and needs no password; null: everybody else

  // Authentication.
  bool authenticated = false;
  std::string account{};  ///< user part of the account that authenticated
  std::string account_domain{};

  std::uint64_t call = 0;       ///< counted under the caps of the account; 0: not
  std::size_t octets_back = 0;  ///< of our own answers so far

  [[nodiscard]] sip::Method method() const { return message.method(); }
  /// The target as a URI: the Request-URI as it was parsed, unless something else stands in its place. Valid until the
  /// target changes.
  [[nodiscard]] const Result<sip::Uri, sip::UriError>& target() const {
    const bool as_it_came = target_uri.data() == message.request_uri_text().data();
    if (as_it_came) return message.request_uri();
    return other_target_ = sip::parse_uri(target_uri);
  }
  void set_target(std::string uri) {
    target_text_ = std::move(uri);
    target_uri = target_text_;
  }

  std::string target_text_{};  ///< holds target_uri where it is not in the message
  mutable Result<sip::Uri, sip::UriError> other_target_ = failure(sip::UriError{});  ///< what target() gave then
};

}  // namespace bellhop::request
