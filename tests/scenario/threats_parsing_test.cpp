// threats.md rows 1 to 36: bad messages against a whole server, over UDP and over TCP. After each the server serves on
// and holds nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "phone.hpp"
#include "shard/shard.hpp"
#include "threat.hpp"

namespace bellhop::scenario {
namespace {

using namespace std::string_literals;
using sip::Transport;
using testing::HasSubstr;
using testing::Not;

class Threat : public ThreatOver {
 protected:
  Threat() : ThreatOver(World::open_house()) {}
  void refused(const Draft& draft, const char* what) {
    EXPECT_EQ(stranger.ask(draft), 400) << what;
    EXPECT_EQ(world.gauge("location.bindings"), 0) << what;
    stranger.disconnect();
  }
};
INSTANTIATE_TEST_SUITE_P(Over, Threat, testing::Values(Transport::udp, Transport::tcp), name_of_transport);

// [threats 1] A CSeq method of 1,500 octets without a branch
TEST_P(Threat, OverlongCseqMethod) {
  refused(options().set("CSeq", "1 " + std::string(1500, 'A')).set("Via", "SIP/2.0/UDP 127.0.0.66:5066"),
          "CSeq method");
}

// [threats 2] White space, line ends, NUL, one octet: silence, and a connection that brings such is closed; empty lines
// are a keep-alive
TEST_P(Threat, NoMessageAtAll) {
  for (const std::string& junk : {" "s, "\0"s, "x"s, std::string(500, ' '), std::string(500, '\0'), "\n\n"s}) {
    stranger.send(junk);
    world.run_for(seconds(40));
    EXPECT_EQ(stranger.closed(), stream()) << junk;
    stranger.disconnect();
  }
  for (const char* empty : {"\r\n", "\r\n\r\n\r\n\r\n"}) stranger.send(empty);
  world.run_for(seconds(1));
  EXPECT_FALSE(stranger.closed());
  EXPECT_THAT(stranger.received(), testing::IsEmpty());
}

// [threats 3] Other protocols on the SIP port: silence or a closed connection
TEST_P(Threat, OtherProtocols) {
  for (const std::string& junk :
       {"\x80\x00\x00\x01\x00\x00\x00\xa0\x12\x34\x56\x78payload"s,
        "\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x2f\x01"s, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s,
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n"s, "HEP3\x00\x10\x00\x00\x00\x01\x00\x07\x02\x00"s,
        "MSRP d93kswow SEND\r\nTo-Path: msrp://x\r\n\r\n-------d93kswow$\r\n"s}) {
    stranger.send(junk);
    world.run_for(seconds(40));
    EXPECT_EQ(stranger.closed(), stream()) << junk;
    stranger.disconnect();
  }
  EXPECT_THAT(stranger.received(), testing::IsEmpty());
}

// [threats 3, RFC5626 8] STUN over UDP is a keep-alive: a binding request is answered, whatever else looks like it is
// not
TEST_P(Threat, Stun) {
  const std::string request = "\x00\x01\x00\x00\x21\x12\xa4\x42"s + "twelve-octet";
  std::string indication = request;
  indication[1] = 0x11;
  stranger.send(indication);
  world.run_for(seconds(1));
  EXPECT_THAT(stranger.received(), testing::IsEmpty());
  stranger.send(request);
  world.run_for(seconds(40));
  if (stream()) {
    EXPECT_THAT(stranger.received(), testing::IsEmpty());
    EXPECT_TRUE(stranger.closed());
  } else {
    ASSERT_EQ(stranger.received().size(), 1u);
    EXPECT_THAT(stranger.received().front(), testing::StartsWith("\x01\x01"));
    EXPECT_THAT(stranger.received().front(), HasSubstr("twelve-octet"));
  }
}

// [threats 4] Content-Length that is no length
TEST_P(Threat, ContentLengthOutOfRange) {
  for (const char* value : {"2147483609", "2147483648", "4294967295", "4294967296", "18446744073709551616"}) {
    EXPECT_EQ(stranger.ask(options().set("Content-Length", value)), stream() ? 513 : 400) << value;
    EXPECT_EQ(stranger.closed(), stream()) << value;
    stranger.disconnect();
  }
  for (const char* value : {"-1", "0x10", "+4", ""}) {
    EXPECT_EQ(stranger.ask(options().set("Content-Length", value)), 400) << value;
    EXPECT_EQ(stranger.closed(), stream()) << value;
    stranger.disconnect();
  }
}

// [threats 5] A length that wraps in 32 bits hides no second request
TEST_P(Threat, ContentLengthThatWraps) {
  const std::string inner = reg().text();
  EXPECT_EQ(stranger.ask(options().set("Content-Length", "4294967300").tail("abcd" + inner)), stream() ? 513 : 400);
  EXPECT_EQ(world.gauge("location.bindings"), 0);
  EXPECT_EQ(stranger.received().size(), 1u);
  EXPECT_EQ(stranger.closed(), stream());
}

// [threats 6] Two Content-Length lines, long and compact
TEST_P(Threat, TwoContentLengths) {
  const std::string inner = reg().text();
  for (const char* second : {"Content-Length: 4", "l: 4", "l : 4"}) {
    EXPECT_EQ(stranger.ask(options().add(second).tail("abcd" + inner)), 400);
    EXPECT_EQ(world.gauge("location.bindings"), 0);
    EXPECT_EQ(stranger.closed(), stream());
    stranger.disconnect();
  }
}

// [threats 7, threats 9] A body shorter than announced: 400 in a datagram; a response is dropped; on a stream the
// connection is closed after a while
TEST_P(Threat, BodyShorterThanAnnounced) {
  EXPECT_EQ(stranger.ask(options().set("Content-Length", "100").tail("short")), stream() ? 0 : 400);
  world.run_for(seconds(40));
  EXPECT_EQ(stranger.closed(), stream());
  stranger.disconnect();
  EXPECT_EQ(stranger.ask(options().start("SIP/2.0 200 OK").set("Content-Length", "100").tail("short")), 0);
}

// [threats 8] No Content-Length: fine in a datagram, refused on a stream
TEST_P(Threat, NoContentLength) {
  EXPECT_EQ(stranger.ask(options().drop("Content-Length")), stream() ? 400 : 200);
  EXPECT_EQ(stranger.closed(), stream());
}

// [threats 10] A header block without end: refused in a datagram; on a stream the connection is closed at the limit
TEST_P(Threat, EndlessHeaders) {
  const std::string line = "X-Header-Without-End: " + std::string(80, 'x') + "\r\n";
  std::string text = options().text();
  text.resize(text.size() - 2);
  if (!stream()) {
    for (int i = 0; i < 500; ++i) text += line;
    EXPECT_EQ(stranger.ask(text), 400);
    return;
  }
  stranger.send(text);
  for (int i = 0; i < 5000 && !stranger.closed(); ++i) {
    stranger.send(line);
    world.run_for(milliseconds(1));
  }
  EXPECT_TRUE(stranger.closed());
  EXPECT_LT(stranger.octets_sent(), 100'000u);
}

// [threats 11] A gigabyte announced and a trickle sent: refused at once
TEST_P(Threat, EndlessBody) {
  EXPECT_EQ(stranger.ask(options().set("Content-Length", "1000000000").tail(std::string(1000, 'x'))),
            stream() ? 513 : 400);
  EXPECT_EQ(stranger.closed(), stream());
}

// [threats 12, RT-06] Broken Request-URIs: refused, and nobody is asked for names that cannot be
TEST_P(Threat, BrokenRequestUri) {
  const std::vector<std::string> uris{"sip:",
                                      "sip:@",
                                      "sip:bob@",
                                      "sip:bob@:5060",
                                      "sip:bob@example.test:65536",
                                      "sip:bob@example.test:99999999999",
                                      "sip:bob@[::1",
                                      "sip:bob@::1]",
                                      "sip:bob@[::1]x",
                                      "sip:bob@[zz]",
                                      "sip:bob@.1",
                                      "sip:bob@exa mple.test",
                                      "sip:bob@exa\tmple",
                                      "sip:bob@-example.test",
                                      "sip:bob@example..test",
                                      "sip:bob@example.test:",
                                      "sip:bob@example.test:-1",
                                      "sip:bob@example.test:5060x",
                                      "sip:b\"ob@example.test",
                                      "sip:b<ob@example.test",
                                      "sip:bob%@",
                                      "sip:bob%zz@",
                                      "sip:bob%0@",
                                      "sips:",
                                      "sips:@",
                                      "tel:",
                                      "tel:;",
                                      "tel:+",
                                      "sip:bob@example.test;",
                                      "sip:bob@example.test;=",
                                      "sip:bob@example.test?",
                                      "sip:bob@example.test?=",
                                      "sip:bob@example.test;;",
                                      "sip:bob@example.test;transport=",
                                      "sip:bob@999.999.999.999",
                                      "sip:bob@1.2.3",
                                      ":",
                                      "bob",
                                      "@",
                                      "sip",
                                      "sip:bob@" + std::string(5000, 'h')};
  for (const std::string& uri : uris) {
    EXPECT_EQ(stranger.ask(stranger.draft("INVITE", uri).set("To", "<sip:bob@example.test>")), 400) << uri;
    stranger.disconnect();
  }
  for (const std::string& uri : {"sip:" + std::string(5000, 'u') + "@example.test", "tel:abc"s})
    EXPECT_EQ(stranger.ask(stranger.draft("INVITE", uri).set("To", "<sip:bob@example.test>")), 404) << uri;
}

// [threats 13] An unknown scheme
TEST_P(Threat, UnknownScheme) {
  EXPECT_EQ(
      stranger.ask(
          stranger.draft("INVITE", "nobodyKnowsThisScheme:totallyopaquecontent").set("To", "<sip:bob@example.test>")),
      416);
}

// [threats 14, RT-06] Another protocol version
TEST_P(Threat, OtherVersion) {
  EXPECT_EQ(stranger.ask(options().start("OPTIONS sip:127.0.0.1:5060 SIP/7.0")), 505);
}

// [threats 15] A broken top Via: silence, for where an answer would go is not certain
TEST_P(Threat, BrokenVia) {
  for (const char* via :
       {"", ";;;,,", "SIP/2.0/UDP", "SIP/2.0/UDP 127.0.0.66;branch",
        "SIP/2.0/UDP 127.0.0.66;rport=99999999999;branch=z9hG4bKa", "SIP/2.0/UDP 127.0.0.66:99999;branch=z9hG4bKb",
        "SIP/2.0/ 127.0.0.66;branch=z9hG4bKc", "SIP/2.0/UDP [::1;branch=z9hG4bKd", "garbage"}) {
    EXPECT_EQ(stranger.ask(options().set("Via", via)), 0) << via;
    stranger.disconnect();
  }
}

// [threats 16] Broken To and From
TEST_P(Threat, BrokenToAndFrom) {
  for (const char* name : {"To", "From"})
    for (const char* value : {"\"open <sip:a@example.test>;tag=1", "<sip:a@example.test;tag=1",
                              "<sip:a@example.test>;tag=\"", ";tag=1", "", "<>", "\"", "<sip:>", "a b c"})
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
    const std::string text = options()
                                 .set("From", "<sip:a@example.test>;tag=" + std::string(size, 't'))
                                 .set("Via", fmt::format("SIP/2.0/{} 127.0.0.66:5066;rport;branch=z9hG4bK{}",
                                                         sip::via_name(GetParam()), std::string(size, 'b')))
                                 .text();
    ASSERT_EQ(stranger.ask(text, milliseconds(10)), 200) << size;
    ASSERT_EQ(stranger.ask(text, milliseconds(10)), 200) << size;
  }
}

// [threats 19] White space before the colon is legal, other octets are not; an identity header is known in every
// spelling
TEST_P(Threat, WhiteSpaceBeforeTheColon) {
  EXPECT_EQ(stranger.ask(options().add("Subject : x").add("X-Other\t: y")), 200);
  for (const std::string& line : {"Subject\x01: x"s, "Subj\0ect: x"s, "Sub ject: x"s, "Subject\x7f: x"s, ": x"s})
    refused(options().add(line), line.c_str());
  Phone bob(world, "bob", "127.0.0.3:5060");
  bob.register_contact();
  world.run_for(seconds(1));
  for (const char* line :
       {"P-Asserted-Identity: <sip:boss@example.test>", "P-Asserted-Identity : <sip:boss@example.test>",
        "p-asserted-identity\t: <sip:boss@example.test>", "P-Asserted-Identity:\r\n <sip:boss@example.test>"}) {
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
  EXPECT_EQ(stranger.ask(many), 200);
  std::string values = "text/plain";
  for (int i = 0; i < 3000; ++i) values += ",a/b";
  EXPECT_EQ(stranger.ask(options().set("Accept", values)), 200);
}

/// What the grammar has a server say to an octet in the value of this field. Behind a bare line feed nothing more is
/// read, so that an answer needs what stands before it; without a good Via there is none either.
int answer_to_octet(const std::string& octet, std::string_view name) {
  const bool answered_by = name == "From" || name == "To" || name == "Call-ID" || name == "CSeq";
  if (name == "Via" || (octet == "\n" && answered_by)) return 0;
  return octet.front() < 0 && name != "CSeq" ? 200 : 400;
}

// [threats 22, threats 23] NUL, DEL, bare CR and LF: refused in each field; octets that are no ASCII, UTF-8 or not, are
// opaque but in a URI
TEST_P(Threat, ForbiddenOctetsInFields) {
  for (const std::string& octet : {"\0"s, "\x7f"s, "\r"s, "\n"s, "\xc0\xaf"s, "\xff"s, "\xed\xa0\x80"s})
    for (const std::string name : {"Subject", "Call-ID", "Contact", "User-Agent", "From", "To", "CSeq", "Via"}) {
      std::string value = "a" + octet + "b";
      if (name == "From" || name == "To") value = "\"a" + octet + "b\" <sip:a@example.test>;tag=1";
      if (name == "CSeq") value = "1" + octet + " OPTIONS";
      if (name == "Via") value = "SIP/2.0/UDP 127.0.0.66" + octet + ";branch=z9hG4bK1";
      EXPECT_EQ(stranger.ask(options().set(name, value), milliseconds(50)), answer_to_octet(octet, name)) << name;
      stranger.disconnect();
    }
  EXPECT_EQ(stranger.ask(stranger.draft("OPTIONS", "sip:b\xff\xfe@example.test")), 400);
}

// [threats 22, threats 23] What is opaque is passed on octet for octet
TEST_P(Threat, OpaqueOctetsPass) {
  Phone bob(world, "bob", "127.0.0.3:5060", GetParam());
  bob.register_contact();
  world.run_for(seconds(1));
  for (const std::string& line : {"Subject: a\xc0\xaf\xff\xed\xa0\x80z"s, "X-Other: \"\xff\\\0\\\x7f\""s}) {
    EXPECT_EQ(stranger.ask(stranger.draft("MESSAGE").add(line)), 200);
    EXPECT_THAT(bob.last_request("MESSAGE"), HasSubstr("\r\n" + line + "\r\n"));
  }
  bob.register_contact(0);
  world.run_for(seconds(1));
}

// [threats 24] Thousands of headers, Via, Route, parameters
TEST_P(Threat, ThousandsOfHeaders) {
  const int too_many = stream() ? 513 : 400;
  Draft many = options();
  for (int i = 0; i < (stream() ? 10000 : 3000); ++i) many.add("X: 1");
  EXPECT_EQ(stranger.ask(many), too_many);
  stranger.disconnect();
  Draft vias = options();
  for (int i = 0; i < 500; ++i) vias.add(fmt::format("Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{}", i));
  EXPECT_EQ(stranger.ask(vias), too_many);
  stranger.disconnect();
  Draft routes = stranger.draft();
  for (int i = 0; i < 500; ++i) routes.add("Route: <sip:127.0.0.1;lr>");
  EXPECT_EQ(stranger.ask(routes), too_many);
  stranger.disconnect();
  std::string parameters;
  for (int i = 0; i < 8000; ++i) parameters += ";p" + std::to_string(i);
  EXPECT_EQ(stranger.ask(options().set("To", "<sip:a@example.test>" + parameters)), 200);
}

// [threats 25] A datagram of 65 kB, a header of 60 kB, 15,000 folds
TEST_P(Threat, HugeMessages) {
  EXPECT_EQ(stranger.ask(options().body(std::string(64000, 'x'))), 200);
  EXPECT_EQ(stranger.ask(options().set("Subject", std::string(60000, 's'))), 200);
  std::string folds;
  for (int i = 0; i < 15000; ++i) folds += "\r\n x";
  EXPECT_EQ(stranger.ask(options().set("Subject", folds)), 200);
}

// [threats 26] CSeq numbers beyond 2^31-1 are refused, the edges are not
TEST_P(Threat, CseqOutOfRange) {
  for (const char* number : {"2147483648", "4294967295", "4294967296", "-1", "abc", ""})
    refused(options().set("CSeq", fmt::format("{} OPTIONS", number)), number);
  EXPECT_EQ(stranger.ask(options().set("CSeq", "2147483647 OPTIONS")), 200);
  EXPECT_EQ(stranger.ask(options().set("CSeq", "0 OPTIONS")), 200);
}

// [threats 27] Max-Forwards out of range
TEST_P(Threat, MaxForwardsOutOfRange) {
  for (const char* value : {"256", "4294967296", "-1", "abc"})
    EXPECT_EQ(stranger.ask(options().set("Max-Forwards", value)), 400) << value;
  EXPECT_EQ(stranger.ask(options().set("Max-Forwards", "255")), 200);
}

// [threats 28] No hops left: 483 before authentication
TEST_P(Threat, NoHopsLeft) {
  world.apply(World::default_config());
  EXPECT_EQ(stranger.ask(stranger.draft().set("Max-Forwards", "0")), 483);
}

// [threats 29] A Proxy-Require nobody knows: 420 with Unsupported, before authentication
TEST_P(Threat, UnknownProxyRequire) {
  world.apply(World::default_config());
  EXPECT_EQ(stranger.ask(stranger.draft().set("Proxy-Require", "teleport, 100rel")), 420);
  EXPECT_THAT(stranger.received().back(), HasSubstr("Unsupported: teleport, 100rel"));
}

// [threats 30] Expires that is no time counts as an hour, one without end as the longest there is: never for ever
TEST_P(Threat, ExpiresThatIsNoTime) {
  for (const std::string& value : {"abc"s, "-1"s, "4294967296"s, std::string(100, '9'), ""s}) {
    EXPECT_EQ(stranger.ask(reg().set("Expires", value)), 200) << value;
    EXPECT_THAT(stranger.received().back(), HasSubstr("@127.0.0.66:5066>;expires=3600")) << value;
    stranger.disconnect();
  }
  world.run_for(seconds(3700));
  EXPECT_EQ(world.gauge("location.bindings"), 0);
}

// [threats 31] Commands and queries as names: nobody of that name is here
TEST_P(Threat, CommandsAsNames) {
  for (const char* user :
       {"'%20OR%201=1--", "$(reboot)", "%25n%25n%25s", "*)(uid=*", "%60id%60", "..%2f..%2fetc%2fpasswd"}) {
    EXPECT_EQ(stranger.ask(stranger.draft("INVITE", fmt::format("sip:{}@example.test", user))), 404) << user;
  }
}

// [threats 32] Line ends escaped in a contact stay escaped
TEST_P(Threat, EscapedLineEndsInAContact) {
  EXPECT_EQ(stranger.ask(reg().set("Contact", "<sip:alice%0d%0aX-Evil:%20yes@127.0.0.9:5060>")), 200);
  (void)stranger.ask(stranger.draft("MESSAGE", "sip:alice@example.test"));
  for (const auto& entry : world.shard(0).tap().find({}))
    EXPECT_THAT(std::string(entry.octets), Not(HasSubstr("\r\nX-Evil"))) << entry.octets;
  EXPECT_EQ(stranger.ask(reg().set("Contact", "*").set("Expires", "0")), 200);
}

// [threats 33] A list of contacts beyond the limit is refused whole, and unread when it is longer than a header may be
TEST_P(Threat, TooManyContacts) {
  const auto contacts = [this](int count) {
    std::string list = "<sip:a@127.0.0.9:1000>";
    for (int i = 1; i < count; ++i) list += fmt::format(",<sip:a@127.0.0.9:{}>", 1000 + i);
    return reg().set("Contact", list);
  };
  EXPECT_EQ(stranger.ask(contacts(500)), 503);
  EXPECT_EQ(stranger.ask(contacts(2000)), 503);
  if (stream()) {
    EXPECT_EQ(stranger.ask(contacts(3000)), 513);
  }
  EXPECT_EQ(world.gauge("location.bindings"), 0);
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
  stranger.send(options()
                    .start("SIP/2.0 200 OK")
                    .set("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx")
                    .add("Via: SIP/2.0/UDP 127.0.0.99:5060;branch=z9hG4bKvictim")
                    .text());
  world.run_for(seconds(1));
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("<-"))) << arrow;
}

// [threats 36] A broken Route: 400, and nothing goes to a guessed host
TEST_P(Threat, BrokenRoute) {
  for (const char* route : {"<sip:", "<sip:@>", "garbage", "<sip:[::1;lr>", "<>", "\"open <sip:a@b>"}) {
    EXPECT_EQ(stranger.ask(stranger.draft().set("Route", route)), 400) << route;
    stranger.disconnect();
  }
  for (const std::string& arrow : world.arrows()) EXPECT_THAT(arrow, Not(HasSubstr("<- INVITE"))) << arrow;
}

// [threats 36] A broken Record-Route is no way for us: it passes as it is, and nothing goes there
TEST_P(Threat, BrokenRecordRoute) {
  Phone bob(world, "bob", "127.0.0.3:5060", GetParam());
  bob.register_contact();
  world.run_for(seconds(1));
  for (const char* route : {"<sip:", "garbage", "<sip:[::1;lr>"}) {
    EXPECT_EQ(stranger.ask(stranger.draft("MESSAGE").add(fmt::format("Record-Route: {}", route))), 200) << route;
    EXPECT_THAT(bob.last_request("MESSAGE"), HasSubstr(fmt::format("\r\nRecord-Route: {}\r\n", route)));
  }
  bob.register_contact(0);
  world.run_for(seconds(1));
}

}  // namespace
}  // namespace bellhop::scenario
