#include "sip/framing.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sip/test_text.hpp"

namespace bellhop::sip {
namespace {

using Kind = ParseRefusal::Kind;
using Outcome = StreamFramer::Outcome;
using test::crlf;
using test::options_with;

/// Feeds `stream` in pieces of `step` octets and lists what comes out; stops at a refusal.
struct Played {
  std::vector<std::string> messages;
  int pings = 0;
  int blanks = 0;
  bool refused = false;
  ParseRefusal refusal{};
  std::size_t seen = 0;  ///< octets shown when the last outcome came
  std::string left;
};

Played play(std::string_view stream, std::size_t step, const Limits& limits = {}) {
  Played played;
  StreamFramer framer;
  std::string unread;
  for (std::size_t at = 0; at < stream.size() && !played.refused; at += step) {
    unread.append(stream.substr(at, step));
    for (;;) {
      const StreamFramer::Found found = framer.look(unread, limits);
      if (found.outcome == Outcome::need_more) break;
      played.seen = std::min(at + step, stream.size());
      played.refused = found.outcome == Outcome::refused;
      played.refusal = found.refusal;
      if (played.refused) break;
      if (found.outcome == Outcome::message) played.messages.push_back(unread.substr(0, found.size));
      played.pings += found.outcome == Outcome::ping;
      played.blanks += found.outcome == Outcome::blank;
      unread.erase(0, found.size);
      framer.consumed();
    }
  }
  played.left = unread;
  return played;
}

Played whole(std::string_view stream, const Limits& limits = {}) {
  return play(stream, stream.size(), limits);
}

const std::string first = options_with("Content-Length: 5\n", "selam");
const std::string second = options_with("l: 0\n");

// [RFC3261 18.3, RFC3261 7.5] Content-Length ends the message; the next one follows at once.
TEST(StreamFramer, MessagesAreCutAtTheirContentLengthHoweverTheyArrive) {
  for (std::size_t step = 1; step < first.size() + second.size(); ++step) {
    const Played played = play(first + second, step);
    EXPECT_THAT(played.messages, testing::ElementsAre(first, second)) << "pieces of " << step;
    EXPECT_EQ(played.left, "");
  }
}

// [RFC5626 4.4.1] CRLF CRLF between messages is a ping, a single CRLF is skipped.
TEST(StreamFramer, DoubleCrlfIsAPingAndSingleCrlfIsNot) {
  EXPECT_EQ(whole("\r\n\r\n").pings, 1);
  const Played single = whole("\r\n" + first);
  EXPECT_EQ(single.pings, 0);
  EXPECT_EQ(single.blanks, 1);
  EXPECT_THAT(single.messages, testing::ElementsAre(first));
  const Played mixed = whole("\r\n\r\n" + first + "\r\n\r\n\r\n\r\n" + second);
  EXPECT_EQ(mixed.pings, 3);
  EXPECT_EQ(mixed.messages.size(), 2u);
}

// [RFC5626 4.4.1] A ping that the network cut in half is still one ping.
TEST(StreamFramer, APingInPiecesIsOnePing) {
  for (const std::size_t step : {1, 2, 3}) {
    const Played played = play("\r\n\r\n", step);
    EXPECT_EQ(played.pings, 1) << step;
    EXPECT_EQ(played.left, "");
  }
}

// [RFC3261 20.14] Content-Length is mandatory on a stream: without it the connection cannot go on.
// [threats 8] no Content-Length on a stream: 400 or close, never wait for ever
TEST(StreamFramer, AMissingContentLengthIsRefusedAtTheBlankLine) {
  const Played played = whole(options_with(""));
  ASSERT_TRUE(played.refused);
  EXPECT_EQ(played.refusal.kind, Kind::bad_content_length);
  EXPECT_EQ(played.refusal.status, StatusCode(400));
}

// [threats 6] two Content-Length headers, compact and long form together: 400 and close; never two messages
TEST(StreamFramer, TwoContentLengthsAreRefusedEvenWhenTheyAgree) {
  for (const auto* lines : {"Content-Length: 0\nl: 0\n", "l: 5\nContent-Length: 300\n", "content-length : 0\nL:0\n"}) {
    const Played played = whole(options_with(lines));
    ASSERT_TRUE(played.refused) << lines;
    EXPECT_EQ(played.refusal.kind, Kind::bad_content_length) << lines;
    EXPECT_THAT(played.messages, testing::IsEmpty());
  }
}

// [threats 4] Content-Length 2^31-ish, 2^32, 2^64, negative, hex, signed, empty: 400 (413/513 on streams) then close
TEST(StreamFramer, AnAbsurdContentLengthIsRefusedAtOnce) {
  for (const auto* value :
       {"2147483609", "2147483648", "4294967295", "4294967296", "18446744073709551616", "99999999999999999999999999"}) {
    const Played played = whole(options_with(std::string("Content-Length: ") + value + "\n"));
    ASSERT_TRUE(played.refused) << value;
    EXPECT_EQ(played.refusal.kind, Kind::too_large) << value;
    EXPECT_EQ(played.refusal.status, StatusCode(513)) << value;
  }
  for (const auto* value : {"-1", "+5", "0x10", "", "5 5", "5,5", "5;x", "five", "5\n 5"}) {
    const Played played = whole(options_with(std::string("Content-Length: ") + value + "\n"));
    ASSERT_TRUE(played.refused) << value;
    EXPECT_EQ(played.refusal.kind, Kind::bad_content_length) << value;
  }
}

// [threats 5] Content-Length 2^32+4 with a second request behind 4 octets: the inner request is never executed
TEST(StreamFramer, ALengthThatWouldWrapAroundHidesNoSecondRequest) {
  const Played played = whole(options_with("Content-Length: 4294967300\n", "1234" + second));
  EXPECT_TRUE(played.refused);
  EXPECT_THAT(played.messages, testing::IsEmpty());
}

// [threats 11] Content-Length 1,000,000,000 and a trickle: 413/513 or close at once; memory flat
TEST(StreamFramer, AHugeLengthIsRefusedBeforeTheFirstBodyOctet) {
  const std::string head = options_with("Content-Length: 1000000000\n");
  const Played played = play(head + std::string(100, 'x'), 1);
  ASSERT_TRUE(played.refused);
  EXPECT_EQ(played.seen, head.size());
}

// [threats 10] header block without end: close at the header cap
TEST(StreamFramer, AHeaderBlockWithoutEndIsRefusedAtTheCap) {
  Limits limits;
  limits.header_block_size = 1000;
  std::string endless = crlf(test::options_head);
  while (endless.size() < 5000) endless += "X-Padding: more and more\r\n";
  const Played played = play(endless, 7, limits);
  ASSERT_TRUE(played.refused);
  EXPECT_EQ(played.refusal.kind, Kind::too_large);
  EXPECT_LT(played.seen, 1000u + 7);
}

// [threats 10] a header block that ends, but beyond the cap, is refused too
TEST(StreamFramer, AHeaderBlockAboveTheCapIsRefusedInOnePieceToo) {
  Limits limits;
  limits.header_block_size = second.size() - 1;
  EXPECT_TRUE(whole(second, limits).refused);
  limits.header_block_size = second.size();
  EXPECT_THAT(whole(second, limits).messages, testing::ElementsAre(second));
}

// [RFC3261 7] Header block and body together stay under the message limit.
TEST(StreamFramer, TheMessageLimitCountsHeaderAndBody) {
  Limits limits;
  limits.message_size = first.size();
  EXPECT_THAT(whole(first, limits).messages, testing::ElementsAre(first));
  limits.message_size = first.size() - 1;
  EXPECT_EQ(whole(first, limits).refusal.status, StatusCode(513));
}

// [threats 3] STUN, RTP, DTLS, TLS hello on the SIP port: drop or close
TEST(StreamFramer, WhatIsNoSipIsRefusedAtItsFirstOctet) {
  using namespace std::string_literals;
  for (const std::string& junk :
       {"\x16\x03\x01\x02\x00"s, "\x00\x01\x00\x08"s, "\x80\x60"s, " INVITE"s, "\n\n"s, "\0\0"s, "\rX"s, "{"s}) {
    const Played played = whole(junk);
    ASSERT_TRUE(played.refused);
    EXPECT_EQ(played.refusal.kind, Kind::not_sip);
  }
}

// [RFC3261 7] A line feed alone ends no line; a stream that uses it would never show a blank line.
TEST(StreamFramer, ABareLineFeedIsRefusedAtOnce) {
  const Played played = play("OPTIONS sip:bob@example.com SIP/2.0\nVia: x\n\n", 1);
  ASSERT_TRUE(played.refused);
  EXPECT_EQ(played.refusal.kind, Kind::malformed);
  EXPECT_EQ(played.seen, std::string_view("OPTIONS sip:bob@example.com SIP/2.0\n").size());
}

// [threats 9] body shorter than announced: the framer says how much is missing and waits
TEST(StreamFramer, TheMissingOctetsOfABodyAreCounted) {
  StreamFramer framer;
  const auto found = framer.look(std::string_view(first).substr(0, first.size() - 2), Limits{});
  EXPECT_EQ(found.outcome, Outcome::need_more);
  EXPECT_EQ(found.missing, 2u);
}

// [threats 10] one octet at a time costs no more looks at old octets: 60 kB of header in linear time
TEST(StreamFramer, TricklingOctetsAreScannedOnce) {
  std::string large =
      crlf(test::options_head) + "Subject: " + std::string(60'000, 'x') + "\r\nContent-Length: 0\r\n\r\n";
  StreamFramer framer;
  for (std::size_t size = 1; size < large.size(); ++size) {
    // Everything already looked at is made useless: a framer that scans it again finds other lines.
    ASSERT_EQ(framer.look(std::string_view(large).substr(0, size), Limits{}).outcome, Outcome::need_more) << size;
    if (size > 400 && size < 60'000) large[size - 200] = '\n';
  }
}

// [V-03] The captured MESSAGE and its 200 are glued: "selam" and "SIP/2.0 200 OK" on one line.
TEST(StreamFramer, ABodyWithoutLineEndIsFollowedByTheNextStartLine) {
  const std::string response = crlf("SIP/2.0 200 OK\nContent-Length: 0\n\n");
  EXPECT_THAT(whole(first + response).messages, testing::ElementsAre(first, response));
}

// [RFC3261 7.3.1] What begins with a blank goes on with the line before it and is no Content-Length of its own.
TEST(StreamFramer, AContentLengthInAFoldIsNone) {
  const std::string folded = options_with("Subject: a\n l: 7\nCall-Info: x\n Content-Length: 9\nl\t:\n 0\n");
  EXPECT_THAT(whole(folded + second).messages, testing::ElementsAre(folded, second));
}

}  // namespace
}  // namespace bellhop::sip
