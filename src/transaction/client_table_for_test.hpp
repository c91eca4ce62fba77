#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transaction/tables_for_test.hpp"

namespace bellhop::transaction {

struct Failure {
  SlotId id, owner;
  bool timed_out;
  friend bool operator==(const Failure&, const Failure&) = default;
};

/// A client table with a request under way and a peer that answers it.
class ClientTable : public testing::Test {
 protected:
  using Kind = ClientTransactions::Match::Kind;

  ClientTable() {
    table.on_failure = [this](SlotId id, SlotId o, bool timed_out) { failed.push_back({id, o, timed_out}); };
  }

  /// What we send: our Via with the branch of this slot above the caller's.
  Text outgoing(SlotId id, std::string method) {
    Text text;
    text.method = std::move(method);
    text.sent_by = "198.51.100.1:5060";
    text.branch = ";branch=";
    table.append_branch(text.branch, id, loop);
    text.more_vias = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKcaller\r\n";
    return text;
  }
  SlotId begin(std::string method, const net::Flow& flow) {
    const SlotId id = table.reserve();
    sent = outgoing(id, method);
    table.start(id, sip::method_from(method), sent.request(), flow, owner, clock.now);
    return id;
  }
  ClientTransactions::Match arrive(const Text& text, int status) {
    return table.on_response(parsed(text.response(status)), clock.now);
  }
  /// The peer's answer to what begin() sent last.
  ClientTransactions::Match answer(int status) {
    Text reply = sent;
    if (status > 100) reply.to_tag = "callee";
    return arrive(reply, status);
  }
  ClientTransactions::Match answer_cancel(int status) {
    Text reply = sent;
    reply.method = "CANCEL";
    reply.more_vias.clear();
    return arrive(reply, status);
  }
  std::uint64_t counted(std::string_view name) { return clock.metrics.counter(name).value(); }
  const std::string& last() const { return clock.output.sent.back().octets; }

  const crypto::Key key{9, 8, 7};
  const SlotId owner{77, 2};
  const std::uint64_t loop = 0x1122334455667788;
  Clockwork clock;
  Parsed parsed;
  Text sent;
  std::vector<Failure> failed;
  ClientTransactions table{clock.timers, clock.wheel, clock.output, clock.metrics, key, /*shard=*/5};
};

}  // namespace bellhop::transaction
