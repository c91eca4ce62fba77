#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/flow.hpp"

namespace bellhop::transaction {

/// One member of a chain, embedded in what travels on a flow. Destroying it takes it off.
class FlowLink {
 public:
  FlowLink() = default;
  ~FlowLink() { unlink(); }
  FlowLink(const FlowLink&) = delete;
  FlowLink& operator=(const FlowLink&) = delete;

  void unlink() {
    if (slot_ == nullptr) return;
    *slot_ = next_;
    if (next_ != nullptr) next_->slot_ = slot_;
    slot_ = nullptr;
    next_ = nullptr;
  }

 private:
  FlowLink* next_ = nullptr;
  FlowLink** slot_ = nullptr;  ///< what points here: the chain's head or the link before
  friend class FlowChains;
};

/// Finds everything that goes to one peer without a map: a fixed number of chains, chosen by a hash of the stream or,
/// for UDP, of the remote endpoint. A dead peer then costs what was on its way to it and not the whole table, which
/// anybody who can provoke ICMP errors would otherwise make the shard walk.
class FlowChains {
 public:
  /// Whether news of `failed` concern `flow`: the same stream, or for UDP the same remote endpoint.
  [[nodiscard]] static bool same_peer(const net::Flow& flow, const net::Flow& failed) {
    if (flow.transport != failed.transport) return false;
    return flow.is_stream() ? flow.shard == failed.shard && flow.stream == failed.stream : flow.remote == failed.remote;
  }

  void link(FlowLink& link, const net::Flow& flow) {
    link.unlink();
    FlowLink*& head = heads_[chain_of(flow)];
    link.next_ = head;
    link.slot_ = &head;
    if (head != nullptr) head->slot_ = &link.next_;
    head = &link;
  }

  /// Calls visit(FlowLink&) for each member that may be on this flow; visit may unlink it.
  template <class F>
  void for_each_near(const net::Flow& flow, F&& visit) {
    for (FlowLink* link = heads_[chain_of(flow)]; link != nullptr;) {
      FlowLink* following = link->next_;
      visit(*link);
      link = following;
    }
  }

 private:
  static constexpr std::size_t chains = 4096;

  [[nodiscard]] static std::size_t chain_of(const net::Flow& flow) {
    const std::uint64_t hash =
        flow.is_stream() ? flow.stream.packed() * 0x9e3779b97f4a7c15U >> 32U : hash_of(flow.remote);
    return static_cast<std::size_t>(hash % chains);
  }

  std::array<FlowLink*, chains> heads_{};
};

}  // namespace bellhop::transaction
