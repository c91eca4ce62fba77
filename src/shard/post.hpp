#pragma once

#include <functional>
#include <string>
#include <variant>

#include "base/time.hpp"
#include "config/snapshot.hpp"
#include "net/flow.hpp"
#include "net/resolver.hpp"

namespace bellhop::shard {

class Shard;

// The values that other threads post to a shard (house.md section 1, decision 1): nothing else crosses.

/// A message for a call this shard owns, received by another one.
struct ForwardedMessage {
  net::Flow from;
  std::string octets;
  TimePoint arrived{};  ///< at this machine
};
/// Octets for a connection this shard owns.
struct SendOctets {
  net::Flow to;
  std::string octets;
};
/// A connection this shard owns is to be probed by the kernel.
struct Probe {
  net::Flow flow;
};
/// A connection ended: transactions of this shard that used it fail.
struct FlowFailed {
  net::Flow flow;
};
/// The answer to a look-up this shard asked for.
struct Resolved {
  std::uint64_t key = 0;
  net::AnswerPtr answer;
};
/// A new configuration snapshot.
struct Apply {
  config::SnapshotPtr config;
};
/// The operator's question or order, run on the shard's thread between two messages.
struct Task {
  std::function<void(Shard&)> run;
};

using Post = std::variant<ForwardedMessage, SendOctets, Probe, FlowFailed, Resolved, Apply, Task>;

}  // namespace bellhop::shard
