#include "sip/plain.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <tuple>

#include "sip/scan.hpp"

namespace bellhop::sip {
namespace {

// Whole values of each kind, written plainly, nearly so, and in no way that is right.
constexpr std::string_view uris[] = {
    "sip:alice@example.test",
    "sip:+4930123@192.0.2.1:5060;user=phone;ob",
    "sip:192.0.2.1:50952;transport=udp",
    "sip:a:secret@example.test;lr?subject=x",
    "sip:%61@[2001:db8::1]:5061",
    "sips:b_c@host-1.example.test.;maddr=10.0.0.255",
    "sip:+@x",
    "tel:+49-30",
};
constexpr std::string_view addresses[] = {
    "<sip:alice@example.test>;tag=1928301774",
    "\"Alice \\\" B\" <sip:+49301@example.test:5062;ob>;x;tag=a-b_c.d",
    "\"Bob\"<sip:192.0.2.1>;expires=3600;q=0.5",
    "\"Carol O'Hara (home)\" <sip:carol@example.test>",
    "Dan van D-x <sip:dan@example.test>;tag=d",
    "Bob <sip:bob@biloxi.example>, <sip:carol@chicago.example>",
    "sip:bob@biloxi.example;tag=\"x\"",
    "<sip:a@b>;tag=1;TAG=2",
    "<sip:a@b> ; tag = x",
};
constexpr std::string_view vias[] = {
    "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK776asdhds",
    "SIP/2.0/TCP pc33.example.test;branch=z9hG4bK1;received=192.0.2.4;ttl=16;maddr=224.2.0.1",
    "SIP / 2.0 / UDP first.example.test: 4000;branch=a, SIP/2.0/TLS second",
    "SIP/2.0/WSS [2001:db8::9]:443;branch=b;rport=1;alias",
    "SIP/2.0/UDP h;branch=x;branch=y",
};

auto parts_of(const Uri& u) {
  return std::tuple(u.text, u.scheme_text, u.scheme, u.user, u.password, u.host, u.port, u.has_user, u.has_password,
                    u.has_port, u.parameters, u.headers);
}
auto parts_of(const NameAddr& a) {
  return std::tuple_cat(parts_of(a.uri),
                        std::tuple(a.display_name, a.parameters, a.tag_value, a.text, a.angle_brackets));
}
auto parts_of(const Via& v) {
  return std::tuple(v.protocol, v.transport, v.host, v.port, v.branch, v.received, v.maddr, v.ttl, v.rport_text,
                    v.has_rport, v.parameters, v.text);
}

/// The text with up to three octets changed, removed or put in.
std::string spoiled(std::string text, std::mt19937& random) {
  constexpr std::string_view octets = "a1.-_+:;=@<>\",%[]/? \t\r\n\\\x7f\xc3";
  for (auto times = random() % 4; times != 0; --times) {
    const std::size_t at = random() % (text.size() + 1);
    const std::string octet(1, octets[random() % octets.size()]);
    text.replace(at, random() % 2, random() % 4 != 0 ? octet : std::string(random() % 70, octet[0]));
  }
  return text;
}

/// Reads many spoiled texts both ways: in a buffer of exact size, so that an octet read outside it is seen by the
/// address sanitizer, alone and with other octets around.
template <std::size_t size, class Value, class Read>
void expect_agreement(const std::string_view (&texts)[size], const Value& /*for its type*/, const Read& read) {
  std::mt19937 random(1);
  int sound = 0;
  for (int i = 0; i < 30'000; ++i) {
    const std::string text = spoiled(std::string(texts[random() % size]), random);
    const std::size_t before = random() % 2 * 80, behind = random() % 2 * (random() % 80);
    const auto buffer = std::make_unique<char[]>(before + text.size() + behind);
    std::copy(text.begin(), text.end(), buffer.get() + before);
    const std::string_view around(buffer.get(), before + text.size() + behind);
    Value plainly, generally;
    const auto [error, rest, general_error, general_rest] =
        read(around.substr(before, text.size()), around, plainly, generally);
    ASSERT_EQ(error, general_error) << text;
    if (error) continue;
    ++sound;
    ASSERT_EQ(rest, general_rest) << text;
    ASSERT_TRUE(parts_of(plainly) == parts_of(generally)) << text;
  }
  EXPECT_GT(sound, 3'000);
}

TEST(Plain, UrisAreReadAsInTheGeneralWay) {
  expect_agreement(uris, Uri{}, [](auto text, auto around, Uri& plainly, Uri& generally) {
    const auto error = scan::read_uri(text, around, plainly);
    return std::tuple(error, std::string_view{}, scan::read_any_uri(text, generally), std::string_view{});
  });
}

TEST(Plain, AddressesAreReadAsInTheGeneralWay) {
  expect_agreement(addresses, NameAddr{}, [](auto text, auto around, NameAddr& plainly, NameAddr& generally) {
    std::string_view rest, general_rest;
    const auto error = scan::read_name_addr(text, around, plainly, rest);
    const auto general_error = scan::read_any_name_addr(text, generally, general_rest);
    return std::tuple(error, rest, general_error, general_rest);
  });
}

TEST(Plain, ViasAreReadAsInTheGeneralWay) {
  expect_agreement(vias, Via{}, [](auto text, auto around, Via& plainly, Via& generally) {
    std::string_view rest, general_rest;
    const auto error = scan::read_via(text, around, plainly, rest);
    const auto general_error = scan::read_any_via(text, generally, general_rest);
    return std::tuple(error, rest, general_error, general_rest);
  });
}

TEST(Plain, RunsAreCutAtEveryDelimiterOfALongText) {
  std::string text;
  for (std::size_t i = 0; i < 40; ++i) text += std::string(i * 5 % 70, 'x') + "@:;"[i % 3];
  const auto expect_runs = [&text](auto runs) {
    for (std::size_t i = 0; i < 40; ++i) {
      EXPECT_EQ(runs.next(), std::string(i * 5 % 70, 'x'));
      EXPECT_EQ(runs.behind(), "@:;"[i % 3]);
    }
    EXPECT_EQ(runs.next(), "");
    EXPECT_EQ(runs.behind(), decltype(runs)::none);
  };
  expect_runs(plain::RunsBy<octets::delimiters_by_sixteen>(text, text, text.data()));
  expect_runs(plain::RunsBy<octets::delimiters_in_block>(text, text, text.data()));
}

}  // namespace
}  // namespace bellhop::sip
