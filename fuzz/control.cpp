// The control socket's line, with the real commands: every answer is one line of JSON that says whether it went well,
// no longer than what was said before explains, and what `bellhop ctl` prints of it cannot drive a terminal. What may
// be asked over HTTP changes nothing.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "admin/control_socket.hpp"
#include "admin/operator_commands.hpp"
#include "properties.hpp"

namespace {

using namespace bellhop;
using namespace bellhop::admin;
using fuzz::require;

constexpr TimePoint now{seconds(1'795'185'389)};

/// The commands over a server that remembers what it was told.
struct Server {
  Server() {
    Doors doors{.log = log,
                .bindings = table,
                .guard = guard,
                .guard_rules = [] { return guard::Rules{}; },
                .now = [] { return now; },
                .status = [] { return Json().set("state", "running"); },
                .collect = [] { return observe::Metrics::Values{}; },
                .binding_key = [](std::string_view address) -> std::optional<std::string> {
                  if (!address.ends_with("@e")) return std::nullopt;
                  return std::string(address);
                },
                .transactions = [](std::string_view, std::size_t) { return TransactionRows{}; },
                .trace = [](const std::string& filter) { return traced(filter); },
                .dump_call_packets = [this](bool) { ++changes; },
                .reload = [this]() -> Reply {
                  ++changes;
                  return failure(std::string("bellhop.toml:1:1: no"));
                },
                .drain = [this] { ++changes; },
                .accounts_changed = [this] { ++changes; }};
    add_operator_commands(commands, std::move(doors));
  }

  /// The filter itself stands for a message that contains it.
  static std::vector<observe::Tap::Entry> traced(const std::string& filter) {
    const Endpoint phone = *Endpoint::parse("192.0.2.7:5060");
    return {{now, observe::Tap::Direction::received, "udp", phone, phone, filter}};
  }

  [[nodiscard]] std::string state() const {
    std::string out = std::to_string(changes) + " " + std::to_string(table.bindings());
    for (unsigned i = 0; i < static_cast<unsigned>(observe::Tag::count_); ++i)
      out += static_cast<char>('0' + static_cast<int>(log.level(static_cast<observe::Tag>(i))));
    return out;
  }

  observe::Log log{observe::null_sink()};
  observe::Metrics metrics;
  location::Table table{metrics, 1};
  guard::Guard guard{log, metrics, 1};
  std::uint64_t changes = 0;
  std::size_t said = 0;  ///< octets: what bindings can hold
  Commands commands;
};

bool printable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    if ((octet < 0x20 && text[i] != '\n') || octet == 0x7f) return false;
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
    if (octet == 0xc2 && next >= 0x80 && next < 0xa0) return false;  // C1: U+009B begins an escape sequence
  }
  return true;
}

void check_answer(std::string_view answer) {
  for (const char c : answer) require(static_cast<unsigned char>(c) >= 0x20);
  const auto reply = Json::parse(answer);
  require(reply && reply->write() == answer);
  const Json* ok = reply->find("ok");
  require(ok != nullptr && ok->as_bool() != nullptr && reply->as_object()->size() == 2);
  if (!*ok->as_bool()) {
    const Json* why = reply->find("error");
    require(why != nullptr && why->as_text() != nullptr && !why->as_text()->empty());
    return;
  }
  const Json* result = reply->find("result");
  require(result != nullptr && printable(to_table(*result)));
}

Words words_of(std::string_view line) {
  const auto request = Json::parse(line);
  const Json* command = request ? request->find("command") : nullptr;
  Words words;
  if (command != nullptr && command->as_array() != nullptr)
    for (const Json& word : *command->as_array())
      if (word.as_text() != nullptr) words.push_back(*word.as_text());
  return words;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto server = std::make_unique<Server>();
  if (server->table.bindings() > 8) server = std::make_unique<Server>();
  const std::string_view line(reinterpret_cast<const char*>(data), size);

  const std::string before = server->state();
  (void)server->commands.run_read_only(words_of(line));
  require(server->state() == before);

  server->said += size;
  const std::string answer = answer_line(server->commands, line);
  require(answer.size() <= 8 * server->said + 16'384);
  check_answer(answer);
  return 0;
}
