#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sip/torture_test.hpp"

// RFC 4475, message by message: what the parser alone makes of each over UDP and behind stream framing. What the whole
// server does with them is tested from the same tests/data/torture.tsv.
namespace bellhop::sip {
namespace {

// [RFC4475 3.1.1.1] A Short Tortuous INVITE: folds, blanks, odd case and both forms of a name are one well-formed
// INVITE
TEST(Rfc4475, ShortTortuousInviteIsWellFormed) {
  const Played played = play("rfc4475/wsinv.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  const Message& m = *played.message;
  EXPECT_EQ(m.method(), Method::invite);
  EXPECT_EQ(m.request_uri()->parameters, "unknownparam");
  EXPECT_EQ(m.to_tag(), "1918181833n");
  EXPECT_EQ(m.from_tag(), "98asjd8");
  EXPECT_EQ(m.cseq().number, 9U);
  EXPECT_EQ(m.max_forwards(), 68U);
  EXPECT_EQ(m.top_via().host, "192.0.2.2");
  EXPECT_FALSE(m.top_via().has_cookie());
  EXPECT_EQ(m.via_count(), 3U);
  EXPECT_EQ(parse_contact(m.value_of(HeaderId::contact))->q, 330);
  EXPECT_EQ(m.body().size(), 150U);
}

// [RFC4475 3.1.1.2] Wide Range of Valid Characters: every character the grammar allows is allowed, "%" escapes only in
// URIs
TEST(Rfc4475, WideRangeOfCharactersIsWellFormed) {
  const Played played = play("rfc4475/intmeth.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  const Message& m = *played.message;
  EXPECT_EQ(m.method(), Method::other);
  EXPECT_EQ(m.method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
  EXPECT_EQ(m.request_uri()->user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  EXPECT_EQ(m.request_uri()->password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
  EXPECT_EQ(m.call_id(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
  EXPECT_EQ(m.from_tag(), "_token~1'+`*%!-.");
}

// [RFC4475 3.1.1.3] Valid Use of the % Escaping Mechanism: "%" HEX HEX equals its character in URIs
TEST(Rfc4475, EscapesAreDecodedOnceAndOnlyWhereTheyAreEscapes) {
  const Played played = play("rfc4475/esc01.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  const Message& m = *played.message;
  EXPECT_EQ(address_of_record(*m.request_uri(), false), "sips:user@example.com@example.net");
  EXPECT_EQ(address_of_record(m.to().uri, false), "user@example.com");
  EXPECT_EQ(address_of_record(m.from().uri, false), "I have spaces@example.net");
  const auto contact = parse_contact(m.value_of(HeaderId::contact));
  ASSERT_TRUE(contact);
  EXPECT_EQ(unescape(contact->address.uri.user), "caller");
  EXPECT_TRUE(contact->address.uri.parameter("lr"));
  EXPECT_EQ(unescape(contact->address.uri.parameter("name")->value), "value%41");
}

// [RFC4475 3.1.1.4] Escaped Nulls in URIs: two contacts that differ by one escaped NUL are two
TEST(Rfc4475, EscapedNulsDoNotCutAUser) {
  const Played played = play("rfc4475/escnull.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  const Message& m = *played.message;
  EXPECT_EQ(address_of_record(m.to().uri, false), std::string("null-\0-null@example.com", 23));
  const HeaderField* const first = m.first(HeaderId::contact);
  const HeaderField* const second = m.next(HeaderId::contact, first);
  ASSERT_NE(second, nullptr);
  EXPECT_FALSE(equivalent(parse_contact(m.value(*first))->address.uri, parse_contact(m.value(*second))->address.uri));
}

// [RFC4475 3.1.1.5] Use of % When It Is Not an Escape: RE%47IST%45R is not REGISTER and C%6Fntact is not Contact
TEST(Rfc4475, PercentInMethodAndHeaderNameIsNoEscape) {
  const Played played = play("rfc4475/esc02.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  const Message& m = *played.message;
  EXPECT_EQ(m.method(), Method::other);
  EXPECT_EQ(m.from().display_name, "\"%Z%45\"");
  int contacts = 0;
  m.for_each_value(HeaderId::contact, [&contacts](std::string_view, const HeaderField&) { return ++contacts > 0; });
  EXPECT_EQ(contacts, 2);
  EXPECT_NE(m.first("C%6Fntact"), nullptr);
}

// [RFC4475 3.1.1.6] Message with No LWS between Display Name and <: erratum 5598: no white space is needed
TEST(Rfc4475, DisplayNameNeedsNoBlankBeforeTheBracket) {
  const Played played = play("rfc4475/lwsdisp.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->from().display_name, "caller");
}

// [RFC4475 3.1.1.7] Long Values in Header Fields: long names and values, 34 Via values without branch
TEST(Rfc4475, LongValuesAreWellFormed) {
  const Played played = play("rfc4475/longreq.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->via_count(), 34U);
  EXPECT_EQ(played.message->from_tag().size(), 155U);
}

// [RFC4475 3.1.1.8] Extra Trailing Octets in a UDP Datagram: Content-Length ends a datagram
TEST(Rfc4475, OctetsBehindTheBodyOfADatagramAreIgnored) {
  const Played played = play("rfc4475/dblreq.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->octets().size(), 300U);
  EXPECT_EQ(played.message->body(), "");
}

// [RFC4475 3.1.1.9] Semicolon-Separated Parameters in URI User Part: "user;par=u%40example.net" is the user
TEST(Rfc4475, SemicolonsMayStandInTheUserPart) {
  const Played played = play("rfc4475/semiuri.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->request_uri()->user, "user;par=u%40example.net");
  EXPECT_EQ(unescape(played.message->request_uri()->user), "user;par=u@example.net");
  EXPECT_EQ(played.message->request_uri()->parameters, "");
}

// [RFC4475 3.1.1.10] Varied and Unknown Transport Types: a Via below the top one may name any transport
TEST(Rfc4475, UnknownTransportsInViaAreWellFormed) {
  const Played played = play("rfc4475/transports.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  std::vector<std::string> transports;
  played.message->for_each_value(HeaderId::via, [&transports](std::string_view value, const HeaderField&) {
    const auto via = parse_via(value);
    transports.emplace_back(via ? via->transport : "refused");
    return true;
  });
  EXPECT_EQ(transports, (std::vector<std::string>{"UDP", "SCTP", "TLS", "UNKNOWN", "TCP"}));
}

// [RFC4475 3.1.1.11] Multipart MIME Message: NUL octets in a body end nothing
TEST(Rfc4475, BinaryBodyIsFramedByItsLength) {
  const Played played = play("rfc4475/mpart01.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->body().size(), 553U);
  EXPECT_TRUE(played.message->body().ends_with("--7a9cbec02ceef655--\r\n"));
}

// [RFC4475 3.1.1.12] Unusual Reason Phrase: a phrase of UTF-8 and signs
TEST(Rfc4475, ReasonPhraseMayBeAnything) {
  const Played played = play("rfc4475/unreason.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.message->status(), StatusCode(200));
  EXPECT_TRUE(played.message->reason().starts_with("= 2**3 * 5**2 "));
}

// [RFC4475 3.1.1.13] Empty Reason Phrase: only the space is required
TEST(Rfc4475, ReasonPhraseMayBeEmpty) {
  const Played played = play("rfc4475/noreason.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.message->status(), StatusCode(100));
  EXPECT_EQ(played.message->reason(), "");
}

// [RFC4475 3.1.2.1] Extraneous Header Field Separators: ";;,;,," is no parameter list
TEST(Rfc4475, ExtraSeparatorsInViaAreRefused) {
  const Played played = play("rfc4475/badinv01.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.1.2.2] Content Length Larger Than Message: 400 over UDP, patience over a stream
TEST(Rfc4475, ContentLengthBeyondTheDatagramIsRefused) {
  const Played played = play("rfc4475/clerr.dat");
  EXPECT_EQ(played.datagram, "bad_content_length 400");
  EXPECT_EQ(played.stream, "need_more");
}

// [RFC4475 3.1.2.3] Negative Content-Length: no number can be read into "-999"
TEST(Rfc4475, NegativeContentLengthIsRefused) {
  const Played played = play("rfc4475/ncl.dat");
  EXPECT_EQ(played.datagram, "bad_content_length 400");
  EXPECT_EQ(played.stream, "bad_content_length 400");
}

// [RFC4475 3.1.2.4] Request Scalar Fields with Overlarge Values: a CSeq above 2^32-1 is a 400
TEST(Rfc4475, OverlargeCSeqIsRefused) {
  const Played played = play("rfc4475/scalar02.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
  EXPECT_EQ(played.reason, "CSeq Out Of Range");
}

// [RFC4475 3.1.2.5] Response Scalar Fields with Overlarge Values: the response is discarded
TEST(Rfc4475, OverlargeCSeqInAResponseIsDropped) {
  const Played played = play("rfc4475/scalarlg.dat");
  EXPECT_EQ(played.datagram, "bad_response");
  EXPECT_EQ(played.stream, "bad_response");
}

// [RFC4475 3.1.2.6] Unterminated Quoted String in Display Name: no closing quote is guessed
TEST(Rfc4475, UnterminatedQuoteIsRefused) {
  const Played played = play("rfc4475/quotbal.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
  EXPECT_EQ(played.reason, "Bad To");
}

// [RFC4475 3.1.2.7] <> Enclosing Request-URI: the Request-URI is an error, the message can be answered
TEST(Rfc4475, BracketsAroundTheRequestUriAreRefused) {
  const Played played = play("rfc4475/ltgtruri.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "no_scheme");
}

// [RFC4475 3.1.2.8] Malformed SIP Request-URI (embedded LWS): no LWS in the Request-URI
TEST(Rfc4475, BlankInTheRequestUriIsRefused) {
  const Played played = play("rfc4475/lwsruri.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.1.2.9] Multiple SP Separating Request-Line Elements: one SP separates the parts
TEST(Rfc4475, DoubledSpacesInTheRequestLineAreRefused) {
  const Played played = play("rfc4475/lwsstart.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.1.2.10] SP Characters at End of Request-Line: SIP-Version ends the line
TEST(Rfc4475, SpacesBehindTheRequestLineAreRefused) {
  const Played played = play("rfc4475/trws.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.1.2.11] Escaped Headers in SIP Request-URI: the parser shows them, the proxy decides
TEST(Rfc4475, HeadersInTheRequestUriAreLeftToTheProxy) {
  const Played played = play("rfc4475/escruri.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->request_uri()->headers, "Route=%3Csip:example.com%3E");
  EXPECT_FALSE(played.message->has(HeaderId::route));
}

// [RFC4475 3.1.2.12] Invalid Time Zone in Date Header Field: nobody reads the Date of a forwarded request
TEST(Rfc4475, WrongTimeZoneInDateDoesNotMatter) {
  const Played played = play("rfc4475/baddate.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
}

// [RFC4475 3.1.2.13] Failure to Enclose name-addr URI in <>: the parser of Contact refuses it; the message itself is
// sound
TEST(Rfc4475, ContactWithHeadersNeedsBrackets) {
  const Played played = play("rfc4475/regbadct.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(parse_contact(played.message->value_of(HeaderId::contact)).error(), ValueError::malformed);
}

// [RFC4475 3.1.2.14] Spaces within addr-spec: "< sip:... >" is no name-addr
TEST(Rfc4475, BlanksWithinAnAddrSpecAreRefused) {
  const Played played = play("rfc4475/badaspec.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
  EXPECT_EQ(played.reason, "Bad To");
}

// [RFC4475 3.1.2.15] Non-token Characters in Display Name: only tokens stand without quotes
TEST(Rfc4475, CommaInABareDisplayNameIsRefused) {
  const Played played = play("rfc4475/baddn.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
  EXPECT_EQ(played.reason, "Bad From");
}

// [RFC4475 3.1.2.16] Unknown Protocol Version: SIP/7.0 is not for us
TEST(Rfc4475, UnknownVersionIsA505) {
  const Played played = play("rfc4475/badvers.dat");
  EXPECT_EQ(played.datagram, "version 505");
  EXPECT_EQ(played.stream, "version 505");
}

// [RFC4475 3.1.2.17] Start Line and CSeq Method Mismatch: OPTIONS with a CSeq of INVITE
TEST(Rfc4475, CSeqMethodMustMatch) {
  const Played played = play("rfc4475/mismatch01.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.1.2.18] Unknown Method with CSeq Method Mismatch: NEWMETHOD with a CSeq of INVITE
TEST(Rfc4475, CSeqMethodMustMatchForUnknownMethodsToo) {
  const Played played = play("rfc4475/mismatch02.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.1.2.19] Overlarge Response Code: 4294967301 is not read as 5
TEST(Rfc4475, StatusCodeAbove699IsDropped) {
  const Played played = play("rfc4475/bigcode.dat");
  EXPECT_EQ(played.datagram, "bad_response");
  EXPECT_EQ(played.stream, "bad_response");
}

// [RFC4475 3.2.1] Missing Transaction Identifier: the transaction layer decides about an empty identifier
TEST(Rfc4475, CookieWithoutMoreIsABranch) {
  const Played played = play("rfc4475/badbranch.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->top_via().branch, "z9hG4bK");
}

// [RFC4475 3.3.1] Missing Required Header Fields: no Call-ID, From and To
TEST(Rfc4475, MissingHeadersAreRefused) {
  const Played played = play("rfc4475/insuf.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.3.2] Request-URI with Unknown Scheme: the proxy answers 416, not the parser
TEST(Rfc4475, UnknownSchemeIsWellFormed) {
  const Played played = play("rfc4475/unkscm.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->request_uri()->scheme, Scheme::other);
}

// [RFC4475 3.3.3] Request-URI with Known but Atypical Scheme: soap.beep is a scheme
TEST(Rfc4475, AtypicalSchemeIsWellFormed) {
  const Played played = play("rfc4475/novelsc.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->request_uri()->scheme_text, "soap.beep");
}

// [RFC4475 3.3.4] Unknown URI Schemes in Header Fields: isbn, http and name
TEST(Rfc4475, UnknownSchemesInToFromContactAreWellFormed) {
  const Played played = play("rfc4475/unksm2.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->to().uri.scheme_text, "isbn");
  EXPECT_EQ(parse_contact(played.message->value_of(HeaderId::contact))->address.uri.scheme_text, "name");
}

// [RFC4475 3.3.5] Proxy-Require and Require: both option tags are found
TEST(Rfc4475, UnknownExtensionsAreWellFormed) {
  const Played played = play("rfc4475/bext01.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_TRUE(played.message->has_token(HeaderId::proxy_require, "noProxiesSupportThis"));
  EXPECT_TRUE(played.message->has_token(HeaderId::proxy_require, "norDoAnyProxiesSupportThis"));
}

// [RFC4475 3.3.6] Unknown Content-Type: the body is opaque
TEST(Rfc4475, UnknownContentTypeIsWellFormed) {
  const Played played = play("rfc4475/invut.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->body().size(), 40U);
}

// [RFC4475 3.3.7] Unknown Authorization Scheme: scheme and parameters are read
TEST(Rfc4475, UnknownAuthorizationSchemeIsWellFormed) {
  const Played played = play("rfc4475/regaut01.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(parse_auth(played.message->value_of(HeaderId::authorization))->scheme, "NoOneKnowsThisScheme");
}

// [RFC4475 3.3.8] Multiple Values in Single Value Required Fields: two CSeq, Call-ID, From, To and Max-Forwards
TEST(Rfc4475, RepeatedSingleHeadersAreRefused) {
  const Played played = play("rfc4475/multi01.dat");
  EXPECT_EQ(played.datagram, "malformed 400");
  EXPECT_EQ(played.stream, "malformed 400");
}

// [RFC4475 3.3.9] Multiple Content-Length Values: no length is chosen
TEST(Rfc4475, TwoContentLengthsAreRefused) {
  const Played played = play("rfc4475/mcl01.dat");
  EXPECT_EQ(played.datagram, "bad_content_length 400");
  EXPECT_EQ(played.stream, "bad_content_length 400");
}

// [RFC4475 3.3.10] 200 OK Response with Broadcast Via Header Field Value: nothing is refused here; nothing is sent
// there either
TEST(Rfc4475, BroadcastAddressInViaIsWellFormed) {
  const Played played = play("rfc4475/bcast.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
}

// [RFC4475 3.3.11] Max-Forwards of Zero: zero is a number
TEST(Rfc4475, MaxForwardsZeroIsWellFormed) {
  const Played played = play("rfc4475/zeromf.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(played.message->max_forwards(), 0U);
}

// [RFC4475 3.3.12] REGISTER with a Contact Header Parameter: unknownparam is a contact-param
TEST(Rfc4475, ParameterBehindABareUriBelongsToTheContact) {
  const Played played = play("rfc4475/cparam01.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  const auto contact = parse_contact(played.message->value_of(HeaderId::contact));
  EXPECT_TRUE(contact->address.parameter("unknownparam"));
  EXPECT_FALSE(contact->address.uri.parameter("unknownparam"));
}

// [RFC4475 3.3.13] REGISTER with a url-parameter: unknownparam is a uri-parameter
TEST(Rfc4475, ParameterInBracketsBelongsToTheUri) {
  const Played played = play("rfc4475/cparam02.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  const auto contact = parse_contact(played.message->value_of(HeaderId::contact));
  EXPECT_FALSE(contact->address.parameter("unknownparam"));
  EXPECT_TRUE(contact->address.uri.parameter("unknownparam"));
}

// [RFC4475 3.3.14] REGISTER with a URL Escaped Header: the Route belongs to the URI
TEST(Rfc4475, EscapedHeaderStaysInTheContact) {
  const Played played = play("rfc4475/regescrt.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
  EXPECT_EQ(parse_contact(played.message->value_of(HeaderId::contact))->address.uri.headers,
            "Route=%3Csip:sip.example.com%3E");
}

// [RFC4475 3.3.15] Unacceptable Accept Offering: Accept is for the endpoint
TEST(Rfc4475, UnacceptableAcceptIsWellFormed) {
  const Played played = play("rfc4475/sdp01.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "accepted");
  EXPECT_EQ(played.request_uri, "ok");
}

// [RFC4475 3.4.1] INVITE with RFC 2543 Syntax: no branch, no From tag, no Max-Forwards, no Content-Length
TEST(Rfc4475, InviteOfRfc2543IsWellFormedInADatagram) {
  const Played played = play("rfc4475/inv2543.dat");
  EXPECT_EQ(played.datagram, "accepted");
  EXPECT_EQ(played.stream, "bad_content_length 400");
  EXPECT_EQ(played.request_uri, "ok");
  const Message& m = *played.message;
  EXPECT_EQ(m.top_via().branch, "");
  EXPECT_EQ(m.from_tag(), "");
  EXPECT_EQ(m.max_forwards(), std::nullopt);
  EXPECT_EQ(m.body().size(), 105U);
}

}  // namespace
}  // namespace bellhop::sip
