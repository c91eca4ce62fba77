// threats.md rows 1 to 36: bad messages against a whole server, over UDP and over TCP. After each the server serves on and holds nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shard/shard.hpp"
#include "phone.hpp"
#include "stranger.hpp"

namespace bellhop::scenario {
namespace {

using namespace std::string_literals;
using sip::Transport;
using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;
using testing::Not;

class Threat : public testing::TestWithParam<Transport> {
 protected:
  Threat() : world({.config = World::open_house()}), stranger(world, GetParam()) {}
  void TearDown() override {
    stranger.disconnect();
    world.run_for(seconds(45));
    EXPECT_EQ(world.transactions(), 0u);
    EXPECT_TRUE(Stranger::server_lives(world));
  }
  [[nodiscard]] bool stream() const { return GetParam() == Transport::tcp; }
  [[nodiscard]] Draft options() { return stranger.draft("OPTIONS", "sip:127.0.0.1:5060"); }
  [[nodiscard]] Draft reg() { return stranger.draft("REGISTER", "sip:example.test").set("To", "<sip:alice@example.test>").set("Expires", "600"); }
  void refused(const Draft& draft, const char* what) {
    const int status = stranger.ask(draft);
    EXPECT_TRUE(status == 400 || status == 0) << what << ": " << status;
    EXPECT_EQ(world.gauge("location.bindings"), 0) << what;
    stranger.disconnect();
  }
  World world;
  Stranger stranger;
};
INSTANTIATE_TEST_SUITE_P(Over, Threat, testing::Values(Transport::udp, Transport::tcp),
                         [](const auto& one) { return std::string(sip::param_name(one.param)); });

// [threats 1] A CSeq method of 1,500 octets without a branch
TEST_P(Threat, OverlongCseqMethod) {
  refused(options().set("CSeq", "1 " + std::string(1500, 'A')).set("Via", "SIP/2.0/UDP 127.0.0.66:5066"), "CSeq method");
}

// [threats 2] White space, line ends, NUL, one octet: silence
TEST_P(Threat, NoMessageAtAll) {
  for (const std::string& junk : {" "s, "\r\n"s, "\0"s, "x"s, std::string(500, ' '), std::string(500, '\0'), "\r\n\r\n\r\n\r\n"s, "\n\n"s}) {
    stranger.send(junk);
    world.run_for(milliseconds(100));
    stranger.disconnect();
  }
  for (const std::string& answer : stranger.received()) EXPECT_EQ(answer.find_first_not_of("\r\n"), std::string::npos) << "only a keep-alive may be answered";
}

// [threats 3] Other protocols on the SIP port: silence or a closed connection
TEST_P(Threat, OtherProtocols) {
  for (const std::string& junk : {"\x80\x00\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78payload"s, "\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x2f\x01"s,
                                  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"s,
                                  "HEP3\x00\x10\x00\x00\x00\x01\x00\x07\x02\x00"s, "MSRP d93kswow SEND\r\nTo-Path: msrp://x\r\n\r\n-------d93kswow$\r\n"s}) {
    stranger.send(junk);
    world.run_for(seconds(1));
    stranger.disconnect();
  }
  for (const std::string& answer : stranger.received()) EXPECT_THAT(answer, HasSubstr("SIP/2.0 400"));
}

// [threats 4] Content-Length that is no length
TEST_P(Threat, ContentLengthOutOfRange) {
  for (const char* value : {"2147483609", "2147483648", "4294967295", "4294967296", "18446744073709551616", "-1", "0x10", "+4", ""}) {
    const int status = stranger.ask(options().set("Content-Length", value));
    EXPECT_THAT(status, AnyOf(0, 400, 413, 513)) << value;
    EXPECT_EQ(stranger.closed(), stream()) << value;
    stranger.disconnect();
  }
}

// [threats 5] A length that wraps in 32 bits hides no second request
TEST_P(Threat, ContentLengthThatWraps) {
  const std::string inner = reg().text();
  (void)stranger.ask(options().set("Content-Length", "4294967300").tail("abcd" + inner));
  EXPECT_EQ(world.gauge("location.bindings"), 0);
  EXPECT_LE(stranger.received().size(), 1u);
}

// [threats 6] Two Content-Length lines, long and compact
TEST_P(Threat, TwoContentLengths) {
  const std::string inner = reg().text();
  for (const char* second : {"Content-Length: 4", "l: 4", "l : 4"}) {
    EXPECT_THAT(stranger.ask(options().add(second).tail("abcd" + inner)), AnyOf(0, 400));
    EXPECT_EQ(world.gauge("location.bindings"), 0);
    EXPECT_EQ(stranger.closed(), stream());
    stranger.disconnect();
  }
}

// [threats 7, threats 9] A body shorter than announced: 400 in a datagram; on a stream the connection is closed after a while
TEST_P(Threat, BodyShorterThanAnnounced) {
  const int status = stranger.ask(options().set("Content-Length", "100").tail("short"));
  EXPECT_THAT(status, AnyOf(0, 400));
  if (!stream()) return;
  world.run_for(seconds(40));
  EXPECT_TRUE(stranger.closed());
}

// [threats 8] No Content-Length: fine in a datagram, refused on a stream
TEST_P(Threat, NoContentLength) {
  const int status = stranger.ask(options().drop("Content-Length"));
  if (stream()) {
    EXPECT_THAT(status, AnyOf(0, 400));
    EXPECT_TRUE(stranger.closed());
  } else {
    EXPECT_EQ(status, 200);
  }
}

// [threats 10, threats 11] Header blocks and bodies without end
TEST_P(Threat, EndlessMessage) {
  if (!stream()) GTEST_SKIP() << "a datagram ends";
  stranger.send("OPTIONS sip:127.0.0.1 SIP/2.0\r\n");
  for (int i = 0; i < 5000 && !stranger.closed(); ++i) {
    stranger.send("X-Header-Without-End: " + std::string(80, 'x') + "\r\n");
    world.run_for(milliseconds(1));
  }
  EXPECT_TRUE(stranger.closed());
  stranger.disconnect();
  (void)stranger.ask(options().set("Content-Length", "1000000000").tail(std::string(1000, 'x')));
  EXPECT_TRUE(stranger.closed());
}

// [threats 12, RT-06] Broken Request-URIs: refused, and nobody is asked for names that cannot be
TEST_P(Threat, BrokenRequestUri) {
  const std::vector<std::string> uris{"sip:", "sip:@", "sip:bob@", "sip:bob@:5060", "sip:bob@example.test:65536", "sip:bob@example.test:99999999999",
                                      "sip:bob@[::1", "sip:bob@::1]", "sip:bob@[::1]x", "sip:bob@[zz]", "sip:bob@.1", "sip:bob@exa mple.test", "sip:bob@exa\tmple",
                                      "sip:bob@-example.test", "sip:bob@example..test", "sip:bob@example.test:", "sip:bob@example.test:-1", "sip:bob@example.test:5060x",
                                      "sip:b\"ob@example.test", "sip:b<ob@example.test", "sip:bob%@", "sip:bob%zz@", "sip:bob%0@", "sips:", "sips:@", "tel:", "tel:;",
                                      "tel:+", "tel:abc", "sip:bob@example.test;", "sip:bob@example.test;=", "sip:bob@example.test?", "sip:bob@example.test?=",
                                      "sip:bob@example.test;;", "sip:bob@example.test;transport=", "sip:bob@999.999.999.999", "sip:bob@1.2.3", ":", "bob", "@", "sip",
                                      "sip:" + std::string(5000, 'u') + "@example.test", "sip:bob@" + std::string(5000, 'h')};
  for (const std::string& uri : uris) {
    const int status = stranger.ask(stranger.draft("INVITE", uri).set("To", "<sip:bob@example.test>"));
    EXPECT_THAT(status, AnyOf(0, 400, 401, 403, 404, 414, 416, 480, 484)) << uri;
    stranger.disconnect();
    if (status == 0) stranger.forget();
  }
}

// [threats 13] An unknown scheme
TEST_P(Threat, UnknownScheme) { EXPECT_EQ(stranger.ask(stranger.draft("INVITE", "nobodyKnowsThisScheme:totallyopaquecontent").set("To", "<sip:bob@example.test>")), 416); }

// [threats 14, RT-06] Another protocol version
TEST_P(Threat, OtherVersion) { EXPECT_EQ(stranger.ask(options().start("OPTIONS sip:127.0.0.1:5060 SIP/7.0")), 505); }

// [threats 15] A broken top Via
TEST_P(Threat, BrokenVia) {
  for (const char* via : {"", ";;;,,", "SIP/2.0/UDP", "SIP/2.0/UDP 127.0.0.66;branch", "SIP/2.0/UDP 127.0.0.66;rport=99999999999;branch=z9hG4bKa",
                          "SIP/2.0/UDP 127.0.0.66:99999;branch=z9hG4bKb", "SIP/2.0/ 127.0.0.66;branch=z9hG4bKc", "SIP/2.0/UDP [::1;branch=z9hG4bKd", "garbage"})
    (void)stranger.ask(options().set("Via", via)), stranger.disconnect();
  for (const std::string& answer : stranger.received()) EXPECT_THAT(answer, AnyOf(HasSubstr("SIP/2.0 400"), HasSubstr("SIP/2.0 200")));
}

// [threats 16] Broken To and From
TEST_P(Threat, BrokenToAndFrom) {
  for (const char* name : {"To", "From"})
    for (const char* value : {"\"open <sip:a@example.test>;tag=1", "<sip:a@example.test;tag=1", "<sip:a@example.test>;tag=\"", ";tag=1", "", "<>", "\"", "<sip:>", "a b c"})
      refused(options().set(name, value), value);
}

// [threats 17] Two To lines, the second with an empty tag; duplicated single headers with huge tags
TEST_P(Threat, DoubledHeaders) {
  refused(options().add("To: <sip:bob@example.test>;tag="), "empty tag");
  refused(options().add("To: <sip:bob@example.test>;tag=" + std::string(4000, 't')), "To");
  refused(options().add("f: <sip:bob@example.test>;tag=" + std::string(4000, 't')), "From");
  refused(options().add("Call-ID: another"), "Call-ID");
  refused(options().add("CSeq: 2 OPTIONS"), "CSeq");
}

// [threats 18] Tags and branches of every length, each sent twice
TEST_P(Threat, TagsAndBranchesOfEveryLength) {
  for (std::size_t size = 200; size <= 1025; size += 5) {
    const std::string text = options().set("From", "<sip:a@example.test>;tag=" + std::string(size, 't'))
                                 .set("Via", fmt::format("SIP/2.0/{} 127.0.0.66:5066;rport;branch=z9hG4bK{}", sip::via_name(GetParam()), std::string(size, 'b')))
                                 .text();
    ASSERT_EQ(stranger.ask(text, milliseconds(10)), 200) << size;
    ASSERT_EQ(stranger.ask(text, milliseconds(10)), 200) << size;
  }
}

// [threats 19] White space before the colon is legal, other octets are not; an identity header is known in every spelling
TEST_P(Threat, WhiteSpaceBeforeTheColon) {
  EXPECT_EQ(stranger.ask(options().add("Subject : x").add("X-Other\t: y")), 200);
  for (const std::string& line : {"Subject\x01: x"s, "Subj\0ect: x"s, "Sub ject: x"s, "Subject\x7f: x"s, ": x"s}) refused(options().add(line), line.c_str());
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  for (const char* line : {"P-Asserted-Identity: <sip:boss@example.test>", "P-Asserted-Identity : <sip:boss@example.test>", "p-asserted-identity\t: <sip:boss@example.test>",
                           "P-Asserted-Identity:\r\n <sip:boss@example.test>"}) {
    EXPECT_EQ(stranger.ask(stranger.draft("MESSAGE").add(line)), 200);
    EXPECT_THAT(bob.last_request("MESSAGE"), Not(HasSubstr("boss"))) << line;
  }
  bob.register_contact(0);
  world.run_for(seconds(1));
}

// [threats 21] 60 Accept headers, 3,000 Accept values
TEST_P(Threat, ManyAcceptValues) {
  Draft many = options();
  for (int i = 0; i < 60; ++i) many.add(fmt::format("Accept: application/{}", std::string(80, 'a')));
  EXPECT_THAT(stranger.ask(many), AnyOf(200, 400, 513));
  std::string values = "text/plain";
  for (int i = 0; i < 3000; ++i) values += ",a/b";
  EXPECT_THAT(stranger.ask(options().set("Accept", values)), AnyOf(200, 400, 513));
}

// [threats 22, threats 23] NUL, DEL, bare CR and LF, 8-bit octets, bad UTF-8 in each field
TEST_P(Threat, ForbiddenOctetsInFields) {
  for (const std::string& octet : {"\0"s, "\x7f"s, "\r"s, "\n"s, "\xc0\xaf"s, "\xff"s, "\xed\xa0\x80"s})
    for (const char* name : {"Subject", "Call-ID", "Contact", "User-Agent", "From", "To", "CSeq", "Via"}) {
      Draft draft = options();
      const std::string good = std::string(name) == "From" || std::string(name) == "To" ? "\"a" + octet + "b\" <sip:a@example.test>;tag=1" : "a" + octet + "b";
      draft.set(name, std::string(name) == "CSeq" ? "1" + octet + " OPTIONS" : std::string(name) == "Via" ? "SIP/2.0/UDP 127.0.0.66" + octet + ";branch=z9hG4bK1" : good);
      EXPECT_THAT(stranger.ask(draft, milliseconds(50)), AnyOf(0, 200, 400)) << name;
      stranger.disconnect();
    }
  EXPECT_THAT(stranger.ask(stranger.draft("OPTIONS", "sip:b\xff\xfe@example.test")), AnyOf(400, 404, 0));
}

// [threats 24] Thousands of headers, Via, Route, parameters
TEST_P(Threat, ThousandsOfHeaders) {
  const std::size_t headers = stream() ? 10000 : 3000;
  Draft many = options();
  for (std::size_t i = 0; i < headers; ++i) many.add("X: 1");
  EXPECT_THAT(stranger.ask(many), AnyOf(0, 400, 513));
  stranger.disconnect();
  Draft vias = options();
  for (int i = 0; i < 500; ++i) vias.add(fmt::format("Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{}", i));
  EXPECT_THAT(stranger.ask(vias), AnyOf(0, 200, 400, 483, 513));
  stranger.disconnect();
  Draft routes = stranger.draft();
  for (int i = 0; i < 500; ++i) routes.add("Route: <sip:127.0.0.1;lr>");
  EXPECT_THAT(stranger.ask(routes), AnyOf(0, 400, 403, 404, 480, 483, 513));
  stranger.disconnect();
  std::string parameters;
  for (int i = 0; i < 8000; ++i) parameters += ";p" + std::to_string(i);
  EXPECT_THAT(stranger.ask(options().set("To", "<sip:a@example.test>" + parameters)), AnyOf(0, 200, 400, 513));
}

// [threats 25] A datagram of 65 kB, a header of 60 kB, 15,000 folds
TEST_P(Threat, HugeMessages) {
  EXPECT_THAT(stranger.ask(options().body(std::string(64000, 'x'))), AnyOf(0, 200, 400, 513));
  stranger.disconnect();
  EXPECT_THAT(stranger.ask(options().set("Subject", std::string(60000, 's'))), AnyOf(0, 200, 400, 513));
  stranger.disconnect();
  std::string folds;
  for (int i = 0; i < 15000; ++i) folds += "\r\n x";
  EXPECT_THAT(stranger.ask(options().set("Subject", folds)), AnyOf(0, 200, 400, 513));
}

// [threats 26] CSeq numbers beyond 2^31-1 are refused, the edges are not
TEST_P(Threat, CseqOutOfRange) {
  for (const char* number : {"2147483648", "4294967295", "4294967296", "-1", "abc", ""}) refused(options().set("CSeq", fmt::format("{} OPTIONS", number)), number);
  EXPECT_EQ(stranger.ask(options().set("CSeq", "2147483647 OPTIONS")), 200);
  EXPECT_EQ(stranger.ask(options().set("CSeq", "0 OPTIONS")), 200);
}

// [threats 27] Max-Forwards out of range
TEST_P(Threat, MaxForwardsOutOfRange) {
  for (const char* value : {"256", "4294967296", "-1", "abc"}) EXPECT_THAT(stranger.ask(options().set("Max-Forwards", value)), AnyOf(200, 400)) << value;
  EXPECT_EQ(stranger.ask(options().set("Max-Forwards", "255")), 200);
}

// [threats 28] No hops left: 483 before anything else
TEST_P(Threat, NoHopsLeft) { EXPECT_EQ(stranger.ask(stranger.draft().set("Max-Forwards", "0")), 483); }

// [threats 29] A Proxy-Require nobody knows: 420 with Unsupported, before authentication
TEST_P(Threat, UnknownProxyRequire) {
  world.apply(World::default_config());
  EXPECT_EQ(stranger.ask(stranger.draft().set("Proxy-Require", "teleport, 100rel")), 420);
  EXPECT_THAT(stranger.received().back(), HasSubstr("Unsupported: teleport, 100rel"));
}

// [threats 30] Expires that is no time: never for ever
TEST_P(Threat, ExpiresThatIsNoTime) {
  for (const std::string& value : {"abc"s, "-1"s, "4294967296"s, std::string(100, '9'), ""s}) {
    const int status = stranger.ask(reg().set("Expires", value));
    EXPECT_THAT(status, AnyOf(200, 400)) << value;
    stranger.disconnect();
  }
  world.run_for(seconds(3700));
  EXPECT_EQ(world.gauge("location.bindings"), 0);
}

// [threats 31] Commands and queries as names: nobody of that name is here
TEST_P(Threat, CommandsAsNames) {
  for (const char* user : {"'%20OR%201=1--", "$(reboot)", "%25n%25n%25s", "*)(uid=*", "%60id%60", "..%2f..%2fetc%2fpasswd"}) {
    const int status = stranger.ask(stranger.draft("INVITE", fmt::format("sip:{}@example.test", user)));
    EXPECT_THAT(status, AnyOf(400, 403, 404)) << user;
  }
}

// [threats 32] Line ends escaped in a contact stay escaped
TEST_P(Threat, EscapedLineEndsInAContact) {
  EXPECT_EQ(stranger.ask(reg().set("Contact", "<sip:alice%0d%0aX-Evil:%20yes@127.0.0.9:5060>")), 200);
  (void)stranger.ask(stranger.draft("MESSAGE", "sip:alice@example.test"));
  for (const auto& entry : world.shard(0).tap().find({})) EXPECT_THAT(std::string(entry.octets), Not(HasSubstr("\r\nX-Evil"))) << entry.octets;
  EXPECT_EQ(stranger.ask(reg().set("Contact", "*").set("Expires", "0")), 200);
}

// [threats 33] A list of contacts beyond the limit is refused whole
TEST_P(Threat, TooManyContacts) {
  for (const int count : {500, 3000}) {
    std::string list;
    for (int i = 0; i < count; ++i) list += fmt::format("{}<sip:a@127.0.0.9:{}>", i == 0 ? "" : ",", 1000 + i);
    const int status = stranger.ask(reg().set("Contact", list));
    EXPECT_THAT(status, testing::AllOf(testing::Ne(200), testing::Ne(500))) << count;
    EXPECT_EQ(world.gauge("location.bindings"), 0);
    stranger.disconnect();
  }
}

// [threats 34, RFC6026 7.3] Responses nobody waits for, and status codes that are none
TEST_P(Threat, StrayResponses) {
  for (const char* status : {"100", "183", "200", "503", "0", "99", "2OO", "99999999999", "700"}) {
    stranger.send(options().start(fmt::format("SIP/2.0 {} Stray", status)).text());
    world.run_for(milliseconds(100));
  }
  EXPECT_TRUE(stranger.received().empty());
}

// [threats 35] A stray response is not reflected at the victim its second Via names
TEST_P(Threat, StrayResponseIsNotReflected) {
  stranger.send(options().start("SIP/2.0 200 OK").set("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx").add("Via: SIP/2.0/UDP 127.0.0.99:5060;branch=z9hG4bKvictim").text());
  world.run_for(seconds(1));
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("<-"))) << arrow;
}

// [threats 36] A broken Route: 400, and nothing goes to a guessed host
TEST_P(Threat, BrokenRoute) {
  for (const char* route : {"<sip:", "<sip:@>", "garbage", "<sip:[::1;lr>", "<>", "\"open <sip:a@b>"}) {
    EXPECT_THAT(stranger.ask(stranger.draft().set("Route", route)), AnyOf(0, 400)) << route;
    stranger.disconnect();
  }
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("<- INVITE"))) << arrow;
}

}  // namespace
}  // namespace bellhop::scenario
