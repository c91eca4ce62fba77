#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "config/snapshot.hpp"
#include "net/records.hpp"
#include "transport/target.hpp"

namespace bellhop::transport {

/// Over which transports, and to which family of addresses, requests can be sent at all: those of our listeners, but
/// WebSocket: browsers come to us (RFC 7118 section 5).
class Reach {
 public:
  Reach() = default;
  explicit Reach(const std::vector<config::Listen>& listeners);
  void add(sip::Transport transport, bool v6) { bits_[static_cast<std::size_t>(transport)] |= v6 ? 2 : 1; }
  [[nodiscard]] bool any(sip::Transport transport) const { return bits_[static_cast<std::size_t>(transport)] != 0; }
  [[nodiscard]] bool to(sip::Transport transport, bool v6) const {
    return (bits_[static_cast<std::size_t>(transport)] & (v6 ? 2 : 1)) != 0;
  }

 private:
  std::array<std::uint8_t, 5> bits_{};
};

/// What locate() came to: more questions, or targets.
struct Location {
  enum class Outcome : std::uint8_t {
    targets,
    questions,     ///< ask these, all at once, and call again when the answers are there
    no_such_host,  ///< nothing is known of the name, or it says that it offers no such service
    no_answer,     ///< the DNS failed, so nobody knows
    no_transport,  ///< nothing we can send on leads there; a sips target never goes in clear
  };
  Outcome outcome = Outcome::no_such_host;
  Targets targets;  ///< in the order to try them (RFC 3263 section 4.3)
  std::vector<net::Question> questions;
};

/// The answer at hand: from the cache, or one just received. Null when it must be asked. Names are HostKeys.
using Lookup = std::function<net::AnswerPtr(net::RecordType type, std::string_view name)>;

inline constexpr std::size_t most_targets = 32;
/// SRV targets of one location whose addresses are looked up: a stranger's zone chooses their names.
inline constexpr std::size_t most_services = 16;

/// RFC 3263 section 4: from the next hop to addresses, without doing anything. Numeric hosts and those of the
/// configuration need no question; a port leads to addresses only; a transport to its SRV records; else NAPTR chooses,
/// and without NAPTR each transport's SRV records, TLS first, then TCP, then UDP. Without SRV the default port is used.
///
/// Spec    RFC 3263 sections 4.1 to 4.3, RFC 2782 (order and weights), RFC 3403 section 4 (order and preference),
///         RFC 7984 (both families of each host). A sips hop ends in TLS or nowhere (RFC 5630, CGP-78, DET-10).
/// Chance  decides by weight among equals. With a hash of the Call-ID as `seed` all requests of a call go to the same
///         server, also from a proxy without state (section 4.4).
[[nodiscard]] Location locate(const NextHop& hop, const std::vector<config::Host>& hosts, const Reach& reach,
                              const Lookup& lookup, std::uint64_t seed);

/// The one target of a URI that leaves nothing to find out: "sip:bob@192.0.2.1:5060" with a numeric host and without
/// parameters that say where to go, where that can be reached over UDP. What next_hop_of() and locate() make of it at
/// more length.
[[nodiscard]] std::optional<Target> plain_target(const sip::Uri& uri, const Reach& reach);

}  // namespace bellhop::transport
