#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/snapshot.hpp"
#include "proxy/contact_edits.hpp"
#include "request/context.hpp"
#include "sip/edits.hpp"
#include "sip/message.hpp"

namespace bellhop::proxy {

/// What the forwarded copies of one request have in common: found by the pipeline, kept by the fork.
struct ForwardFacts {
  std::size_t own_routes = 0;    ///< Route values of ours to take off the top
  bool drop_last_route = false;  ///< the last one became the target (strict routing)
  bool no_route_stays = false;   ///< with these all are gone
  bool in_dialog = false;
  std::string consumed_realm;       ///< credentials for this realm are ours to take out (RT-13); empty: none
  bool assert_identity = false;     ///< strip what others asserted, put in `identity` when there is one (CGP-55)
  bool from_peer = false;           ///< what it asserts is believed (RFC 3325)
  unsigned percent_refused = 0;     ///< by us for overload, told to a peer (RFC 7339)
  bool urgent = false;              ///< goes to a neighbour however overloaded it says it is
  bool from_stranger = false;       ///< neither a peer nor one of our users
  std::string identity;             ///< "alice@example.test"
  std::uint32_t max_forwards = 70;  ///< value for the copy
  std::uint32_t max_breadth = 60;
  bool caller_natted = false;   ///< its address in the message is not where it came from
  bool caller_by_flow = false;  ///< only the way it came leads back: natted, on a connection, or known by names alone
  config::Workarounds sender = 0;  ///< what the device that sent it needs (CGP-62)
  bool by_path = false;            ///< brought here by our Path: only that flow leads on (RFC 5626 section 5.3.1)
  bool ends_calls = false;         ///< a BYE within a dialog: when it is answered 2xx, its call is over
  std::uint64_t call = 0;          ///< counted under the caps of its account until it ends; 0: not
  std::string epid;                ///< to put back into To (CGP-69); empty: none
  std::string caller_epid;         ///< of its From, to put back into what is answered
};

/// What one forwarded copy has of its own.
struct Copy {
  std::string_view request_uri;
  std::string_view routes;        ///< values of a Route header to put on top
  std::string_view via;           ///< our Via value
  std::string_view via_facts;     ///< received and rport of the client's
  std::string_view record_route;  ///< one or two Record-Route values
  bool to_peer = false;           ///< who may hear identities that are to be kept private (RFC 3325)
  std::string_view path;          ///< a Path value for a REGISTER (RFC 3327)
  ContactEdits contacts{};
};

/// The forwarded request (RFC 3261 section 16.6 items 1 to 8): one pass over the received octets. Empty texts of `copy`
/// put nothing in. A next hop without "lr" gets the strict router's form (item 6).
void build_forwarded(std::string& out, sip::Edits& edits, const sip::Message& request, const ForwardFacts& facts,
                     const Copy& copy, sip::FieldNames names);
/// The same for any request. Nearly all have the UsualForm, which is written faster.
void build_by_edits(std::string& out, sip::Edits& edits, const sip::Message& request, const ForwardFacts& facts,
                    const Copy& copy, sip::FieldNames names);

/// Whether an Authorization or Proxy-Authorization is for us alone (RT-13).
[[nodiscard]] bool is_consumed(const sip::Message& request, const sip::HeaderField& field, const ForwardFacts& facts);

/// Whether the sender asks that its identity be told to trusted peers only (RFC 3325 section 9.3: "id").
[[nodiscard]] bool wants_privacy(const sip::Message& message);

/// Takes out of a response what its sender had no right to assert, or what the caller has no right to hear (RFC 3325).
void strip_assertions(sip::Edits& edits, const sip::Message& response, bool from_peer, bool to_peer);

/// Content-Length where the message came without, as a datagram may: whatever we send may go over a stream
/// (section 18.3).
void state_length(sip::Edits& edits, const sip::Message& message);

/// Value of the loop-detection part of our branches (RFC 3261 section 16.6 item 8, RFC 5393 section 4): equal for a
/// request that comes back unchanged in all that routing looks at, different for a spiral.
[[nodiscard]] std::uint64_t loop_value(const sip::Message& request, std::uint64_t seed);

/// The URI that decides the next hop (section 16.6 item 7): the first of `routes`, else the first Route that stays,
/// else the Request-URI.
[[nodiscard]] std::string_view next_hop_uri(const sip::Message& request, const ForwardFacts& facts,
                                            std::string_view request_uri, std::string_view routes);

}  // namespace bellhop::proxy
