#include "sip/uri.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "sip/escape.hpp"

namespace bellhop::sip {
namespace {

Uri uri(std::string_view text) {
  const auto parsed = parse_uri(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : text_of(parsed.error()));
  return parsed ? *parsed : Uri{};
}

testing::Matcher<const Result<Uri, UriError>&> refused_as(UriError error) {
  return testing::ResultOf([](const Result<Uri, UriError>& r) { return r ? std::nullopt : std::optional(r.error()); },
                           testing::Optional(error));
}

// [RFC3261 19.1.1] sip:user:password@host:port;uri-parameters?headers
TEST(Uri, HasAllItsParts) {
  const Uri u = uri("sip:alice:secretword@atlanta.com:5061;transport=tcp;lr?subject=project%20x&priority=urgent");
  EXPECT_EQ(u.scheme, Scheme::sip);
  EXPECT_EQ(u.user, "alice");
  EXPECT_EQ(u.password, "secretword");
  EXPECT_TRUE(u.has_user);
  EXPECT_TRUE(u.has_password);
  EXPECT_EQ(u.host, "atlanta.com");
  EXPECT_EQ(u.port, 5061);
  EXPECT_TRUE(u.has_port);
  EXPECT_EQ(u.parameters, "transport=tcp;lr");
  EXPECT_EQ(u.headers, "subject=project%20x&priority=urgent");
}

// [RFC3261 19.1.3] the examples of SIP and SIPS URIs
TEST(Uri, AcceptsTheExamplesOfTheStandard) {
  for (const char* text :
       {"sip:alice@atlanta.com", "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com", "sip:alice@192.0.2.4", "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com"})
    EXPECT_TRUE(parse_uri(text)) << text;
}

// [RFC3261 25.1] telephone-subscriber and every user-unreserved character may stand in the user part
TEST(Uri, TakesEveryUserCharacter) {
  EXPECT_EQ(
      uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@e.com").user,
      "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(uri("sip:user;par=u%40example.net@example.com").user, "user;par=u%40example.net");
  EXPECT_EQ(uri("sip:10.0.0.1,@10.0.0.2").user, "10.0.0.1,");
}

// [RFC3261 25.1] the scheme ignores case
TEST(Uri, SchemeIgnoresCase) {
  EXPECT_EQ(uri("SIP:a@b").scheme, Scheme::sip);
  EXPECT_EQ(uri("sIpS:a@b").scheme, Scheme::sips);
  EXPECT_EQ(uri("TEL:+1").scheme, Scheme::tel);
}

// [RFC4475 3.3.2] an unknown scheme is a well-formed URI
TEST(Uri, UnknownSchemesAreOpaque) {
  for (const char* text :
       {"nobodyKnowsThisScheme:totallyopaquecontent", "soap.beep://192.0.2.103:3002", "isbn:2983792873",
        "http://www.example.com", "name:John_Smith", "urn:service:sos", "im:a@b.example"}) {
    EXPECT_EQ(uri(text).scheme, Scheme::other) << text;
    EXPECT_EQ(uri(text).text, text);
  }
}

// [RFC5954 4.1] IPv6 references in brackets, with a port outside
TEST(Uri, TakesIpv6References) {
  EXPECT_EQ(uri("sip:[2001:db8::10]").host, "[2001:db8::10]");
  EXPECT_EQ(uri("sip:[2001:db8::10]:5070").port, 5070);
  EXPECT_EQ(uri("sip:[2001:db8::10:5070]").port, 0);
  EXPECT_EQ(uri("sip:user@[::ffff:192.0.2.10]:19823;lr").host, "[::ffff:192.0.2.10]");
}

// [threats 12] junk in the Request-URI is refused, and says where
TEST(Uri, RefusesJunk) {
  const std::vector<std::pair<std::string, UriError>> junk{
      {"", UriError::empty},
      {"sip", UriError::no_scheme},
      {"alice@atlanta.com", UriError::no_scheme},
      {"<sip:user@example.com>", UriError::no_scheme},
      {":user@example.com", UriError::bad_scheme},
      {"1sip:user@example.com", UriError::bad_scheme},
      {"http:", UriError::bad_scheme},
      {"http://a b", UriError::bad_scheme},
      {"urn:%zz", UriError::bad_scheme},
      {"sip:", UriError::no_host},
      {"sip:@", UriError::bad_user},
      {"sip:@example.com", UriError::bad_user},
      {"sip::pw@example.com", UriError::bad_user},
      {"sip:a b@example.com", UriError::bad_user},
      {"sip:a\"b@example.com", UriError::bad_user},
      {"sip:a%@example.com", UriError::bad_user},
      {"sip:a%4@example.com", UriError::bad_user},
      {"sip:a%4g@example.com", UriError::bad_user},
      {"sip:[a]@example.com", UriError::bad_user},
      {std::string("sip:a\0b@example.com", 19), UriError::bad_user},
      {"sip:a:p;w@example.com", UriError::bad_password},
      {"sip:a:b:c@example.com", UriError::bad_password},
      {"sip:alice@", UriError::no_host},
      {"sip:alice@:5060", UriError::no_host},
      {"sip:alice@;lr", UriError::no_host},
      {"sip:alice@.1", UriError::bad_host},
      {"sip:alice@b@c", UriError::bad_host},
      {"sip:alice@-b.com", UriError::bad_host},
      {"sip:alice@b-.com", UriError::bad_host},
      {"sip:alice@b..com", UriError::bad_host},
      {"sip:alice@.b.com", UriError::bad_host},
      {"sip:alice@b.com..", UriError::bad_host},
      {"sip:alice@b.123", UriError::bad_host},
      {"sip:alice@5060", UriError::bad_host},
      {"sip:alice@1.2.3", UriError::bad_host},
      {"sip:alice@1.2.3.4.", UriError::bad_host},
      {"sip:alice@1.2.3.4.5", UriError::bad_host},
      {"sip:alice@192.0.02.1", UriError::bad_host},
      {"sip:bob@444.555.666.777", UriError::bad_host},
      {"sip:alice@exa mple.com", UriError::bad_host},
      {"sip:alice@exa%6dple.com", UriError::bad_host},
      {"sip:alice@ex\xc3\xa4mple.com", UriError::bad_host},
      {"sip:alice@[2001:db8::10", UriError::bad_host},
      {"sip:alice@[]", UriError::bad_host},
      {"sip:alice@[1.2.3]", UriError::bad_host},
      {"sip:alice@[fe80::1%25eth0]", UriError::bad_host},
      {"sip:2001:db8::10", UriError::bad_host},
      {"sip:alice@b.com:", UriError::bad_port},
      {"sip:alice@b.com:65536", UriError::bad_port},
      {"sip:alice@b.com:-1", UriError::bad_port},
      {"sip:alice@b.com:5060x", UriError::bad_port},
      {"sip:alice@b.com:99999999999999999999999", UriError::bad_port},
      {"sip:alice@b.com;", UriError::bad_parameter},
      {"sip:alice@b.com;;lr", UriError::bad_parameter},
      {"sip:alice@b.com; lr", UriError::bad_parameter},
      {"sip:alice@b.com;=x", UriError::bad_parameter},
      {"sip:alice@b.com;a=", UriError::bad_parameter},
      {"sip:alice@b.com;a=b=c", UriError::bad_parameter},
      {"sip:alice@b.com;a=\"b\"", UriError::bad_parameter},
      {"sip:alice@b.com;a%", UriError::bad_parameter},
      {"sip:alice@b.com?", UriError::bad_header},
      {"sip:alice@b.com?a", UriError::bad_header},
      {"sip:alice@b.com?=b", UriError::bad_header},
      {"sip:alice@b.com?a=b&", UriError::bad_header},
      {"sip:alice@b.com?Route=<sip:x>", UriError::bad_header},
      {"sip:alice@b.com?a=b=c", UriError::bad_header},
      {"sip:alice@b.com\r\nX: y", UriError::bad_host},
  };
  for (const auto& [text, error] : junk) EXPECT_THAT(parse_uri(text), refused_as(error)) << text;
}

// [threats 23] octets that are no ASCII, valid UTF-8 or not, are refused in a URI
TEST(Uri, RefusesEightBitOctets) {
  EXPECT_THAT(parse_uri("sip:\xd1\x8f@example.com"), refused_as(UriError::bad_user));
  EXPECT_THAT(parse_uri("sip:\xc0\xaf@example.com"), refused_as(UriError::bad_user));
  EXPECT_THAT(parse_uri("sip:a@example.com;p=\xff"), refused_as(UriError::bad_parameter));
}

// [threats 12] a 5 kB user is a user; a URI beyond the limit is not looked at (414)
TEST(Uri, IsBoundedInLength) {
  EXPECT_EQ(uri("sip:" + std::string(5000, 'a') + "@example.com").user.size(), 5000U);
  EXPECT_THAT(parse_uri("sip:" + std::string(longest_uri, 'a') + "@example.com"), refused_as(UriError::too_long));
}

// [RFC3966 3] global and local telephone numbers
TEST(TelUri, HasNumberAndParameters) {
  const Uri u = uri("tel:+1-(212)-555.1212;ext=12;phone-context=+44");
  EXPECT_EQ(u.scheme, Scheme::tel);
  EXPECT_EQ(u.user, "+1-(212)-555.1212");
  EXPECT_EQ(u.host, "");
  EXPECT_EQ(u.parameter("ext")->value, "12");
  EXPECT_EQ(uri("tel:*31#7042;phone-context=example.com").user, "*31#7042");
  EXPECT_EQ(uri("tel:112").user, "112");
}

// [RFC3966 3] a global number has decimal digits only, and a number has a digit
TEST(TelUri, RefusesWhatIsNoNumber) {
  for (const char* text :
       {"tel:", "tel:+", "tel:-.", "tel:+12a", "tel:+1*2", "tel:alice", "tel:1 2", "tel:12@example.com"})
    EXPECT_THAT(parse_uri(text), refused_as(UriError::bad_number)) << text;
  EXPECT_THAT(parse_uri("tel:112;"), refused_as(UriError::bad_parameter));
}

// [RFC3261 25.1] host = hostname / IPv4address / IPv6reference
TEST(Host, LengthStopsAtTheFirstForeignCharacter) {
  EXPECT_EQ(host_length("example.com:5060"), 11U);
  EXPECT_EQ(host_length("example.com.;lr"), 12U);
  EXPECT_EQ(host_length("192.0.2.1 ;"), 9U);
  EXPECT_EQ(host_length("[::1]:5060"), 5U);
  EXPECT_EQ(host_length("x"), 1U);
  EXPECT_EQ(host_length("a1.b-2"), 6U);
  EXPECT_EQ(host_length("3f2a9c1d"), 8U) << "a container's host name";
  EXPECT_EQ(host_length(""), 0U);
  EXPECT_EQ(host_length("."), 0U);
  EXPECT_EQ(host_length(":"), 0U);
}

// [CGP-18] the suffixes that force a transport, and [CGP-19] ._via, are part of a host name here
TEST(Host, MayHaveAnUnderscore) {
  EXPECT_EQ(uri("sip:u@127.0.0.9._tcp").host, "127.0.0.9._tcp");
  EXPECT_EQ(uri("sip:u@host.example._via").host, "host.example._via");
}

// [threats 12] names that DNS cannot hold never reach a resolver
TEST(Host, IsBoundedLikeADnsName) {
  const std::string label(63, 'a');
  EXPECT_EQ(host_length(label), 63U);
  EXPECT_EQ(host_length(label + "a"), 0U);
  EXPECT_NE(host_length(label + "." + label + "." + label), 0U);
  EXPECT_EQ(host_length(label + "." + label + "." + label + "." + label + ".aa"), 0U);
}

// [RFC5954 4.1] IPv6address of RFC 3986
TEST(Host, TakesEveryFormOfAnIpv6Address) {
  for (const std::string text :
       {"::", "::1", "1::", "2001:db8::9:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
        "::ffff:192.0.2.128", "::FFFF:c000:280", "1:2:3:4:5:6:1.2.3.4", "1::5:1.2.3.4", "::1.2.3.4"})
    EXPECT_EQ(host_length("[" + text + "]"), text.size() + 2) << text;
  for (const std::string text : {":",
                                 "1",
                                 "1:",
                                 ":1",
                                 "1:2:3:4:5:6:7",
                                 "1:2:3:4:5:6:7:8:9",
                                 "1::2::3",
                                 "12345::",
                                 "g::",
                                 "1:2:3:4:5:6:7:8::",
                                 ":::",
                                 ":::1",
                                 "1:::2",
                                 "1:2:3:4:5:6:7:1.2.3.4",
                                 "::1.2.3",
                                 "::1.2.3.256",
                                 "1.2.3.4::",
                                 "::1.2.3.4:5",
                                 "::1%eth0",
                                 " ::1"})
    EXPECT_EQ(host_length("[" + text + "]"), 0U) << text;
}

// [RFC5118 4.10] the extra colon of the faulty grammar is tolerated and reads as the address without it
TEST(Host, ToleratesThreeColonsBeforeAnIpv4Address) {
  EXPECT_EQ(uri("sip:user@[2001:db8:::192.0.2.1]").host, "[2001:db8:::192.0.2.1]");
  EXPECT_EQ(host_address("[2001:db8:::192.0.2.1]"), IpAddress::parse("2001:db8::192.0.2.1"));
  EXPECT_EQ(host_address("[2001:db8::1]"), IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(host_address("192.0.2.1"), IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(host_address("example.com"), std::nullopt);
  EXPECT_EQ(host_address(":::"), std::nullopt);
}

std::vector<std::string> written(const ParameterList& list) {
  std::vector<std::string> out;
  for (const Parameter& p : list)
    out.push_back(std::string(p.name) + (p.has_value ? "=" + std::string(p.value) : std::string()));
  return out;
}

// [RFC3261 25.1] generic-param with SWS around ";" and "=", quoted strings opaque
TEST(ParameterList, WalksNamesAndValues) {
  using testing::ElementsAre;
  EXPECT_THAT(written(ParameterList("transport=tcp;lr")), ElementsAre("transport=tcp", "lr"));
  EXPECT_THAT(written(ParameterList(";a=1;b")), ElementsAre("a=1", "b"));
  EXPECT_THAT(written(ParameterList(" a = 1\r\n ; b ;c=\"x;y=\\\"z\" ; d")),
              ElementsAre("a=1", "b", "c=\"x;y=\\\"z\"", "d"));
  EXPECT_THAT(written(ParameterList("")), ElementsAre());
  EXPECT_THAT(written(ParameterList("a b;c")), ElementsAre("a"));
}

// [RFC3261 7.3.1] parameter names ignore case
TEST(ParameterList, FindsWithoutCase) {
  const ParameterList list("Expires=60;q=0.5");
  EXPECT_EQ(list.find("expires")->value, "60");
  EXPECT_EQ(list.find("Q")->value, "0.5");
  EXPECT_FALSE(list.find("expire"));
}

// [RFC4475 3.1.1.3] an escaped name of a URI parameter is that parameter; "%" in a header parameter is only a percent
// sign
TEST(ParameterList, DecodesNamesInUrisOnly) {
  const Uri u = uri("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
  EXPECT_TRUE(u.parameter("lr"));
  EXPECT_EQ(unescape(u.parameter("name")->value), "value%41");
  EXPECT_FALSE(ParameterList("%6C%72").find("lr"));
}

bool same(std::string_view a, std::string_view b) {
  const Uri first = uri(a);
  const Uri second = uri(b);
  EXPECT_EQ(equivalent(first, second), equivalent(second, first)) << a << " and " << b;
  return equivalent(first, second);
}

// [RFC3261 19.1.4] whatever is odd about a URI, it is the same as itself: a phone that refreshes finds its binding
TEST(UriComparison, HoldsEveryUriEqualToItself) {
  EXPECT_TRUE(same("sip:alice@atlanta.com;ttl=1;ttl=2", "sip:alice@atlanta.com;ttl=1;ttl=2"));
  EXPECT_TRUE(same("tel:+12125551212;ext=1;ext=2", "tel:+12125551212;ext=1;ext=2"));
}

// [RFC3261 19.1.4] the URIs within each of these sets are equivalent
TEST(UriComparison, HoldsTheEquivalentExamplesEqual) {
  EXPECT_TRUE(same("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
  EXPECT_TRUE(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
  EXPECT_TRUE(same("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"));
  EXPECT_TRUE(same("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"));
  EXPECT_TRUE(same("sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                   "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"));
  EXPECT_TRUE(same("sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                   "sip:alice@atlanta.com?priority=urgent&subject=project%20x"));
}

// [RFC3261 19.1.4] the URIs within each of these sets are not equivalent
TEST(UriComparison, HoldsTheDifferentExamplesApart) {
  EXPECT_FALSE(same("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
  EXPECT_FALSE(same("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
  EXPECT_FALSE(same("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"));
  EXPECT_FALSE(same("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
}

// [RFC3261 19.1.4] equality is not transitive
TEST(UriComparison, IsNotTransitive) {
  EXPECT_TRUE(same("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"));
  EXPECT_TRUE(same("sip:carol@chicago.com", "sip:carol@chicago.com;security=off"));
  EXPECT_FALSE(same("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
}

// [RFC3261 19.1.4] rules that the examples leave out
TEST(UriComparison, FollowsTheOtherRules) {
  EXPECT_FALSE(same("sip:alice@atlanta.com", "sips:alice@atlanta.com"));
  EXPECT_FALSE(same("sip:atlanta.com", "sip:alice@atlanta.com"));
  EXPECT_FALSE(same("sip:alice@atlanta.com", "sip:alice:@atlanta.com"));
  EXPECT_FALSE(same("sip:alice:a@atlanta.com", "sip:alice:A@atlanta.com"));
  EXPECT_FALSE(same("sip:alice@atlanta.com", "sip:alice@atlanta.com;user=ip"));
  EXPECT_FALSE(same("sip:alice@atlanta.com", "sip:alice@atlanta.com;ttl=1"));
  EXPECT_FALSE(same("sip:alice@atlanta.com", "sip:alice@atlanta.com;maddr=239.255.255.1"));
  EXPECT_FALSE(same("sip:a%3Bb@atlanta.com", "sip:a;b@atlanta.com")) << "a reserved character is not its escape";
  EXPECT_TRUE(same("sip:a%3bb@atlanta.com", "sip:a%3Bb@atlanta.com"));
  EXPECT_TRUE(same("sip:a@b.com?x=1&x=2", "sip:a@b.com?x=2&x=1"));
  EXPECT_FALSE(same("sip:a@b.com?x=1&x=1", "sip:a@b.com?x=1&x=2"));
}

// [RFC4475 3.1.1.4] two users that differ in the number of NUL octets are two users
TEST(UriComparison, DoesNotStopAtNul) {
  EXPECT_FALSE(same("sip:%00@host5.example.com", "sip:%00%00@host5.example.com"));
  EXPECT_TRUE(same("sip:null-%00-null@example.com", "sip:nul%6c-%00-null@example.com"));
}

// [RFC5954 4.2] texts of one binary IP address match
TEST(UriComparison, ComparesAddressesInBinary) {
  EXPECT_TRUE(same("sip:bob@[::ffff:192.0.2.128]", "sip:bob@[::ffff:c000:280]"));
  EXPECT_TRUE(same("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:db8::9:01]"));
  EXPECT_TRUE(same("sip:bob@[0:0:0:0:0:FFFF:129.144.52.38]", "sip:bob@[::FFFF:129.144.52.38]"));
  EXPECT_FALSE(same("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:db8::9:2]"));
}

// [RFC3966 4] visual separators and order do not count, parameters do
TEST(UriComparison, ComparesTelephoneNumbersByDigit) {
  EXPECT_TRUE(same("tel:+1-212-555-1212", "tel:+1(212)5551212"));
  EXPECT_TRUE(same("tel:7042;phone-context=EXAMPLE.com;x=1", "tel:70-42;x=1;phone-context=example.com"));
  EXPECT_TRUE(same("tel:7042;phone-context=+1-9", "tel:7042;phone-context=+19"));
  EXPECT_FALSE(same("tel:+1212", "tel:1212"));
  EXPECT_FALSE(same("tel:+1212", "tel:+1212;ext=1"));
}

// [threats 24] no peer can make a comparison expensive
TEST(UriComparison, IsBoundedForManyParameters) {
  std::string a = "sip:u@h";
  std::string b = "sip:u@h";
  for (int i = 0; i < 500; ++i) {
    a += ";p" + std::to_string(i);
    b += ";p" + std::to_string(499 - i);
  }
  EXPECT_TRUE(same(a, a));
  EXPECT_FALSE(same(a, b)) << "beyond the limit only the same text is equal";
}

// [RFC3261 10.3] item 5: parameters removed, escapes decoded; [RFC3261 19.1.4] the host ignores case
TEST(AddressOfRecord, IsTheDecodedUserAtTheLowerCaseHost) {
  EXPECT_EQ(address_of_record(uri("sip:%61Lice@EXAMPLE.com:5070;transport=tcp?x=y"), false), "aLice@example.com");
  EXPECT_EQ(address_of_record(uri("sips:aLice:pw@EXAMPLE.com"), true), "alice@example.com");
  EXPECT_EQ(address_of_record(uri("sip:EXAMPLE.com"), false), "example.com");
  EXPECT_EQ(address_of_record(uri("tel:+1-212-555"), false), "+1212555");
  EXPECT_EQ(address_of_record(uri("sip:null-%00-null@example.com"), false),
            std::string("null-\0-null@example.com", 23));
}

// [RFC3261 19.1.2] escaping and its reverse
TEST(Escapes, GoThereAndBack) {
  EXPECT_EQ(unescape("%75se%72%"), "user%");
  EXPECT_EQ(unescape("%zz%4"), "%zz%4");
  EXPECT_EQ(escape_user("a b@c%#\xc3"), "a%20b%40c%25%23%C3");
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  EXPECT_EQ(unescape(escape_user(every)), every);
  EXPECT_TRUE(parse_uri("sip:" + escape_user(every) + "@h"));
  EXPECT_EQ(escape_parameter("sip:a;x=1@[::1]?y"), "sip:a%3Bx%3D1%40[::1]%3Fy");
  EXPECT_EQ(unescape(escape_parameter(every)), every);
  const std::string carrier = "sip:h;p=" + escape_parameter(every) + ";q";
  const auto carried = parse_uri(carrier);
  ASSERT_TRUE(carried);
  EXPECT_EQ(unescape(carried->parameter("p")->value), every);
}

// [threats 32] an escaped line break stays escaped in the view and is escaped again when a user is written
TEST(Escapes, NeverWriteALineBreak) {
  const Uri u = uri("sip:a%0d%0aX%3a@example.com");
  EXPECT_EQ(u.user, "a%0d%0aX%3a");
  EXPECT_EQ(escape_user(unescape(u.user)), "a%0D%0AX%3A");
}

// The search that looks at sixteen octets at once finds what a walk from parameter to parameter finds.
TEST(Parameters, AreFoundAsByWalking) {
  std::mt19937 random(1);
  int found = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    const std::string_view octets = random() % 4 == 0 ? "lrx;;;== \t\"%6C\r\n" : "lrLRx;;;=";
    for (std::size_t size = random() % 40; size != 0; --size) text += octets[random() % octets.size()];
    for (const std::string_view name : {"lr", "l", "x", "rrl", "R"}) {
      std::optional<Parameter> walked;
      for (const Parameter& p : ParameterList(text)) {
        if (!walked && equals_ignore_case(p.name, name)) walked = p;
      }
      const auto searched = ParameterList(text).find(name);
      ASSERT_EQ(searched.has_value(), walked.has_value()) << text << ' ' << name;
      if (!walked) continue;
      ++found;
      EXPECT_EQ(searched->name.data(), walked->name.data()) << text << ' ' << name;
      EXPECT_EQ(searched->value, walked->value) << text << ' ' << name;
      EXPECT_EQ(searched->has_value, walked->has_value) << text << ' ' << name;
    }
  }
  EXPECT_GT(found, 1000);
}

// The rules of a host name, word by word.
std::size_t host_length_by_the_rules(std::string_view text) {
  const auto alphanumeric = [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::size_t size = 0;
  while (size < text.size() && (alphanumeric(text[size]) || text[size] == '-' || text[size] == '.')) ++size;
  std::string_view name = text.substr(0, size);
  const bool root = name.ends_with('.');
  if (root) name.remove_suffix(1);
  std::string_view label;
  int labels = 0;
  bool all_octets = true;
  for (std::size_t at = 0; at <= name.size(); at += label.size() + 1, ++labels) {
    label = name.substr(at, name.substr(at).find('.'));
    if (label.empty() || label.front() == '-' || label.back() == '-') return 0;
    const auto number = parse_decimal(label, 255);
    all_octets = all_octets && number && label == std::to_string(*number);
  }
  if (label.find_first_not_of("0123456789") != std::string_view::npos) return size;
  return !root && labels == 4 && all_octets ? size : 0;
}

TEST(Host, ShortAndLongOnesKeepTheSameRules) {
  std::mt19937 random(1);
  int hosts = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text;
    const std::string_view octets = random() % 2 == 0 ? "11225.." : "a1Z-_...:;";
    for (std::size_t size = random() % 24; size != 0; --size) text += octets[random() % octets.size()];
    if (random() % 4 == 0) {
      const auto part = [&random] { return std::to_string(random() % 300); };
      text = part() + "." + part() + "." + part() + "." + part() + (random() % 2 == 0 ? ":5060" : "");
    }
    const std::size_t expected = host_length_by_the_rules(text);
    ASSERT_EQ(host_length(text), expected) << text;
    hosts += expected != 0 ? 1 : 0;
  }
  EXPECT_GT(hosts, 10'000);
}

}  // namespace
}  // namespace bellhop::sip
