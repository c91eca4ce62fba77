#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/json.hpp"
#include "base/result.hpp"

namespace bellhop::admin {

using Words = std::vector<std::string>;
/// What a command answers: a value, or what is wrong and what would be right.
using Reply = Result<Json, std::string>;

/// One thing an operator can ask the running server.
struct Command {
  std::string name;        ///< one or two words: "status", "bindings list"
  std::string usage;       ///< what follows: "[FILTER]"
  std::string help;        ///< one line
  bool read_only = false;  ///< also answered to GET /api/v1/<name with / for spaces>
  std::function<Reply(const Words& arguments)> run;
};

/// All commands by name. The control socket, the HTTP API and the tests ask this one registry.
///
/// Threads  run() from any; one command runs at a time, so commands need no locks among themselves. Never a shard's.
class Commands {
 public:
  Commands();
  void add(Command command);  ///< before the first run()

  /// Runs the command whose name the words begin with; the rest are its arguments. A command that throws answers with
  /// the exception's text: one admin request may fail, the server may not.
  [[nodiscard]] Reply run(const Words& words) const;
  /// The same for requests that must not change anything.
  [[nodiscard]] Reply run_read_only(const Words& words) const;

 private:
  [[nodiscard]] const Command* find(const Words& words) const;
  [[nodiscard]] Reply call(const Command& command, const Words& words) const;
  [[nodiscard]] std::string unknown(const Words& words) const;

  std::vector<Command> commands_;
  mutable std::mutex one_at_a_time_;
};

/// Takes "--name VALUE" or "--name=VALUE" out of the words; nothing when it is not there.
[[nodiscard]] std::optional<std::string> take_option(Words& words, std::string_view name);

}  // namespace bellhop::admin
