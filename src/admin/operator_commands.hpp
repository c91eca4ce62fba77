#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/commands.hpp"
#include "base/time.hpp"
#include "guard/guard.hpp"
#include "location/table.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "observe/tap.hpp"

namespace bellhop::admin {

/// A row of the SIP monitor (CGP-76, CGP-77). An empty target or source is shown as "-".
struct TransactionRow {
  std::string id;
  Duration waiting{};          ///< in its present phase
  std::uint64_t messages = 0;  ///< received in it
  std::string phase;           ///< "proceeding", "completed", "provisioned", "request sent" ...
  std::string source, target;  ///< "udp[192.0.2.7:5060]" or "SIGNAL-17"
  std::string request;         ///< method and URI
};

struct TransactionRows {
  std::vector<TransactionRow> server, client;
  std::size_t server_total = 0, client_total = 0;  ///< there are this many; the rows may be cut
};

/// The doors the operator's commands go through: bound by assembly to the running server, by tests to whatever they
/// like. All are called on an admin thread and may wait for the shards.
struct Doors {
  observe::Log& log;
  location::Table& bindings;
  guard::Guard& guard;
  std::function<guard::Rules()> guard_rules;  ///< of the configuration that is in force
  std::function<TimePoint()> now;
  std::function<Json()> status;
  std::function<observe::Metrics::Values()> collect;
  /// The key of bindings for "alice@example.test" or a sip URI; nothing when the domain is not ours.
  std::function<std::optional<std::string>(std::string_view address)> binding_key;
  std::function<TransactionRows(std::string_view filter, std::size_t limit)> transactions;
  std::function<std::vector<observe::Tap::Entry>(const std::string& filter)> trace;
  std::function<void(bool)> dump_call_packets;
  std::function<Reply()> reload;
  std::function<void()> drain;
  std::function<void()> accounts_changed;  ///< look at the account store now
};

/// Adds all commands of `bellhop ctl`. What the doors refer to outlives `commands`.
void add_operator_commands(Commands& commands, Doors doors);

/// "15s", "2m", "3h": as the monitor writes how long.
[[nodiscard]] std::string short_duration(Duration duration);

/// "2026-11-20T14:36:29Z".
[[nodiscard]] std::string utc_text(TimePoint time);

}  // namespace bellhop::admin
