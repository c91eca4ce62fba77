#include "admin/operator_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <map>
#include <memory>

#include "admin/binding_commands.hpp"
#include "admin/guard_commands.hpp"
#include "config/suggestion.hpp"

namespace bellhop::admin {

namespace {

using Shared = std::shared_ptr<const Doors>;

constexpr std::size_t most_rows = 1000;

std::vector<std::string_view> level_names() {
  std::vector<std::string_view> out;
  for (unsigned i = 0; i <= static_cast<unsigned>(observe::Level::all_info); ++i)
    out.push_back(observe::name_of(static_cast<observe::Level>(i)));
  return out;
}

Reply levels_now(const observe::Log& log) {
  Json list = Json::array();
  for (unsigned i = 0; i < static_cast<unsigned>(observe::Tag::count_); ++i) {
    const auto tag = static_cast<observe::Tag>(i);
    list.push(Json().set("tag", observe::name_of(tag)).set("level", observe::name_of(log.level(tag))));
  }
  return list;
}

Reply log_level(observe::Log& log, const Words& words) {
  if (words.empty()) return levels_now(log);
  if (words.size() > 2) return failure(std::string("write log level [TAG] LEVEL"));
  const auto level = observe::level_from(words.back());
  if (!level)
    return failure(fmt::format("'{}' is no log level; write {}{}", words.back(), config::one_of(level_names()),
                               config::did_you_mean(words.back(), level_names())));
  if (words.size() == 1) {
    log.set_level(*level);
  } else {
    const auto tag = observe::tag_from(words.front());
    if (!tag) return failure(fmt::format("'{}' is no log tag; 'log level' lists them", words.front()));
    log.set_level(*tag, *level);
  }
  return levels_now(log);
}

Reply log_dump(const Doors& doors, const Words& words) {
  if (words.size() != 1 || (words[0] != "on" && words[0] != "off"))
    return failure(std::string("write log dump on|off"));
  doors.dump_call_packets(words[0] == "on");
  return Json().set("dump_call_packets", words[0]);
}

Reply stats(const Doors& doors, const Words& words) {
  const auto wanted = [&](const std::string& name) {
    return words.empty() || name.find(words[0]) != std::string::npos;
  };
  const observe::Metrics::Values values = doors.collect();
  std::map<std::string, Json> sorted;
  for (const auto& [name, value] : values.counters)
    if (wanted(name)) sorted.emplace(name, value);
  for (const auto& [name, value] : values.gauges)
    if (wanted(name)) sorted.emplace(name, value);
  Json out = Json::object();
  for (auto& [name, value] : sorted) out.set(name, std::move(value));
  return out;
}

Json rows_of(const std::vector<TransactionRow>& rows) {
  Json list = Json::array();
  for (const TransactionRow& row : rows)
    list.push(Json()
                  .set("id", row.id)
                  .set("status", fmt::format("waiting ({})", short_duration(row.waiting)))
                  .set("messages", row.messages)
                  .set("phase", row.phase)
                  .set("source", row.source)
                  .set("target", row.target)
                  .set("request", row.request));
  return list;
}

Reply transactions(const Doors& doors, const Words& words) {
  const TransactionRows rows = doors.transactions(words.empty() ? "" : words[0], most_rows);
  return Json()
      .set("server", fmt::format("{} of {} selected", rows.server.size(), rows.server_total))
      .set("client", fmt::format("{} of {} selected", rows.client.size(), rows.client_total))
      .set("sips", rows_of(rows.server))
      .set("sipc", rows_of(rows.client));
}

Reply trace(const Doors& doors, const Words& words) {
  std::string out;
  for (const observe::Tap::Entry& entry : doors.trace(words.empty() ? "" : words[0])) {
    fmt::format_to(std::back_inserter(out), "{} {} {} {} {} {}\n", utc_text(entry.time),
                   entry.direction == observe::Tap::Direction::received ? "<-" : "->", entry.transport,
                   entry.local.to_string(), entry.remote.to_string(), entry.octets.size());
    // Indented, and nothing but printable text: what a peer sent can neither look like a heading nor drive a terminal.
    out += "  ";
    unsigned char last = 0;
    for (const char c : entry.octets) {
      const auto octet = static_cast<unsigned char>(c);
      const bool c1 = last == 0xc2 && octet >= 0x80 && octet < 0xa0;  // U+009B begins an escape sequence as ESC [ does
      if (c1) out.pop_back();
      if (c == '\n')
        out += "\n  ";
      else if (octet >= 0x20 && octet != 0x7f && !c1)
        out += c;
      else if (c != '\r')
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", octet);
      last = octet;
    }
    out += '\n';
  }
  return out.empty() ? Json("nothing traced; set [log] trace_ring, or use another filter") : Json(std::move(out));
}

void add_observing(Commands& commands, const Shared& doors) {
  commands.add({"status", "", "what runs, since when, and how much of it", true,
                [doors](const Words&) -> Reply { return doors->status(); }});
  commands.add({"stats", "[FILTER]", "every counter and gauge by name", true,
                [doors](const Words& words) { return stats(*doors, words); }});
  commands.add({"transactions", "[FILTER]", "server (SIPS) and client (SIPC) transactions", true,
                [doors](const Words& words) { return transactions(*doors, words); }});
  commands.add({"trace", "[FILTER]", "the messages of the trace ring that contain FILTER", false,
                [doors](const Words& words) { return trace(*doors, words); }});
}

void add_changing(Commands& commands, const Shared& doors) {
  commands.add({"log level", "[[TAG] LEVEL]", "show or set log levels until the next reload", false,
                [doors](const Words& words) { return log_level(doors->log, words); }});
  commands.add({"log dump", "on|off", "log all packets of calls whatever the level", false,
                [doors](const Words& words) { return log_dump(*doors, words); }});
  commands.add({"reload", "", "read the configuration again, as SIGHUP does", false,
                [doors](const Words&) { return doors->reload(); }});
  commands.add(
      {"drain", "", "take no new calls, let running ones end, then exit", false, [doors](const Words&) -> Reply {
         doors->drain();
         return Json().set("draining", true);
       }});
  commands.add({"accounts changed", "", "look at the account store now instead of within a second", false,
                [doors](const Words&) -> Reply {
                  doors->accounts_changed();
                  return Json().set("looked", true);
                }});
}

}  // namespace

void add_operator_commands(Commands& commands, Doors doors) {
  const auto shared = std::make_shared<const Doors>(std::move(doors));
  add_observing(commands, shared);
  add_binding_commands(commands, shared);
  add_guard_commands(commands, shared);
  add_changing(commands, shared);
}

std::string short_duration(Duration duration) {
  const auto s = std::chrono::duration_cast<seconds>(duration).count();
  if (s < 60) return fmt::format("{}s", std::max<std::int64_t>(s, 0));
  if (s < 3600) return fmt::format("{}m", s / 60);
  return s < 86400 ? fmt::format("{}h", s / 3600) : fmt::format("{}d", s / 86400);
}

std::string utc_text(TimePoint time) {
  const std::time_t t = unix_seconds(time);
  std::tm parts{};
  ::gmtime_r(&t, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace bellhop::admin
