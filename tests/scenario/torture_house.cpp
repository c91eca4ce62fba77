#include "torture_house.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "location/table.hpp"
#include "sip/builder.hpp"
#include "sip/torture_table_for_test.hpp"

namespace bellhop::scenario {

namespace {

std::string config(std::string_view domain_lines) {
  std::string more = "[sip]\nrelay = \"anybody\"\n" + World::dual_stack();
  for (const char* transport : {"udp", "tcp"})
    for (const char* address : {"[2001:db8::10]:5060", "[2001:db8::10]:5070", "198.51.100.1:5060"})
      more += fmt::format("[[listen]]\ntransport = \"{}\"\naddress = \"{}\"\n", transport, address);
  return World::default_config(more, domain_lines, "example.com");
}

/// The address in the topmost Via, else one of its own at the port in it. A response comes from anywhere.
std::string sender_of(const std::string& octets) {
  sip::Message message;
  (void)message.parse(octets, sip::Limits{}, false);
  std::string_view list = octets.starts_with("SIP/") ? std::string_view() : message.value_of(sip::HeaderId::via);
  const auto via = sip::parse_via(sip::next_in_list(list).value_or(""));
  const auto address = via ? sip::host_address(via->host) : std::nullopt;
  return Endpoint{address.value_or(IpAddress::v4({127, 0, 0, 66})),
                  via && via->port != 0 ? via->port : std::uint16_t{5060}}
      .to_string();
}

std::string answer_of(const std::string& request, const std::string& status_line) {
  std::string out;
  sip::start_response(out, parsed(request), 200, {}, "callee", {}).no_body();
  return status_line + out.substr(out.find("\r\n"));
}

}  // namespace

sip::Message parsed(const std::string& octets) {
  sip::Message message;
  EXPECT_TRUE(message.parse(octets, sip::Limits{}, false)) << octets;
  return message;
}

TortureHouse::TortureHouse(std::string_view domain_lines)
    : world({.config = config(domain_lines), .domain = "example.com"}) {
  for (const char* name :
       {"example.net", "services.example.com", "registrar.example.com", "host.example.net", "host5.example.com"})
    world.net().add_host(name, Endpoint::parse(elsewhere)->address);
  for (const char* address :
       {phones, elsewhere, "127.0.0.1:5080", "[2001:db8::10:5070]:5060", "[2001:db8::192.0.2.1]:5060"}) {
    const Endpoint endpoint = *Endpoint::parse(address);
    callees_.emplace(endpoint.to_string(), std::make_unique<Stranger>(world, sip::Transport::udp, address));
    world.name(endpoint, endpoint.to_string());
  }
  if (domain_lines.starts_with(open_domain))
    for (const char* user :
         {"user", "joe", "UserB", "user;par=u%40example.net", "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"})
      add_phone(user, fmt::format("sip:{}@{}", user, phones));
  before_ = bindings();
  (void)world.arrows();
}

void TortureHouse::add_phone(std::string_view user, std::string_view contact) {
  Stranger& phone = *callees_.at(phones);
  EXPECT_EQ(phone.ask(phone.draft("REGISTER", "sip:example.com")
                          .set("To", fmt::format("<sip:{}@example.com>", user))
                          .set("Contact", fmt::format("<{}>", contact)),
                      milliseconds(50)),
            200)
      << user;
  phone.forget();
}

std::string TortureHouse::sip_file(const char* name) {
  return sip::torture_octets(name);
}

void TortureHouse::send(const std::string& octets, sip::Transport transport) {
  sender_.reset();
  sender_ = std::make_unique<Stranger>(world, transport, sender_of(octets));
  send_more(octets);
}

void TortureHouse::send_more(const std::string& octets) {
  sender_->send(octets);
  world.run_for(milliseconds(50));
  for (const auto& [name, callee] : callees_) {
    for (std::size_t i = answered_[name]; i < callee->received().size(); ++i)
      callee->send(answer_of(callee->received()[i], status_line));
    answered_[name] = callee->received().size();
  }
  world.run_for(milliseconds(50));
}

std::string TortureHouse::answer() const {
  return sender_->received().empty() ? std::string() : sender_->received().back();
}

std::string TortureHouse::heard(const std::string& party) const {
  const auto& received = callees_.at(party)->received();
  return received.empty() ? std::string() : received.back();
}

std::vector<std::string> TortureHouse::left() {
  std::vector<std::string> out;
  for (const std::string& arrow : world.arrows()) {
    const auto at = arrow.find(" <- ");
    if (at == std::string::npos) continue;
    const std::string party = callees_.contains(arrow.substr(0, at)) ? arrow.substr(0, at) : "sender";
    const bool broken = arrow.compare(at + 4, 10, "? SIP/2.0 ") == 0;  // an answer that repeats what was broken
    const auto begin = at + (broken ? 14 : 4);
    out.push_back(party + " " + arrow.substr(begin, arrow.find(' ', begin) - begin));
  }
  return out;
}

std::vector<std::string> TortureHouse::bindings() {
  std::vector<std::string> all;
  world.table().for_each("", 100, world.net().now(), [&](const std::string& aor, const location::Binding& binding) {
    all.push_back(aor + " " + binding.contact);
  });
  return all;
}

std::vector<std::string> TortureHouse::bound() {
  auto added = bindings();
  std::erase_if(added, [this](const std::string& binding) {
    return std::find(before_.begin(), before_.end(), binding) != before_.end();
  });
  std::sort(added.begin(), added.end());
  return added;
}

std::string TortureHouse::fetch(std::string_view user) {
  Stranger asker(world, sip::Transport::udp, "127.0.0.69:5069");
  EXPECT_EQ(asker.ask(asker.draft("REGISTER", "sip:example.com")
                          .set("To", fmt::format("<sip:{}@example.com>", user))
                          .drop("Contact")),
            200);
  return asker.received().empty() ? std::string() : asker.received().back();
}

}  // namespace bellhop::scenario
