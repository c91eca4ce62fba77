#include "server/guard_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include "admin/json.hpp"
#include "storage/file.hpp"

namespace bellhop::server {

namespace {

using admin::Json;

std::int64_t micros(TimePoint time) {
  return time.time_since_epoch().count();
}

Json json_of(const guard::Ban& ban) {
  return Json()
      .set("source", ban.source.to_string())
      .set("since", micros(ban.since))
      .set("until", micros(ban.until))
      .set("rule", guard::name_of(ban.rule))
      .set("shadow", ban.shadow)
      .set("dropped", ban.dropped)
      .set("evidence", ban.text);
}

Json json_of(const guard::Order& order) {
  return Json()
      .set("network", order.network.to_string())
      .set("exempt", order.exempt)
      .set("until", micros(order.until))
      .set("why", order.text);
}

std::string text_of(const Json& json, std::string_view name) {
  const Json* found = json.find(name);
  const std::string* text = found != nullptr ? found->as_text() : nullptr;
  return text != nullptr ? *text : std::string();
}

std::optional<TimePoint> time_of(const Json& json, std::string_view name) {
  const Json* found = json.find(name);
  const std::int64_t* value = found != nullptr ? found->as_integer() : nullptr;
  return value != nullptr ? std::optional(TimePoint(Duration(*value))) : std::nullopt;
}

bool flag_of(const Json& json, std::string_view name) {
  const Json* found = json.find(name);
  const bool* value = found != nullptr ? found->as_bool() : nullptr;
  return value != nullptr && *value;
}

std::optional<guard::Ban> ban_from(const Json& json) {
  const auto source = IpAddress::parse(text_of(json, "source"));
  const auto since = time_of(json, "since"), until = time_of(json, "until");
  const auto rule = guard::evidence_from(text_of(json, "rule"));
  if (!source || !since || !until || !rule) return std::nullopt;
  return guard::Ban{*source, *since, *until, *rule, flag_of(json, "shadow"), text_of(json, "evidence"), 0};
}

std::optional<guard::Order> order_from(const Json& json) {
  const auto network = Network::parse(text_of(json, "network"));
  const auto until = time_of(json, "until");
  if (!network || !until) return std::nullopt;
  return guard::Order{*network, flag_of(json, "exempt"), *until, text_of(json, "why")};
}

template <class T, class Read>
std::vector<T> rows_of(const Json& json, std::string_view name, Read read) {
  std::vector<T> out;
  const Json* found = json.find(name);
  const Json::Array* rows = found != nullptr ? found->as_array() : nullptr;
  if (rows == nullptr) return out;
  for (const Json& row : *rows)
    if (auto value = read(row)) out.push_back(std::move(*value));
  return out;
}

}  // namespace

void GuardStore::load(TimePoint now) {
  std::ifstream file(path_);
  if (!file) return;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto json = Json::parse(text);
  if (!json) {
    log_(observe::Tag::guard, observe::Level::major, "{} cannot be read; the bans in it are forgotten", path_);
    return;
  }
  guard_.restore(rows_of<guard::Ban>(*json, "bans", ban_from), rows_of<guard::Order>(*json, "orders", order_from), now);
}

void GuardStore::save(TimePoint now, bool at_end) {
  const std::uint64_t changes = guard_.changes();
  if (changes == saved_ || (now < next_ && !at_end)) return;
  Json bans = Json::array(), orders = Json::array();
  for (const guard::Ban& ban : guard_.bans(now)) bans.push(json_of(ban));
  for (const guard::Order& order : guard_.orders(now)) orders.push(json_of(order));
  // Whoever forges addresses can start bans faster than they should be written.
  next_ = now + milliseconds(1) * static_cast<std::int64_t>(bans.as_array()->size());
  const bool written = write(Json().set("bans", std::move(bans)).set("orders", std::move(orders)).write());
  if (written) {
    saved_ = changes;
  } else if (!told_) {
    log_(observe::Tag::guard, observe::Level::major, "cannot write {}: {}; bans will not survive a restart", path_,
         storage::error_text(errno));
  }
  told_ = !written;
}

bool GuardStore::write(const std::string& text) {
  const std::string fresh = path_ + ".new";
  {
    const storage::FileDescriptor file(::open(fresh.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid() || !storage::write_at(file.get(), text, 0) || ::fsync(file.get()) != 0) return false;
  }
  if (std::rename(fresh.c_str(), path_.c_str()) != 0) return false;
  storage::sync_directory_of(path_);
  return true;
}

}  // namespace bellhop::server
