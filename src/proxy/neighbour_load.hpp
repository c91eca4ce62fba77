#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <utility>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "sip/message.hpp"

namespace bellhop::proxy {

/// What overloaded neighbours ask of us: to send so many percent less (RFC 7339, "loss"), or so many requests a second
/// at most (RFC 7415, "rate").
///
/// Owner   one shard; each obeys for the requests of its own calls, and takes its part of a rate.
/// Memory  one entry for each [[peer]] that asked for something, 1,024 at most.
class NeighbourLoad {
 public:
  /// `shards`: by how many a rate is shared.
  explicit NeighbourLoad(std::size_t shards = 1) : shards_(shards) {}
  void set_shards(std::size_t shards) { shards_ = shards; }

  /// A response of this neighbour, with our own Via on top. Feedback that is older than what is known counts nothing.
  void heard(const Endpoint& neighbour, const sip::Via& via, TimePoint now);
  /// Whether one more request may go there; `dice` is 0 to 99, and the same for the same request.
  [[nodiscard]] bool admits(const Endpoint& neighbour, unsigned dice, TimePoint now);
  [[nodiscard]] std::size_t size() const { return asked_.size(); }

 private:
  struct Asked {
    std::pair<std::uint64_t, std::uint64_t> sequence;
    std::uint32_t percent = 0;
    Duration interval{};    ///< between two requests, for a rate; `never` as Duration: none at all
    TimePoint next_free{};  ///< of the leaky bucket (RFC 7415 section 3.5.1)
    TimePoint until{};
    bool rate = false;
  };
  boost::unordered_flat_map<Endpoint, Asked, EndpointHash> asked_;
  std::size_t shards_;
};

}  // namespace bellhop::proxy
