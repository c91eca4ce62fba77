#include "config/kinds.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/text.hpp"

namespace bellhop::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t worth;
};
constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000'000}, {"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}}};
constexpr std::array<Unit, 4> size_units{{{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};

/// "<digits><unit>" as a multiple of the smallest unit's base; nothing when it is not of this form or too large.
template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = trim(text.substr(end));
  for (const Unit& u : units)
    if (u.name == unit)
      if (const auto n = parse_decimal(text.substr(0, end), INT64_MAX / u.worth)) return *n * u.worth;
  return std::nullopt;
}

template <std::size_t N>
std::string print_with_unit(std::uint64_t value, const std::array<Unit, N>& units, std::string_view zero) {
  if (value == 0) return std::string(zero);
  for (const Unit& u : units)
    if (value % u.worth == 0) return fmt::format("{}{}", value / u.worth, u.name);
  return fmt::format("{}us", value);
}

std::vector<std::string_view> level_names() {
  std::vector<std::string_view> out;
  for (unsigned i = 0; i <= static_cast<unsigned>(observe::Level::all_info); ++i)
    out.push_back(observe::name_of(static_cast<observe::Level>(i)));
  return out;
}

std::vector<std::string_view> tag_names() {
  std::vector<std::string_view> out;
  for (unsigned i = 0; i < static_cast<unsigned>(observe::Tag::count_); ++i)
    out.push_back(observe::name_of(static_cast<observe::Tag>(i)));
  return out;
}

std::optional<observe::Level> read_level(const Value& value, Complaints& complaints) {
  if (value.kind == Value::Kind::text)
    if (const auto level = observe::level_from(value.text)) return level;
  complaints.add(value, fmt::format("{} is no log level; write {}{}", value.to_string(), one_of(level_names()),
                                    did_you_mean(value.text, level_names())));
  return std::nullopt;
}

}  // namespace

bool is_text(const Value& value, std::string_view example, Complaints& complaints) {
  if (value.kind == Value::Kind::text) return true;
  complaints.add(value, fmt::format("{} is not a text; write it in quotes, like {}", value.to_string(), example));
  return false;
}

bool is_array(const Value& value, std::string_view example, Complaints& complaints) {
  if (value.kind == Value::Kind::array) return true;
  complaints.add(value, fmt::format("{} is not a list; write it in brackets, like {}", value.to_string(), example));
  return false;
}

std::string print_duration(Duration duration) {
  return print_with_unit(static_cast<std::uint64_t>(duration.count()), duration_units, "0s");
}

std::string print_size(std::size_t octets) {
  return print_with_unit(octets, size_units, "0B");
}

std::string print_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += fmt::format("{}\"{}\"", out.size() > 1 ? ", " : "", item);
  return out + "]";
}

void Span::read(const Value& value, Duration& into, Complaints& complaints) const {
  const auto n = value.kind == Value::Kind::text ? parse_with_unit(value.text, duration_units) : std::nullopt;
  if (!n) {
    complaints.add(value, fmt::format(R"({} is no duration; a duration has a unit, like "500ms", "30s", "5m" or "1h")",
                                      value.to_string()));
    return;
  }
  const Duration duration{static_cast<Duration::rep>(*n)};
  if (duration < least || duration > most)
    complaints.add(value, fmt::format("{} is out of range; possible is {}", value.to_string(), range()));
  else
    into = duration;
}

void Size::read(const Value& value, std::size_t& into, Complaints& complaints) const {
  const auto n = value.kind == Value::Kind::text ? parse_with_unit(value.text, size_units) : std::nullopt;
  if (!n)
    complaints.add(
        value, fmt::format(R"({} is no size; a size has a unit, like "1300B", "64KiB" or "8MiB")", value.to_string()));
  else if (*n < least || *n > most)
    complaints.add(value, fmt::format("{} is out of range; possible is {}", value.to_string(), range()));
  else
    into = static_cast<std::size_t>(*n);
}

std::optional<std::uint64_t> Count::number(const Value& value, Complaints& complaints) const {
  if (value.kind != Value::Kind::integer) {
    complaints.add(value,
                   fmt::format("{} is not a whole number; possible is {}, without quotes", value.to_string(), range()));
    return std::nullopt;
  }
  const auto n = static_cast<std::uint64_t>(value.integer);
  if (value.integer >= 0 && n >= least && n <= most) return n;
  complaints.add(value, fmt::format("{} is out of range; possible is {}", value.to_string(), range()));
  return std::nullopt;
}

void Quality::read(const Value& value, std::uint16_t& into, Complaints& complaints) const {
  const double q = value.kind == Value::Kind::integer ? static_cast<double>(value.integer) : value.real;
  const bool number = value.kind == Value::Kind::integer || value.kind == Value::Kind::real;
  if (number && q >= 0 && q <= 1)
    into = static_cast<std::uint16_t>(std::lround(q * 1000));
  else
    complaints.add(value, fmt::format("{} is no q value; possible is {}", value.to_string(), range()));
}

std::string Quality::print(std::uint16_t thousandths) {
  return fmt::format("{}.{}", thousandths / 1000,
                     thousandths % 1000 == 0 ? "0" : fmt::format("{:03}", thousandths % 1000));
}

void Flag::read(const Value& value, bool& into, Complaints& complaints) const {
  if (value.kind == Value::Kind::boolean)
    into = value.boolean;
  else
    complaints.add(value,
                   fmt::format("{} is neither true nor false; write true or false, without quotes", value.to_string()));
}

void Text::read(const Value& value, std::string& into, Complaints& complaints) const {
  if (secret && value.kind != Value::Kind::text) {
    complaints.add(value, "is not a text; write it in quotes");
    return;
  }
  if (!is_text(value, "\"" + value.to_string() + "\"", complaints)) return;
  const std::string wrong = fault(value.text);
  if (!wrong.empty())
    complaints.add(value, secret ? wrong : value.to_string() + " " + wrong);
  else
    into = fold ? to_lower(value.text) : value.text;
}

void Texts::read(const Value& value, std::vector<std::string>& into, Complaints& complaints) const {
  if (!is_array(value, "[" + value.to_string() + "]", complaints)) return;
  into.clear();
  for (const Value& item : value.items) {
    std::string text;
    each.read(item, text, complaints);
    into.push_back(std::move(text));
  }
}

std::optional<Endpoint> Address::endpoint(const Value& value, Complaints& complaints) const {
  if (!is_text(value, "\"127.0.0.1:5060\"", complaints)) return std::nullopt;
  if (default_port != 0)
    if (const auto address = IpAddress::parse(value.text)) return Endpoint{*address, default_port};
  const auto endpoint = Endpoint::parse(value.text);
  if (endpoint && endpoint->port != 0) return endpoint;
  std::string_view hint = "write an IP address and a port, like \"127.0.0.1:5060\" or \"[::1]:5060\"";
  if (endpoint) hint = "port 0 is not possible; write the port to listen on, like \"127.0.0.1:5060\"";
  if (IpAddress::parse(value.text)) hint = "the port is missing, like \"127.0.0.1:5060\" or \"[::1]:5060\"";
  complaints.add(value, fmt::format("{} is no address with port; {}", value.to_string(), hint));
  return std::nullopt;
}

void Address::read(const Value& value, Endpoint& into, Complaints& complaints) const {
  if (const auto e = endpoint(value, complaints)) into = *e;
}

void Address::read(const Value& value, std::optional<Endpoint>& into, Complaints& complaints) const {
  if (const auto e = endpoint(value, complaints)) into = e;
}

void Addresses::read(const Value& value, std::vector<Endpoint>& into, Complaints& complaints) const {
  if (!is_array(value, R"(["192.0.2.53:53"])", complaints)) return;
  into.clear();
  for (const Value& item : value.items)
    if (const auto e = each.endpoint(item, complaints)) into.push_back(*e);
}

std::string Addresses::print(const std::vector<Endpoint>& value) {
  std::vector<std::string> items;
  for (const Endpoint& e : value) items.push_back(e.to_string());
  return print_list(items);
}

void HostAddresses::read(const Value& value, std::vector<Endpoint>& into, Complaints& complaints) const {
  if (!is_array(value, R"(["192.0.2.7"])", complaints)) return;
  into.clear();
  for (const Value& item : value.items) {
    const std::string_view text = item.kind == Value::Kind::text ? std::string_view(item.text) : std::string_view();
    if (const auto address = IpAddress::parse(text))
      into.push_back({*address, 0});
    else if (const auto endpoint = Endpoint::parse(text); endpoint && endpoint->port != 0)
      into.push_back(*endpoint);
    else
      complaints.add(item, fmt::format(R"({} is no address; write one like "192.0.2.7" or "[2001:db8::1]:5070")", item.to_string()));
  }
  if (into.empty() && complaints.none()) complaints.add(value, R"(the list is empty; write at least one address, like "192.0.2.7")");
}

std::string HostAddresses::print(const std::vector<Endpoint>& value) {
  std::vector<std::string> items;
  for (const Endpoint& e : value) items.push_back(e.port == 0 ? e.address.to_string() : e.to_string());
  return print_list(items);
}

void Networks::read(const Value& value, std::vector<Network>& into, Complaints& complaints) const {
  if (!is_array(value, R"(["127.0.0.0/8"])", complaints)) return;
  into.clear();
  for (const Value& item : value.items) {
    const auto network = item.kind == Value::Kind::text ? Network::parse(item.text) : std::nullopt;
    if (network)
      into.push_back(*network);
    else
      complaints.add(item,
                     fmt::format(R"({} is no network; write one like "10.0.0.0/8", "2001:db8::/32" or "192.0.2.7")",
                                 item.to_string()));
  }
}

std::string Networks::print(const std::vector<Network>& value) {
  std::vector<std::string> items;
  for (const Network& n : value) items.push_back(n.to_string());
  return print_list(items);
}

void CommonLevel::read(const Value& value, Log::Levels& into, Complaints& complaints) const {
  if (const auto level = read_level(value, complaints)) into = Log::all_at(*level);
}

std::string CommonLevel::print(const Log::Levels& value) {
  return '"' + std::string(observe::name_of(value.front())) + '"';
}

std::string CommonLevel::range() {
  return one_of(level_names());
}

void TagLevels::read(const Value& value, Log::Levels& into, Complaints& complaints) const {
  if (value.kind != Value::Kind::table) {
    complaints.add(value,
                   fmt::format(R"({} is not a table; write one like {{ SIPS = "low-level" }})", value.to_string()));
    return;
  }
  for (const Entry& entry : value.entries) {
    const auto tag = observe::tag_from(entry.key);
    if (!tag) {
      Value where;
      where.place = entry.place;
      complaints.add(where, fmt::format("'{}' is no log tag; write {}{}", entry.key, one_of(tag_names()),
                                        did_you_mean(entry.key, tag_names())));
    } else if (const auto level = read_level(entry.value, complaints)) {
      into[static_cast<std::size_t>(*tag)] = *level;
    }
  }
}

std::string TagLevels::range() {
  return "tags " + one_of(tag_names());
}

}  // namespace bellhop::config
