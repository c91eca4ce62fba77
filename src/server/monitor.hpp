#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/operator_commands.hpp"
#include "shard/server_core.hpp"

namespace bellhop::server {

/// The SIP monitor (CGP-76, CGP-77): the transactions of all shards whose row contains `filter`, at most `limit` of
/// each kind. Asks the shards one after the other.
[[nodiscard]] admin::TransactionRows transaction_rows(shard::ServerCore& core, std::string_view filter,
                                                      std::size_t limit);

/// What the trace rings of all shards hold of `filter`, oldest first.
[[nodiscard]] std::vector<observe::Tap::Entry> traced(shard::ServerCore& core, const std::string& filter);

}  // namespace bellhop::server
