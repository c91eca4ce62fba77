#include "admin/guard_commands.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace bellhop::admin {

namespace {

constexpr std::uint64_t longest_seconds = 10ULL * 366 * 24 * 3600;

std::string rest_of(TimePoint until, TimePoint now) {
  return until == never ? "until taken back" : short_duration(until - now);
}

Json row_of(const guard::Ban& ban, TimePoint now) {
  return Json()
      .set("address", ban.source.to_string())
      .set("rule", guard::name_of(ban.rule))
      .set("since", utc_text(ban.since))
      .set("ends_in", short_duration(ban.until - now))
      .set("dropped", ban.dropped)
      .set("shadow", ban.shadow)
      .set("evidence", ban.text);
}

Json row_of(const guard::Order& order, TimePoint now) {
  return Json()
      .set("network", order.network.to_string())
      .set("order", order.exempt ? "exempt" : "deny")
      .set("ends_in", rest_of(order.until, now))
      .set("why", order.text);
}

Reply list(const Doors& doors) {
  const TimePoint now = doors.now();
  Json rows = Json::array();
  for (const guard::Ban& ban : doors.guard.bans(now)) rows.push(row_of(ban, now));
  return rows;
}

Reply orders(const Doors& doors) {
  const TimePoint now = doors.now();
  Json rows = Json::array();
  for (const guard::Order& order : doors.guard.orders(now)) rows.push(row_of(order, now));
  return rows;
}

std::string out_of(std::uint32_t count, const guard::Rate& rate) {
  return rate.limit == 0 ? fmt::format("{}, no limit", count)
                         : fmt::format("{} of {} in {}", count, rate.limit, short_duration(rate.window));
}

/// What the guard would do with the next request of this address, and which fact decides.
std::string verdict_on(const guard::Guard::Standing& s, const guard::Rules& rules, TimePoint now) {
  if (s.order)
    return fmt::format("{} by the operator's order for {}", s.order->exempt ? "passes" : "dropped",
                       s.order->network.to_string());
  if (s.denied) return fmt::format("dropped: [guard] denied holds {}", s.denied->to_string());
  if (s.exempt) return fmt::format("passes: [guard] exempt holds {}", s.exempt->to_string());
  if (s.ban && s.ban->shadow) return "passes: its ban is a shadow, which only reports";
  if (s.ban) return fmt::format("dropped: banned for {} until {}", guard::name_of(s.ban->rule), utc_text(s.ban->until));
  if (!rules.flood) return "passes: the flood guard is off";
  if (s.trusted)
    return fmt::format("passes within the budget of known sources: a [[peer]] has {}", s.trusted->to_string());
  if (s.known_until > now)
    return fmt::format("passes within the budget of known sources: it authenticated, and is known for {} more",
                       short_duration(s.known_until - now));
  return "passes within the budget of strangers";
}

Reply why(const Doors& doors, const Words& words) {
  const auto address = words.size() == 1 ? IpAddress::parse(words[0]) : std::nullopt;
  if (!address) return failure(std::string("write guard why ADDRESS"));
  const TimePoint now = doors.now();
  const guard::Rules rules = doors.guard_rules();
  const auto standing = doors.guard.standing(*address, rules, now);
  Json out = Json().set("address", address->to_string()).set("verdict", verdict_on(standing, rules, now));
  const auto count = [&](guard::Evidence e) { return standing.counts[static_cast<std::size_t>(e)]; };
  out.set("requests", out_of(count(guard::Evidence::requests), rules.requests));
  out.set("malformed", out_of(count(guard::Evidence::malformed), rules.malformed));
  out.set("credentials", out_of(count(guard::Evidence::credentials), rules.credentials));
  if (standing.ban) out.set("ban", row_of(*standing.ban, now));
  if (standing.order) out.set("order", row_of(*standing.order, now));
  return out;
}

Reply give(const Doors& doors, Words words, bool exempt) {
  const std::string usage =
      fmt::format("write guard {} ADDRESS|NETWORK [--for SECONDS] [--why TEXT]", exempt ? "exempt" : "ban");
  guard::Order order;
  order.exempt = exempt;
  if (auto text = take_option(words, "why")) order.text = std::move(*text);
  if (const auto text = take_option(words, "for")) {
    const auto n = parse_decimal(*text, longest_seconds);
    if (!n || *n == 0) return failure(fmt::format("--for takes a number of seconds, like 3600; {}", usage));
    order.until = doors.now() + seconds(static_cast<std::int64_t>(*n));
  }
  const auto network = words.size() == 1 ? Network::parse(words[0]) : std::nullopt;
  if (!network) return failure(usage);
  order.network = *network;
  const Json row = row_of(order, doors.now());
  if (!doors.guard.give(std::move(order), doors.now()))
    return failure(std::string("there are too many orders; take some back, or write them into [guard] denied"));
  return row;
}

Reply unban(const Doors& doors, const Words& words) {
  const auto address = words.size() == 1 ? IpAddress::parse(words[0]) : std::nullopt;
  const auto network = words.size() == 1 ? Network::parse(words[0]) : std::nullopt;
  if (!network) return failure(std::string("write guard unban ADDRESS|NETWORK"));
  const bool ended = address ? doors.guard.unban(*address) : doors.guard.take_back(*network, /*exempt=*/false);
  if (!ended) return failure(fmt::format("{} is not banned", words[0]));
  return Json().set("unbanned", words[0]);
}

Reply judge_again(const Doors& doors, const Words& words) {
  const auto network = words.size() == 1 ? Network::parse(words[0]) : std::nullopt;
  if (!network) return failure(std::string("write guard judge ADDRESS|NETWORK"));
  if (!doors.guard.take_back(*network, /*exempt=*/true))
    return failure(fmt::format("no order exempts {}; 'guard orders' lists them", words[0]));
  return Json().set("judged", network->to_string());
}

Reply try_rule(const Doors& doors, const Words& words) {
  constexpr std::string_view usage = "write guard try requests|malformed|credentials LIMIT [SECONDS]";
  const auto rule = words.empty() ? std::nullopt : guard::evidence_from(words[0]);
  const auto limit = words.size() < 2 ? std::nullopt : parse_decimal(words[1], 1'000'000);
  const guard::Rules rules = doors.guard_rules();
  guard::Rate rate;
  if (rule == guard::Evidence::requests) rate = rules.requests;
  if (rule == guard::Evidence::malformed) rate = rules.malformed;
  if (rule == guard::Evidence::credentials) rate = rules.credentials;
  if (!limit || rate.window == Duration::zero() || words.size() > 3) return failure(std::string(usage));
  if (*limit > rate.limit)
    return failure(fmt::format("only the last {} of each source are remembered; try a limit of at most {}", rate.limit,
                               rate.limit));
  rate.limit = static_cast<std::uint32_t>(*limit);
  if (words.size() == 3) {
    const auto n = parse_decimal(words[2], longest_seconds);
    if (!n || *n == 0) return failure(std::string(usage));
    rate.window = seconds(static_cast<std::int64_t>(*n));
  }
  Json rows = Json::array();
  for (const auto& found : doors.guard.would_ban(*rule, rate, doors.now()))
    rows.push(
        Json().set("address", found.source.to_string()).set("most_in_window", found.most).set("known", found.known));
  return rows;
}

}  // namespace

void add_guard_commands(Commands& commands, const std::shared_ptr<const Doors>& doors) {
  commands.add(
      {"guard list", "", "banned addresses and the evidence", true, [doors](const Words&) { return list(*doors); }});
  commands.add({"guard orders", "", "what the operator banned and exempted", true,
                [doors](const Words&) { return orders(*doors); }});
  commands.add({"guard why", "ADDRESS", "what the guard holds against an address", true,
                [doors](const Words& words) { return why(*doors, words); }});
  commands.add({"guard try", "RULE LIMIT [SECONDS]", "who would be over another limit, without changing anything", true,
                [doors](const Words& words) { return try_rule(*doors, words); }});
  commands.add({"guard ban", "ADDRESS|NETWORK [--for SECONDS] [--why TEXT]", "drop everything from there", false,
                [doors](const Words& words) { return give(*doors, words, false); }});
  commands.add({"guard unban", "ADDRESS|NETWORK", "end a ban and forget what was counted", false,
                [doors](const Words& words) { return unban(*doors, words); }});
  commands.add({"guard exempt", "ADDRESS|NETWORK [--for SECONDS] [--why TEXT]", "judge nothing from there", false,
                [doors](const Words& words) { return give(*doors, words, true); }});
  commands.add({"guard judge", "ADDRESS|NETWORK", "take an exemption back", false,
                [doors](const Words& words) { return judge_again(*doors, words); }});
}

}  // namespace bellhop::admin
