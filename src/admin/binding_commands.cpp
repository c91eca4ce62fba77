#include "admin/binding_commands.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "sip/uri.hpp"

namespace bellhop::admin {

namespace {

constexpr std::size_t most_listed = 1000;
constexpr std::uint64_t longest_expires = 10 * 24 * 3600;

std::string where(const location::Binding& binding) {
  if (binding.flow.remote.port == 0) return "";
  return fmt::format("{}[{}]", sip::param_name(binding.flow.transport), binding.flow.remote.to_string());
}

std::string q_text(std::uint16_t thousandths) {
  return fmt::format("{}.{:03}", thousandths / 1000, thousandths % 1000);
}

Json row_of(const std::string& aor, const location::Binding& b, TimePoint now) {
  return Json()
      .set("address", aor)
      .set("id", b.id)
      .set("contact", b.contact)
      .set("expires_in", std::chrono::ceil<seconds>(b.expires - now).count())
      .set("q", q_text(b.q))
      .set("source", where(b))
      .set("user_agent", b.user_agent);
}

Json facts_of(const location::Binding& b, TimePoint now) {
  return Json()
      .set("id", b.id)
      .set("contact", b.contact)
      .set("parameters", b.contact_parameters)
      .set("expires_in", std::chrono::ceil<seconds>(b.expires - now).count())
      .set("updated", utc_text(b.updated))
      .set("q", q_text(b.q))
      .set("source", where(b))
      .set("nat", b.natted)
      .set("instance", b.instance)
      .set("reg_id", b.reg_id)
      .set("path", b.path)
      .set("call_id", b.call_id)
      .set("cseq", b.cseq)
      .set("user_agent", b.user_agent);
}

Reply list(const Doors& doors, const Words& words) {
  Json rows = Json::array();
  const TimePoint now = doors.now();
  doors.bindings.for_each(words.empty() ? "" : to_lower(words[0]), most_listed, now,
                          [&](const std::string& aor, const location::Binding& b) { rows.push(row_of(aor, b, now)); });
  return rows;
}

Result<std::string, std::string> key_of(const Doors& doors, const Words& words, std::string_view usage) {
  if (words.empty()) return failure(fmt::format("write {}", usage));
  if (const auto key = doors.binding_key(words[0])) return *key;
  return failure(
      fmt::format("'{}' is no address of a domain of this server; write one like alice@example.org", words[0]));
}

Reply show(const Doors& doors, const Words& words) {
  const auto key = key_of(doors, words, "bindings show ADDRESS");
  if (!key) return failure(key.error());
  const TimePoint now = doors.now();
  std::vector<location::Binding> found;
  doors.bindings.find(*key, now, found);
  Json out = Json().set("address", *key).set("contacts", found.size());
  for (std::size_t i = 0; i < found.size(); ++i) out.set(fmt::format("contact {}", i + 1), facts_of(found[i], now));
  return out;
}

Reply add(const Doors& doors, Words words) {
  constexpr std::string_view usage = "bindings add ADDRESS CONTACT [--expires SECONDS]";
  const auto expires = take_option(words, "expires");
  const auto lifetime = parse_decimal(expires.value_or("3600"), longest_expires);
  if (!lifetime || *lifetime == 0) return failure(fmt::format("--expires is 1 to {} seconds", longest_expires));
  const auto key = key_of(doors, words, usage);
  if (!key) return failure(key.error());
  if (words.size() != 2) return failure(fmt::format("write {}", usage));
  const auto uri = sip::parse_uri(words[1]);
  if (!uri)
    return failure(fmt::format("'{}' is no contact: {}; write a URI like sip:alice@192.0.2.7", words[1],
                               sip::text_of(uri.error())));
  if (uri->scheme == sip::Scheme::other) return failure(std::string("a contact is a sip, sips or tel URI"));
  const TimePoint now = doors.now();
  location::Binding binding;
  binding.contact = words[1];
  binding.expires = now + seconds(*lifetime);
  binding.updated = now;
  binding.user_agent = "bellhop ctl";
  doors.bindings.add(*key, std::move(binding), now);
  return show(doors, {words[0]});
}

Reply remove(const Doors& doors, const Words& words) {
  const auto key = key_of(doors, words, "bindings remove ADDRESS [ID]");
  if (!key) return failure(key.error());
  const TimePoint now = doors.now();
  if (words.size() == 1) {
    if (!doors.bindings.remove_aor(*key, now)) return failure(fmt::format("{} has no bindings", *key));
    return Json().set("removed", *key);
  }
  const auto id = parse_decimal(words[1]);
  if (!id || !doors.bindings.remove(*key, *id, now))
    return failure(fmt::format("{} has no binding {}", *key, words[1]));
  return Json().set("removed", *key).set("id", *id);
}

}  // namespace

void add_binding_commands(Commands& commands, const std::shared_ptr<const Doors>& doors) {
  commands.add({"bindings list", "[FILTER]", fmt::format("registered contacts (the first {})", most_listed), true,
                [doors](const Words& words) { return list(*doors, words); }});
  commands.add({"bindings show", "ADDRESS", "all that is known about one address", true,
                [doors](const Words& words) { return show(*doors, words); }});
  commands.add({"bindings add", "ADDRESS CONTACT [--expires SECONDS]", "register a contact by hand", false,
                [doors](const Words& words) { return add(*doors, words); }});
  commands.add({"bindings remove", "ADDRESS [ID]", "remove one contact or all of an address", false,
                [doors](const Words& words) { return remove(*doors, words); }});
}

}  // namespace bellhop::admin
