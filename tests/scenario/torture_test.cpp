// RFC 4475 and RFC 5118 against a whole server: what becomes of each message over UDP and over TCP
// (tests/data/torture.tsv), and what the RFCs say about single messages beyond that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "sip/torture_table_for_test.hpp"
#include "torture_house.hpp"

namespace bellhop::scenario {
namespace {

using namespace std::string_literals;
using sip::HeaderId;
using sip::TortureRow;
using sip::Transport;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;

constexpr auto phones = TortureHouse::phones, elsewhere = TortureHouse::elsewhere;

// ---- the table

/// "127.0.0.77:5077 INVITE sip:user@127.0.0.77:5077"
struct Heard {
  explicit Heard(const std::string& cell)
      : party(cell.substr(0, cell.find(' '))), start(cell.substr(cell.find(' ') + 1)) {}
  [[nodiscard]] std::string method() const { return start.substr(0, start.find(' ')); }
  std::string party, start;
};

/// Everything the server sends when this is the outcome.
std::vector<std::string> expected_to_leave(const TortureRow& row, const std::vector<std::string>& outcome) {
  std::vector<std::string> out;
  const Heard heard(row.heard);
  for (const std::string& word : outcome) {
    if (word == "forwarded") {
      if (heard.method() == "INVITE") out.emplace_back("sender 100");
      out.push_back(heard.party + " " + heard.method());
      out.emplace_back("sender 200");
    } else if (word == "registered") {
      out.emplace_back("sender 200");
    } else if (word != "dropped" && word != "closed") {
      out.push_back("sender " + word);
    }
  }
  return out;
}

/// "null-\0-null@example.com sip:a sip:b" as bindings.
std::vector<std::string> bindings_of(const std::string& cell) {
  std::vector<std::string> out;
  std::istringstream words(cell);
  std::string aor;
  words >> aor;
  if (const auto nul = aor.find("\\0"); nul != std::string::npos) aor.replace(nul, 2, 1, '\0');
  for (std::string contact; words >> contact;) out.push_back(aor + " " + contact);
  std::sort(out.begin(), out.end());
  return out;
}

/// RFC 3261 section 16.6: what a proxy has no business with passes octet for octet, in header fields and body.
void expect_unchanged(const std::string& sent, const std::string& heard) {
  const sip::Message before = parsed(sent), after = parsed(heard);
  for (const sip::HeaderField& field : before.headers()) {
    if (&field == before.first(HeaderId::via) || field.id == HeaderId::max_forwards || field.id == HeaderId::route)
      continue;
    EXPECT_THAT(
        heard,
        HasSubstr("\r\n" + sent.substr(field.name_at, field.value_at + field.value_size - field.name_at) + "\r\n"));
  }
  EXPECT_EQ(after.body(), before.body());
  EXPECT_EQ(after.max_forwards(), before.max_forwards() ? *before.max_forwards() - 1 : 70);
  EXPECT_EQ(after.via_count(), before.via_count() + 1);
}

class Torture : public testing::TestWithParam<std::tuple<TortureRow, Transport>> {};
INSTANTIATE_TEST_SUITE_P(Messages, Torture,
                         testing::Combine(testing::ValuesIn(sip::torture_rows()),
                                          testing::Values(Transport::udp, Transport::tcp)),
                         [](const testing::TestParamInfo<Torture::ParamType>& one) {
                           std::string name =
                               std::get<0>(one.param).file + "_" + std::string(sip::param_name(std::get<1>(one.param)));
                           for (char& c : name)
                             if (isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

// [RFC4475 3, RFC5118 4] each message has the one outcome the table names, and no other octet leaves: what is forwarded
// is heard by the one it is for and else unchanged, its answer comes back, what is registered is bound; no state stays
// and the server serves on
TEST_P(Torture, HasItsOutcome) {
  const auto& [row, transport] = GetParam();
  const auto outcome = row.outcome(transport == Transport::tcp);
  const auto is = [&outcome = outcome](const char* word) {
    return std::find(outcome.begin(), outcome.end(), word) != outcome.end();
  };
  const std::string octets = sip::torture_octets(row.file);
  ASSERT_FALSE(octets.empty()) << row.file;
  TortureHouse house;
  house.send(octets, transport);
  house.world.run_for(seconds(60));  // beyond the incomplete-message timer

  const auto left = house.left();
  EXPECT_EQ(left, expected_to_leave(row, outcome));
  const auto answers =
      std::count_if(left.begin(), left.end(), [](const std::string& to) { return to.starts_with("sender "); });
  const auto lost = is("forwarded") && is("closed") ? 1 : 0;  // the callee answers when the connection is gone
  EXPECT_EQ(std::ssize(house.sender().received()), answers - lost)
      << "an answer must reach the address in the topmost Via";
  if (is("forwarded")) {
    const Heard expected(row.heard);
    const std::string heard = house.heard(expected.party), sent = octets.substr(octets.find(expected.method() + " ")),
                      answer = house.answer();
    ASSERT_THAT(heard, StartsWith(expected.start + " SIP/2.0\r\n"));
    expect_unchanged(sent, heard);
    EXPECT_EQ(parsed(answer).top_via().branch, parsed(sent).top_via().branch);
    EXPECT_EQ(parsed(answer).via_count(), parsed(sent).via_count());
  }
  EXPECT_EQ(house.bound(), is("registered") ? bindings_of(row.bound) : std::vector<std::string>());
  EXPECT_EQ(house.sender().closed(), is("closed"));
  EXPECT_EQ(house.world.transactions(), 0u);
  EXPECT_EQ(house.world.forks(), 0u);
  EXPECT_TRUE(Stranger::server_lives(house.world));
}

// ---- single messages

std::string with(std::string octets, std::string_view what, std::string_view instead) {
  const auto at = octets.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? octets : octets.replace(at, what.size(), instead);
}

std::string file(const char* name, std::string_view what = {}, std::string_view instead = {}) {
  return with(TortureHouse::sip_file(name), what, instead);
}

// [RFC4475 3.1.1.1] The unknown field with its unusual value, folds, an odd-cased name and the Route pass; leading
// zeros are no octal
TEST(TortureMessage, TortuousInvitePasses) {
  TortureHouse house;
  house.send_file("rfc4475/wsinv.dat");
  EXPECT_THAT(house.heard(elsewhere),
              AllOf(HasSubstr("\r\nUnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"), HasSubstr("\r\nMaX-fOrWaRdS: 67\r\n"),
                    HasSubstr("\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"),
                    HasSubstr("\r\nRoute:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n")));
}

// [RFC4475 3.1.1.2] The unusual user who is not defined: 404, whatever the method
TEST(TortureMessage, UnusualUserMustBeDefined) {
  TortureHouse house;
  house.send(file("rfc4475/intmeth.dat", "sip:1_", "sip:2_"));
  EXPECT_THAT(house.left(), ElementsAre("sender 404"));
}

// [RFC4475 3.1.1.3] An escape is the character it stands for, once only: "%75se%72" is user, "%2575ser" is not
TEST(TortureMessage, EscapesMeanTheirCharacter) {
  TortureHouse house;
  house.send(file("rfc4475/esc01.dat", "sips%3Auser%40example.com@example.net", "%75se%72@example.com"));
  EXPECT_THAT(house.heard(phones), StartsWith("INVITE sip:user@127.0.0.77:5077 SIP/2.0\r\n"));
  (void)house.left();
  house.send_more(house.options("sip:%2575ser@example.com"));
  EXPECT_THAT(house.left(), ElementsAre("sender 404"));
}

// [RFC4475 3.1.1.4] A NUL ends no user: both contacts are kept as they are and rung as they are, and users with fewer
// or more are others
TEST(TortureMessage, NulsEndNoUser) {
  TortureHouse house;
  house.send_file("rfc4475/escnull.dat");
  for (const std::string& answer : {house.answer(), house.fetch("null-%00-null")})
    EXPECT_THAT(answer, AllOf(HasSubstr("\r\nContact: <sip:%00@host5.example.com>;"),
                              HasSubstr("\r\nContact: <sip:%00%00@host5.example.com>;")));
  for (const char* other : {"null-", "null-%00%00-null"})
    EXPECT_THAT(house.fetch(other), Not(HasSubstr("\r\nContact:"))) << other;
  house.send_more(house.options("sip:null-%00-null@example.com"));
  std::vector<std::string> rung;
  for (const std::string& request : house.callee(elsewhere).received())
    rung.emplace_back(parsed(request).request_uri_text());
  EXPECT_THAT(rung, UnorderedElementsAre("sip:%00@host5.example.com", "sip:%00%00@host5.example.com"));
  (void)house.left();
  house.send_more(house.options("sip:null-@example.com"));
  EXPECT_THAT(house.left(), ElementsAre("sender 404"));
}

// [RFC4475 3.1.1.8] The octets behind the body of a datagram are not forwarded with it
TEST(TortureMessage, TrailingOctetsGoNowhere) {
  TortureHouse house;
  house.send(file("rfc4475/dblreq.dat", "sip:example.com", "sip:registrar.example.com"));
  EXPECT_THAT(house.heard(elsewhere), AllOf(StartsWith("REGISTER sip:registrar.example.com SIP/2.0\r\n"),
                                            EndsWith("\r\n\r\n"), Not(HasSubstr("INVITE"))));
}

// [RFC4475 3.1.1.9] Semicolons in the user part belong to the user: another parameter is another user, and none of them
// is "user"
TEST(TortureMessage, SemicolonsBelongToTheUser) {
  TortureHouse house;
  house.send(file("rfc4475/semiuri.dat", "user;par=u%40example.net@", "user;par=u%40example.org@"));
  EXPECT_THAT(house.left(), ElementsAre("sender 404"));
}

// [RFC4475 3.1.1.12, 3.1.1.13] An unusual reason phrase passes as it is, and so does an empty one
TEST(TortureMessage, ReasonPhrasesPass) {
  const std::string unreason = TortureHouse::sip_file("rfc4475/unreason.dat");
  for (const std::string& line : {unreason.substr(0, unreason.find("\r\n")), "SIP/2.0 200 "s}) {
    TortureHouse house;
    house.status_line = line;
    house.send_file("rfc4475/baddate.dat");
    EXPECT_THAT(house.answer(), StartsWith(line + "\r\n"));
  }
}

// [RFC4475 3.1.2.11, RFC3261 16.6] Headers of the Request-URI are neither sent on in it nor made header fields, whoever
// wrote them there: the caller or the callee, in its Contact; the method parameter goes with them
TEST(TortureMessage, HeadersInTheRequestUriGoNowhere) {
  for (const char* foreign : {"sip:user@example.net?Route=%3Csip:example.com%3E",
                              "sip:user@example.net;method=INVITE?Route=%3Csip:example.com%3E"}) {
    TortureHouse house;
    house.send(file("rfc4475/escruri.dat", "sip:user@example.com?Route=%3Csip:example.com%3E", foreign));
    EXPECT_THAT(house.heard(elsewhere),
                AllOf(StartsWith("INVITE sip:user@example.net SIP/2.0\r\n"), Not(HasSubstr("\r\nRoute:"))))
        << foreign;
  }
  TortureHouse house;
  house.add_phone("dave", "sip:dave@127.0.0.77:5077;a=b;method=INVITE;c?Route=%3Csip:sip.example.com%3E");
  house.send(file("rfc4475/escruri.dat", "sip:user@example.com", "sip:dave@example.com"));
  EXPECT_THAT(house.heard(phones),
              AllOf(StartsWith("INVITE sip:dave@127.0.0.77:5077;a=b;c SIP/2.0\r\n"), Not(HasSubstr("\r\nRoute:"))));
}

// [RFC4475 3.2.1] A branch of nothing but the cookie: a repeat is a repeat, another request with it is another
TEST(TortureMessage, BareCookieIdentifiesNothing) {
  TortureHouse house;
  house.send_file("rfc4475/badbranch.dat");
  EXPECT_THAT(house.left(), ElementsAre("127.0.0.77:5077 OPTIONS", "sender 200"));
  house.send_more(file("rfc4475/badbranch.dat"));
  EXPECT_THAT(house.left(), ElementsAre("sender 200"));
  house.send_more(file("rfc4475/badbranch.dat", "Call-ID: badbranch", "Call-ID: another"));
  EXPECT_THAT(house.left(), ElementsAre("127.0.0.77:5077 OPTIONS", "sender 200"));
}

// [RFC4475 3.3.5] 420 with all that a proxy would have to know; the server itself as the target answers for Require
TEST(TortureMessage, UnsupportedIsListed) {
  TortureHouse house;
  house.send_file("rfc4475/bext01.dat");
  EXPECT_THAT(house.answer(), HasSubstr("\r\nUnsupported: noProxiesSupportThis, norDoAnyProxiesSupportThis\r\n"));
  house.send(file("rfc4475/bext01.dat", "sip:user@example.com SIP", "sip:example.com SIP"));
  EXPECT_THAT(house.answer(), AllOf(StartsWith("SIP/2.0 420 "),
                                    HasSubstr("\r\nUnsupported: nothingSupportsThis, nothingSupportsThisEither\r\n")));
}

// [RFC4475 3.3.7] Credentials of an unknown scheme: where a password is asked for, a challenge in a known one; on their
// way to another registrar unmodified
TEST(TortureMessage, UnknownAuthorizationScheme) {
  TortureHouse strict("authenticate = \"all\"\n");
  strict.send_file("rfc4475/regaut01.dat");
  EXPECT_THAT(strict.answer(),
              AllOf(StartsWith("SIP/2.0 401 "), HasSubstr("\r\nWWW-Authenticate: Digest realm=\"example.com\"")));
  TortureHouse open;
  open.send(file("rfc4475/regaut01.dat", "sip:example.com", "sip:registrar.example.com"));
  EXPECT_THAT(open.heard(elsewhere), HasSubstr("\r\nAuthorization: NoOneKnowsThisScheme opaque-data=here\r\n"));
}

// [RFC4475 3.3.10] A proxy without state, which follows Via, sends a response to its caller but not to everybody
TEST(TortureMessage, NothingIsBroadcast) {
  TortureHouse house("authenticate = \"none\"\nmode = \"stateless\"\n");
  house.send(file("rfc4475/lwsdisp.dat", "funky.example.com;", "198.51.100.9;"));
  EXPECT_THAT(house.left(), ElementsAre("127.0.0.77:5077 OPTIONS", "sender 200"));
  const std::string answer = answer_to(house.heard(phones), "200 OK");
  house.callee(phones).send(with(answer, "198.51.100.9", "198.51.100.8"));
  house.world.run_for(milliseconds(50));
  EXPECT_THAT(house.left(), ElementsAre("sender 200")) << "it does follow Via";
  house.callee(phones).send(with(answer, "198.51.100.9", "255.255.255.255"));
  house.world.run_for(milliseconds(50));
  EXPECT_THAT(house.left(), IsEmpty());
}

// [RFC4475 3.3.11] Without hops left the server is still a target itself
TEST(TortureMessage, NoHopsLeftButArrived) {
  TortureHouse house;
  house.send(file("rfc4475/zeromf.dat", "sip:user@example.com SIP", "sip:example.com SIP"));
  EXPECT_THAT(house.answer(), StartsWith("SIP/2.0 200 "));
}

// [RFC4475 3.3.12, 3.3.13] A parameter behind a bare URI is the contact's, in angle brackets the URI's: in the answer
// and whenever asked
TEST(TortureMessage, ContactAndUriParametersStayApart) {
  for (const auto& [name, line] :
       {std::pair{"rfc4475/cparam01.dat",
                  "\r\nContact: <sip:+19725552222@gw1.example.net>;expires=3600;q=1;unknownparam"},
        {"rfc4475/cparam02.dat", "\r\nContact: <sip:+19725552222@gw1.example.net;unknownparam>;expires=3600;q=1"}}) {
    TortureHouse house;
    house.send_file(name);
    for (const std::string& answer : {house.answer(), house.fetch("watson")}) {
      EXPECT_THAT(answer, HasSubstr(line)) << name;
      EXPECT_EQ(answer.find("unknownparam"), answer.rfind("unknownparam")) << name;
    }
  }
}

// [RFC4475 3.3.14] The escaped Route comes back with the contact
TEST(TortureMessage, EscapedHeaderIsKept) {
  TortureHouse house;
  house.send_file("rfc4475/regescrt.dat");
  for (const std::string& answer : {house.answer(), house.fetch("user")})
    EXPECT_THAT(answer, HasSubstr("\r\nContact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>;"));
}

// [RFC4475 3.4.1] What RFC 2543 left out is put in where RFC 3261 wants it, and a repeat without branch and tag is a
// repeat
TEST(TortureMessage, InviteOfRfc2543IsCompleted) {
  TortureHouse house;
  house.send_file("rfc4475/inv2543.dat");
  EXPECT_THAT(house.heard(phones),
              AllOf(HasSubstr("\r\nMax-Forwards: 70\r\n"), HasSubstr("\r\nContent-Length: 105\r\n")));
  (void)house.left();
  house.send_more(file("rfc4475/inv2543.dat"));
  for (const std::string& line : house.left()) EXPECT_THAT(line, StartsWith("sender "));
}

// [RFC5118 4.1, 4.4] A Contact keeps the brackets of its address
TEST(TortureMessage, ContactKeepsItsBrackets) {
  for (const char* name : {"rfc5118/ipv6-good.dat", "rfc5118/port-unambiguous.dat"}) {
    TortureHouse house;
    house.send_file(name);
    for (const std::string& answer : {house.answer(), house.fetch("user")})
      EXPECT_THAT(answer, HasSubstr("\r\nContact: <sip:caller@[2001:db8::1]>;")) << name;
  }
}

// [RFC5118 4.5] "received" is read with brackets and without, and written without: in answers and in what is sent on
TEST(TortureMessage, ReceivedIsWrittenWithoutBrackets) {
  for (const char* name : {"rfc5118/via-received-param-with-delim.dat", "rfc5118/via-received-param-no-delim.dat"}) {
    TortureHouse house;
    house.send_file(name);
    EXPECT_THAT(line_of(house.answer(), "Via"), AllOf(HasSubstr(";received=2001:db8::9:1"), Not(HasSubstr("9:255"))))
        << name;
    house.send(file(name, " sip:[2001:db8::10] ", " sip:user@host.example.net "));
    EXPECT_THAT(lines_of(house.heard(elsewhere), "Via"),
                AllOf(HasSubstr(";received=2001:db8::9:1"), Not(HasSubstr("9:255"))))
        << name;
  }
}

}  // namespace
}  // namespace bellhop::scenario
