#include "sip/message.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sip/builder.hpp"
#include "sip/test_text.hpp"

namespace bellhop::sip {
namespace {

using Kind = ParseRefusal::Kind;
using test::crlf;
using test::options_instead;
using test::options_with;

/// What became of a text: accepted, or refused with this kind.
struct Outcome {
  Message message;
  std::optional<ParseRefusal> refusal;
};

Outcome parse(std::string_view octets, bool stream = false, const Limits& limits = {}) {
  static std::deque<std::string> kept;  // a Message only looks at its octets
  Outcome outcome;
  const auto result = outcome.message.parse(kept.emplace_back(octets), limits, stream);
  if (!result) outcome.refusal = result.error();
  return outcome;
}

::testing::AssertionResult refused(std::string_view octets, Kind kind, int status, bool stream = false,
                                   const Limits& limits = {}) {
  const Outcome outcome = parse(octets, stream, limits);
  if (!outcome.refusal) return ::testing::AssertionFailure() << "accepted:\n" << octets;
  if (outcome.refusal->kind == kind && outcome.refusal->status == StatusCode(status))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "refused with kind " << static_cast<int>(outcome.refusal->kind) << ", "
                                       << outcome.refusal->status.value << " " << outcome.refusal->reason;
}

::testing::AssertionResult accepted(std::string_view octets, bool stream = false, const Limits& limits = {}) {
  const Outcome outcome = parse(octets, stream, limits);
  if (!outcome.refusal) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "refused: " << outcome.refusal->reason << " at " << outcome.refusal->offset;
}

// [RFC3261 7.1] Request-Line = Method SP Request-URI SP SIP-Version CRLF
TEST(Message, TheFactsOfARequestAreThereAtOnce) {
  const std::string octets = options_with("Content-Type: text/plain\nContent-Length: 4\n", "body");
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal);
  EXPECT_TRUE(message.is_request());
  EXPECT_EQ(message.method(), Method::options);
  EXPECT_EQ(message.method_text(), "OPTIONS");
  EXPECT_EQ(message.start_line(), "OPTIONS sip:bob@example.com SIP/2.0");
  EXPECT_EQ(message.request_uri_text(), "sip:bob@example.com");
  ASSERT_TRUE(message.request_uri());
  EXPECT_EQ(message.request_uri()->user, "bob");
  EXPECT_EQ(message.top_via().host, "192.0.2.1");
  EXPECT_EQ(message.top_via().branch, "z9hG4bK1");
  EXPECT_EQ(message.via_count(), 1u);
  EXPECT_EQ(message.from_tag(), "a1");
  EXPECT_EQ(message.to_tag(), "");
  EXPECT_EQ(message.from().uri.user, "alice");
  EXPECT_EQ(message.to().uri.user, "bob");
  EXPECT_EQ(message.call_id(), "c1@example.com");
  EXPECT_EQ(message.cseq().number, 1u);
  EXPECT_EQ(message.max_forwards(), 70u);
  EXPECT_EQ(message.body(), "body");
  EXPECT_EQ(message.octets(), octets);
  EXPECT_EQ(message.headers().size(), 8u);
  EXPECT_EQ(octets.substr(message.blank_line_at(), 6), "\r\nbody");
  EXPECT_EQ(octets.substr(message.header_block_at(), 4), "Via:");
}

// [RFC3261 7.2] Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF
TEST(Message, AResponseTakesItsMethodFromCSeq) {
  const std::string octets = options_instead("OPTIONS", "SIP/2.0 486 Busy Here, really");
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal);
  EXPECT_FALSE(message.is_request());
  EXPECT_EQ(message.status(), StatusCode(486));
  EXPECT_EQ(message.reason(), "Busy Here, really");
  EXPECT_EQ(message.method(), Method::options);
  EXPECT_EQ(message.method_text(), "OPTIONS");
}

// [RFC4475 3.1.1.13] an empty reason phrase is legal; the version is compared without case (RFC 3261 section 7.1)
TEST(Message, TheReasonMayBeEmptyAndTheVersionInAnyCase) {
  EXPECT_TRUE(accepted(options_instead("OPTIONS", "SIP/2.0 100 ")));
  EXPECT_TRUE(accepted(options_instead("OPTIONS", "SIP/2.0 100")));
  EXPECT_TRUE(accepted(options_instead("OPTIONS", "sip/2.0 200 ok")));
  EXPECT_TRUE(accepted(options_instead("OPTIONS sip", "OPTIONS sip:bob@example.com sip/2.0")));
}

// [RFC3261 16.3] An unknown method is a request like any other.
TEST(Message, AnyTokenIsAMethod) {
  const std::string octets = crlf(
      "!interesting-Method0123456789_*+`.%indeed'~ sip:bob@example.com SIP/2.0\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\n"
      "f: sip:a@b\nt: sip:c@d\ni: 1\nCSeq: 0 !interesting-Method0123456789_*+`.%indeed'~\n\n");
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal) << refusal->reason;
  EXPECT_EQ(message.method(), Method::other);
  EXPECT_EQ(message.method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
  EXPECT_TRUE(refused(options_instead("OPTIONS sip", "OPT{}IONS sip:bob@example.com SIP/2.0"), Kind::malformed, 400));
}

// [RFC4475 3.1.2.9, RFC4475 3.1.2.10, RFC4475 3.1.2.8] Spaces within or around the start line's parts are refused.
TEST(Message, TheStartLineHasExactlyTwoSpaces) {
  for (const auto* line : {"OPTIONS  sip:bob@example.com SIP/2.0", "OPTIONS sip:bob@example.com  SIP/2.0",
                           "OPTIONS sip:bob@example.com SIP/2.0  ", "OPTIONS sip:bob@example.com; lr SIP/2.0",
                           "OPTIONS\tsip:bob@example.com\tSIP/2.0", "OPTIONS SIP/2.0",
                           "OPTIONS sip:bob@example.comSIP/2.0", " OPTIONS sip:bob@example.com SIP/2.0"}) {
    EXPECT_TRUE(refused(options_instead("OPTIONS", line), Kind::malformed, 400)) << line;
  }
}

// [threats 14] SIP/7.0: 505
TEST(Message, AnotherVersionOfSipIsRefusedAsThat) {
  for (const auto* line : {"OPTIONS sip:bob@example.com SIP/7.0", "OPTIONS sip:bob@example.com SIP/2.1",
                           "OPTIONS sip:bob@example.com SIP/02.0"}) {
    EXPECT_TRUE(refused(options_instead("OPTIONS", line), Kind::version, 505)) << line;
  }
}

// [threats 2] datagram of white space, CRLF, NUL, 1 octet: drop
// [threats 3] STUN, RTP, DTLS, HTTP, HEP3, MSRP on the SIP port: drop or close
TEST(Message, WhatIsNoSipIsDropped) {
  using namespace std::string_literals;
  for (const std::string& junk :
       {""s, "\r\n"s, "\r\n\r\n"s, " "s, "   \r\n"s, "\0"s, "\0\0\0\0"s, "x"s, "\n"s,
        "\x00\x01\x00\x08\x21\x12\xa4\x42"s, "\x80\x08\x00\x01"s, "\x16\xfe\xff\x00"s,
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n"s, "HEP3\x00\x10"s, "HTTP/1.1 200 OK\r\n\r\n"s, "MSRP a786hjs2 SEND\r\n"s,
        "OPTIONS sip:x SIP/\r\n\r\n"s, "OPTIONS sip:x SIP/a.b\r\n\r\n"s}) {
    EXPECT_TRUE(refused(junk, Kind::not_sip, 400));
  }
}

// [RFC3261 7.5] Leading CRLFs are ignored; positions count from the start line.
TEST(Message, ADatagramMayStartWithEmptyLines) {
  const std::string sound = options_with("");
  const std::string octets = "\r\n\r\n" + sound;
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal);
  EXPECT_EQ(message.octets(), sound);
}

// [threats 34] junk status codes (0, 99, 2OO, 99999999999): drop
TEST(Message, AJunkStatusIsNoResponse) {
  for (const auto* line : {"SIP/2.0 0 x", "SIP/2.0 99 x", "SIP/2.0 099 x", "SIP/2.0 2OO OK", "SIP/2.0 99999999999 x",
                           "SIP/2.0 4294967301 better not break the receiver", "SIP/2.0 700 x", "SIP/2.0  200 OK",
                           "SIP/2.0", "SIP/2.0 ", "SIP/3.0 200 OK", "SIP/2.0 -20 x", "SIP/2.0 200\tOK"}) {
    EXPECT_TRUE(refused(options_instead("OPTIONS", line), Kind::bad_response, 400)) << line;
  }
}

// [RFC3261 18.1.2] A response with any fault is dropped, never answered.
TEST(Message, AFaultInAResponseIsAlwaysABadResponse) {
  std::string octets = options_instead("OPTIONS", "SIP/2.0 200 OK");
  ASSERT_TRUE(accepted(octets));
  octets.insert(octets.find("CSeq"), "To: <sip:other@example.com>\r\n");
  EXPECT_TRUE(refused(octets, Kind::bad_response, 400));
  EXPECT_FALSE(answerable(parse(octets).message));
}

// [MSG-09] Via, From, To, Call-ID and CSeq are mandatory: drop each, 400.
TEST(Message, EachMandatoryFieldIsMissed) {
  for (const auto* field : {"Via", "From", "To", "Call-ID", "CSeq"}) {
    EXPECT_TRUE(refused(options_instead(std::string(field) + ":", ""), Kind::malformed, 400)) << field;
  }
  EXPECT_TRUE(accepted(options_instead("Max-Forwards", "")));
}

// [RFC4475 3.3.8] Multiple values in single-value required fields: 400
// [threats 17] two To headers, the second with an empty tag; duplicated headers with 4 kB tags: 400
TEST(Message, ASecondSingleValueFieldIsRefusedInEitherForm) {
  const std::string long_tag = ";tag=" + std::string(4096, 'x');
  for (const std::string& line :
       {std::string("To: <sip:b@example.com>;tag="), "t: <sip:bob@example.com>" + long_tag,
        "From: <sip:alice@example.com>" + long_tag, std::string("f: <sip:alice@example.com>;tag=a1"),
        std::string("i: c1@example.com"), std::string("CSeq: 1 OPTIONS"), std::string("Max-Forwards: 70")}) {
    EXPECT_TRUE(refused(options_with(line + "\n"), Kind::malformed, 400)) << line;
  }
}

// [threats 6] two Content-Length headers, compact and long form together: 400
TEST(Message, TwoContentLengthsAreRefusedOverDatagramsToo) {
  EXPECT_TRUE(refused(options_with("Content-Length: 0\nl: 0\n"), Kind::bad_content_length, 400));
  EXPECT_TRUE(refused(options_with("l: 0\nl: 4\n", "body"), Kind::bad_content_length, 400));
}

// [RFC3261 18.3] Over UDP the body is what Content-Length says; what follows is discarded.
TEST(Message, ALongerDatagramIsCut) {
  const auto [message, refusal] =
      parse(options_with("Content-Length: 4\n", "bodyINVITE sip:evil@example.com SIP/2.0\r\n"));
  ASSERT_FALSE(refusal);
  EXPECT_EQ(message.body(), "body");
  EXPECT_TRUE(message.octets().ends_with("\r\n\r\nbody"));
}

// [RFC3261 18.3] Without Content-Length the body of a datagram goes to its end.
TEST(Message, ADatagramWithoutLengthIsAllBody) {
  const auto [message, refusal] = parse(options_with("", "all of it"));
  ASSERT_FALSE(refusal);
  EXPECT_EQ(message.body(), "all of it");
}

// [threats 7] Content-Length larger than the datagram: 400 or drop (response: drop)
TEST(Message, AShorterDatagramIsRefused) {
  EXPECT_TRUE(refused(options_with("Content-Length: 5\n", "body"), Kind::bad_content_length, 400));
  std::string response = options_with("Content-Length: 5\n", "body");
  response.replace(0, response.find('\r'), "SIP/2.0 200 OK");
  EXPECT_TRUE(refused(response, Kind::bad_response, 400));
}

// [threats 4] Content-Length 2147483609, 2^31, 2^32-1, 2^32, 2^64, negative, hex, signed, empty: 400
// [threats 5] Content-Length 2^32+4: as 4 octets it would hide a second request
TEST(Message, AnAbsurdContentLengthIsRefused) {
  for (const auto* value :
       {"2147483609", "2147483648", "4294967295", "4294967296", "4294967300", "18446744073709551616",
        "18446744073709551620", "-1", "-999", "+4", "0x4", "", "4 4", "4;x", "four"}) {
    const std::string octets = options_with(std::string("Content-Length: ") + value + "\n", "body");
    EXPECT_TRUE(refused(octets, Kind::bad_content_length, 400)) << value;
    EXPECT_TRUE(refused(octets, Kind::bad_content_length, 400, true)) << value;
  }
  EXPECT_TRUE(accepted(options_with("Content-Length: 0000000000000000000000004\n", "body"), true));
}

// [RFC3261 18.3] On a stream Content-Length is mandatory, and framing has made it exact.
TEST(Message, OnAStreamTheLengthMustBeThereAndRight) {
  EXPECT_TRUE(accepted(options_with("l: 4\n", "body"), true));
  EXPECT_TRUE(refused(options_with("l: 3\n", "body"), Kind::bad_content_length, 400, true));
  EXPECT_TRUE(refused(options_with("", ""), Kind::bad_content_length, 400, true));
}

// [threats 26] CSeq 2^31, 2^32-1, 2^32, -1, "abc": 400; 2^31-1 and 0 are valid
TEST(Message, CSeqStaysBelowTwoToThe31) {
  for (const auto* value : {"2147483648", "4294967295", "4294967296", "36893488147419103232", "-1", "abc", "1.0", ""}) {
    EXPECT_TRUE(refused(options_instead("CSeq", std::string("CSeq: ") + value + " OPTIONS"), Kind::malformed, 400))
        << value;
  }
  EXPECT_TRUE(accepted(options_instead("CSeq", "CSeq: 2147483647 OPTIONS")));
  EXPECT_TRUE(accepted(options_instead("CSeq", "CSeq: 0 OPTIONS")));
  EXPECT_TRUE(accepted(options_instead("CSeq", "CSeq: 0009\n  OPTIONS")));
}

// [RFC4475 3.1.2.17, RFC4475 3.1.2.18] The CSeq method is the request's, in the same case.
TEST(Message, CSeqOfAnotherMethodIsRefused) {
  EXPECT_TRUE(refused(options_instead("CSeq", "CSeq: 1 INVITE"), Kind::malformed, 400));
  EXPECT_TRUE(refused(options_instead("CSeq", "CSeq: 1 options"), Kind::malformed, 400));
  EXPECT_TRUE(refused(options_instead("CSeq", "CSeq: 1"), Kind::malformed, 400));
}

// [threats 1] CSeq method of 1,500 octets, no branch: 400 or drop
TEST(Message, ACSeqMethodOfAnyLengthIsJustAMismatch) {
  EXPECT_TRUE(refused(options_instead("CSeq", "CSeq: 1 " + std::string(1500, 'A')), Kind::malformed, 400));
}

// [threats 27] Max-Forwards 256, 2^32, -1, "abc": 400; 255 valid
TEST(Message, MaxForwardsIsAtMost255) {
  for (const auto* value : {"256", "300", "4294967296", "-1", "abc", "", "7 0"}) {
    EXPECT_TRUE(refused(options_instead("Max", std::string("Max-Forwards: ") + value), Kind::malformed, 400)) << value;
  }
  EXPECT_EQ(parse(options_instead("Max", "Max-Forwards: 255")).message.max_forwards(), 255u);
  EXPECT_EQ(parse(options_instead("Max", "Max-Forwards: 0068")).message.max_forwards(), 68u);
  EXPECT_EQ(parse(options_instead("Max", "")).message.max_forwards(), std::nullopt);
}

// [threats 15] broken top Via: 400 if a reply address is certain, else drop
TEST(Message, ABrokenTopViaIsRefusedAndNotAnswered) {
  for (const auto* value :
       {"", ";;;,,", "SIP/2.0/UDP", "SIP/2.0/UDP 192.0.2.15;;,;,,", "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h;branch="}) {
    const auto [message, refusal] = parse(options_instead("Via", std::string("Via: ") + value));
    ASSERT_TRUE(refusal) << value;
    EXPECT_EQ(refusal->kind, Kind::malformed);
    EXPECT_FALSE(answerable(message)) << value;
  }
}

// [threats 16] broken To/From: open quote, open bracket, only parameters: 400 or drop
TEST(Message, BrokenPartiesAreRefused) {
  for (const auto* value :
       {"\"Mr. J. User <sip:j.user@example.com>", "<sip:bob@example.com", ";tag=\"", "", ";tag=x"}) {
    EXPECT_TRUE(refused(options_instead("To", std::string("To: ") + value), Kind::malformed, 400)) << value;
    EXPECT_TRUE(refused(options_instead("From", std::string("From: ") + value), Kind::malformed, 400)) << value;
  }
}

// [threats 18] From tag and branch of every length 200..1025: normal answer
TEST(Message, TagsAndBranchesMayBeLong) {
  for (std::size_t size = 200; size <= 1025; ++size) {
    const std::string text(size, 'x');
    const auto from = parse(options_instead("From", "From: <sip:alice@example.com>;tag=" + text));
    ASSERT_FALSE(from.refusal);
    ASSERT_EQ(from.message.from_tag(), text);
    const auto via = parse(options_instead("Via", "Via: SIP/2.0/UDP h;branch=z9hG4bK" + text));
    ASSERT_FALSE(via.refusal);
    ASSERT_EQ(via.message.top_via().branch.size(), size + 7);
  }
}

// [RFC3261 8.1.1.4] Call-ID is compared octet by octet; here it is any text without white space.
TEST(Message, CallIdIsOneWord) {
  EXPECT_TRUE(accepted(options_instead("Call-ID", "Call-ID: word%ZK-!.*_+'@word`~)(><:\\/\"][?}{")));
  EXPECT_TRUE(accepted(options_instead("Call-ID", "i: ==base64==")));
  EXPECT_TRUE(refused(options_instead("Call-ID", "Call-ID: a b"), Kind::malformed, 400));
  EXPECT_TRUE(refused(options_instead("Call-ID", "Call-ID: a\n b"), Kind::malformed, 400));
  EXPECT_TRUE(refused(options_instead("Call-ID", "Call-ID:"), Kind::malformed, 400));
}

// [RFC3261 16.3] A Request-URI that does not parse is the proxy's to answer (400, 414, 416), not a refusal here.
TEST(Message, ABadRequestUriIsReportedAndNotRefused) {
  const std::string octets = options_instead("OPTIONS sip", "OPTIONS <sip:bob@example.com> SIP/2.0");
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal);
  EXPECT_FALSE(message.request_uri());
  EXPECT_EQ(message.request_uri_text(), "<sip:bob@example.com>");
}

// [threats 22] NUL, DEL, bare CR, bare LF in each field: as the grammar says; nothing is cut at a NUL
TEST(Message, ControlOctetsAreRefusedInEveryField) {
  using namespace std::string_literals;
  for (const std::string& odd : {"\0"s, "\x01"s, "\x7f"s, "\x0b"s, "\rx"s}) {
    EXPECT_TRUE(refused(options_with("Subject: a" + odd + "b\n"), Kind::malformed, 400));
    EXPECT_TRUE(refused(options_with("X-Unknown: a" + odd + "b\n"), Kind::malformed, 400));
    EXPECT_TRUE(
        refused(options_instead("From", "From: \"a" + odd + "\" <sip:alice@example.com>;tag=1"), Kind::malformed, 400));
    EXPECT_TRUE(refused(options_instead("Call-ID", "Call-ID: a" + odd + "b"), Kind::malformed, 400));
  }
  std::string bare = options_with("Subject: ab\n");
  bare.replace(bare.find("ab\r\n"), 4, "a\nb\r\n");
  EXPECT_TRUE(refused(bare, Kind::malformed, 400));
}

// [RFC4475 3.1.1.2] a display name may hold NUL and DEL as quoted-pairs; 8-bit octets are opaque
TEST(Message, QuotedPairsMayHoldWhatTheyWant) {
  using namespace std::string_literals;
  const std::string octets =
      options_instead("To", "To: \"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f \xff\xfe\" <sip:bob@example.com>"s);
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal) << refusal->reason;
  EXPECT_EQ(message.to().uri.user, "bob");
  EXPECT_THAT(message.to().display_name, testing::HasSubstr("NUL:\\\0 DEL"s));
}

// [RFC3261 7] The header block ends with an empty line.
TEST(Message, ADatagramWithoutEmptyLineIsRefusedButIndexed) {
  const std::string octets = crlf(test::options_head);
  const auto [message, refusal] = parse(octets);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, Kind::malformed);
  EXPECT_TRUE(answerable(message));
}

// [threats 24] 3,000 headers, 500 Via, 500 Route: 400/513/483 within 100 ms
TEST(Message, CountsAreLimited) {
  const auto many = [](std::string_view line, int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines.append(line).append("\n");
    return options_with(lines + "Content-Length: 0\n");
  };
  EXPECT_TRUE(accepted(many("X-Header: value", 249)));
  EXPECT_TRUE(refused(many("X-Header: value", 250), Kind::too_many_headers, 400));
  EXPECT_TRUE(refused(many("X-Header: value", 3000), Kind::too_many_headers, 400));
  EXPECT_TRUE(refused(many("X-Header: value", 3000), Kind::too_many_headers, 513, true));
  EXPECT_TRUE(accepted(many("Via: SIP/2.0/UDP h", 69)));
  EXPECT_TRUE(refused(many("Via: SIP/2.0/UDP h", 70), Kind::malformed, 400));
  EXPECT_TRUE(accepted(many("Route: <sip:a;lr>, <sip:b,c;lr>", 35)));
  EXPECT_TRUE(refused(many("Route: <sip:a;lr>, <sip:b,c;lr>", 36), Kind::malformed, 400));

  std::string vias = "Via: SIP/2.0/UDP h";
  for (int i = 0; i < 500; ++i) vias += ",SIP/2.0/UDP h";
  EXPECT_TRUE(refused(options_instead("Via", vias), Kind::malformed, 400));
}

// [RFC3261 20.42] Via values are counted over lines and commas alike.
TEST(Message, ViaValuesAreCountedNotLines) {
  const std::string octets =
      options_instead("Via", "Via: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;x=\",\"\nv: SIP/2.0/TCP c");
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal);
  EXPECT_EQ(message.via_count(), 3u);
  EXPECT_EQ(message.top_via().host, "a");
}

// [threats 25] 65 kB datagram, 60 kB header, 15,000 folds: normal or 400/513
TEST(Message, SizesAreLimited) {
  EXPECT_TRUE(accepted(options_with("Subject: " + std::string(60'000, 'x') + "\n")));
  std::string folds = "Subject: x\n";
  for (int i = 0; i < 15'000; ++i) folds += " y\n";
  EXPECT_TRUE(accepted(options_with(folds)));
  EXPECT_TRUE(refused(options_with("Subject: " + std::string(66'000, 'x') + "\n"), Kind::too_large, 513));
  EXPECT_TRUE(refused(options_with("", std::string(300'000, 'x')), Kind::too_large, 513));
}

// [RFC3261 8.2.6] A refused request is answered from what the index holds: behind the fault, too.
TEST(Message, TheIndexGoesOnBehindAFault) {
  for (const std::string& octets :
       {options_instead("OPTIONS", "OPTIONS  sip:bob@example.com SIP/2.0"), options_instead("Max", "Max Forwards 70"),
        options_instead("Max", "Max-Forwards: 999"), options_with("l: x\n"),
        options_instead("OPTIONS", "OPTIONS sip:bob@example.com SIP/7.0")}) {
    const auto [message, refusal] = parse(octets);
    ASSERT_TRUE(refusal);
    EXPECT_TRUE(message.is_request());
    EXPECT_TRUE(answerable(message)) << refusal->reason;
    EXPECT_EQ(message.value_of(HeaderId::call_id), "c1@example.com");
  }
  Limits limits;
  limits.header_count = 6;
  const auto many = parse(options_with("X: y\n"), false, limits);
  EXPECT_TRUE(many.refusal);
  EXPECT_TRUE(answerable(many.message));
}

// [RFC3261 7.3.1] Fields are found by id and by name, in order, over both forms of their name.
TEST(Message, FieldsAreFoundInOrder) {
  const std::string octets = options_with(
      "m: <sip:1@h>, \"x, y\" <sip:2@h;a=\",\">\nX-One: first\nSupported: path,\n timer\nCONTACT: <sip:3@h>\nx-one: "
      "second\n"
      "k: 100rel\n");
  const auto [message, refusal] = parse(octets);
  ASSERT_FALSE(refusal) << refusal->reason;
  std::vector<std::string> contacts;
  message.for_each_value(HeaderId::contact, [&](std::string_view value, const HeaderField&) {
    contacts.emplace_back(value);
    return true;
  });
  EXPECT_THAT(contacts, testing::ElementsAre("<sip:1@h>", "\"x, y\" <sip:2@h;a=\",\">", "<sip:3@h>"));
  ASSERT_NE(message.first("X-ONE"), nullptr);
  EXPECT_EQ(message.value(*message.first("X-ONE")), "first");
  EXPECT_EQ(message.first("contact"), message.first(HeaderId::contact));
  EXPECT_EQ(message.first("X-Two"), nullptr);
  EXPECT_TRUE(message.has_token(HeaderId::supported, "TIMER"));
  EXPECT_TRUE(message.has_token(HeaderId::supported, "100rel"));
  EXPECT_FALSE(message.has_token(HeaderId::supported, "100"));
  EXPECT_TRUE(message.first(HeaderId::supported)->folded);
  EXPECT_EQ(message.value_of(HeaderId::route), "");
}

// [RFC3261 17] A machine keeps its request: the copy's views all lie in the copy.
TEST(Message, AnOwnedMessageNeedsNoOtherBuffer) {
  std::string octets = options_with("Route: <sip:p;lr>\nContent-Length: 4\n", "body");
  Message message;
  ASSERT_TRUE(message.parse(octets, Limits{}, false));
  const OwnedMessage owned(message);
  const std::string expected = octets;
  std::fill(octets.begin(), octets.end(), '#');

  EXPECT_EQ(owned->octets(), expected);
  EXPECT_EQ(owned->method_text(), "OPTIONS");
  EXPECT_EQ(owned->request_uri_text(), "sip:bob@example.com");
  EXPECT_EQ(owned->request_uri()->host, "example.com");
  EXPECT_EQ(owned->top_via().branch, "z9hG4bK1");
  EXPECT_EQ(owned->top_via().parameters, "branch=z9hG4bK1");
  EXPECT_EQ(owned->from().tag(), "a1");
  EXPECT_EQ(owned->from_tag(), "a1");
  EXPECT_EQ(owned->to().uri.text, "sip:bob@example.com");
  EXPECT_EQ(owned->cseq().method_text, "OPTIONS");
  EXPECT_EQ(owned->call_id(), "c1@example.com");
  EXPECT_EQ(owned->value_of(HeaderId::route), "<sip:p;lr>");
  EXPECT_EQ(owned->body(), "body");
  EXPECT_EQ(owned->max_forwards(), 70u);
}

// [RFC3261 7] One object parses message after message; nothing of the last one is left.
TEST(Message, AReusedMessageForgetsTheLastOne) {
  Message message;
  const std::string full = options_with("l: 4\n", "body");
  ASSERT_TRUE(message.parse(full, Limits{}, false));
  ASSERT_FALSE(message.parse("x", Limits{}, false));
  EXPECT_FALSE(message.is_request());
  EXPECT_EQ(message.call_id(), "");
  EXPECT_EQ(message.top_via().host, "");
  EXPECT_EQ(message.max_forwards(), std::nullopt);
  EXPECT_TRUE(message.headers().empty());
  EXPECT_EQ(message.body(), "");
}

// The index grows with the header block, and a copy of the message has all of it.
TEST(Message, AsManyFieldsAreIndexedAsTheLimitLets) {
  std::string lines;
  for (int i = 0; i < 250; ++i) lines += "X-" + std::to_string(i) + (i % 7 == 0 ? ":\n folded\n" : ": plain\n");
  const std::string octets = options_with(lines);
  Limits limits;
  for (const std::size_t most : {std::size_t{256}, std::size_t{300}}) {
    limits.header_count = most;
    Message message;
    ASSERT_TRUE(message.parse(octets, limits, false)) << most;
    Message moved = std::move(message);
    const OwnedMessage owned(moved);
    ASSERT_EQ(owned->headers().size(), 256u);
    std::size_t unknown = 0;
    for (const HeaderField* field = owned->first(HeaderId::other); field != nullptr; field = Message::next(field))
      EXPECT_EQ(owned->name(*field), "X-" + std::to_string(unknown++));
    EXPECT_EQ(unknown, 250u);
  }
  for (const std::size_t most : {0, 1, 64, 65, 255}) {
    limits.header_count = most;
    Message message;
    EXPECT_FALSE(message.parse(octets, limits, false)) << most;
    EXPECT_EQ(message.headers().size(), most);
  }
}

// [RFC3261 8.1.1.4] Ingress finds the owner of a message by the same Call-ID that the parser sees.
TEST(PeekCallId, FindsWhatTheParserFinds) {
  for (const std::string& octets :
       {options_with(""), "\r\n" + options_with(""), options_instead("Call-ID", "i :  short"),
        options_instead("Call-ID", "CALL-ID:\n folded@x"), options_instead("Max", "not a header")}) {
    EXPECT_EQ(peek_call_id(octets), parse(octets).message.call_id());
    EXPECT_NE(peek_call_id(octets), "");
  }
  EXPECT_EQ(peek_call_id(""), "");
  EXPECT_EQ(peek_call_id("OPTIONS sip:x SIP/2.0\r\n"), "");
  EXPECT_EQ(peek_call_id(options_instead("Call-ID", "")), "");
  EXPECT_EQ(peek_call_id(options_instead("Call-ID", "") + "Call-ID: in-the-body\r\n"), "");
}

}  // namespace
}  // namespace bellhop::sip
