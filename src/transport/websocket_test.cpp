#include "transport/websocket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>
#include <vector>

#include "transport/websocket_client_for_test.hpp"
#include "transport/websocket_frames.hpp"

namespace bellhop::transport {
namespace {

using Outcome = WebSocket::Outcome;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view options = "OPTIONS sip:example.test SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n";

WebSocketRules rules_of(std::size_t max_message_size) {
  return {.max_message_size = max_message_size, .origins = {}};
}

std::string server_close(int code, std::string_view reason) {
  return close_frame(code, reason, Masked::no);
}

/// What an open connection makes of `octets`: the close code it is refused with, or 0 when it goes on.
struct Refused {
  int code = 0;
  std::string why;
  friend bool operator==(const Refused&, const Refused&) = default;
};
Refused refusal_of(std::string_view octets, std::size_t max_message_size = 1000) {
  WebSocketClientForTest client(rules_of(max_message_size));
  if (client.connected().send(octets) != Outcome::refused) return {};
  EXPECT_FALSE(client.socket.is_open());
  EXPECT_FALSE(client.socket.in_progress());
  const std::string& sent = client.answered;
  EXPECT_GE(sent.size(), 4u);
  const Refused refused{static_cast<unsigned char>(sent[2]) << 8 | static_cast<unsigned char>(sent[3]), sent.substr(4)};
  EXPECT_EQ(sent, server_close(refused.code, client.socket.refusal())) << "a close frame and nothing else";
  return refused;
}

std::size_t heap_in_use() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// [RFC6455 5.7] The examples of the standard: a masked "Hello", a fragmented one, a masked pong
TEST(WebSocket, TheExamplesOfTheStandardAreRead) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.connected().send("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), Outcome::more);
  EXPECT_EQ(client.send("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), Outcome::more);
  EXPECT_EQ(client.send(frame(0x01, "Hel") + frame(0x80, "lo")), Outcome::more);
  EXPECT_THAT(client.messages, ElementsAre("Hello", "Hello"));
  EXPECT_EQ(client.pongs, 1);
  EXPECT_EQ(client.answered, "");
}

// [RFC7118 4.2] Text and binary frames are both SIP
TEST(WebSocket, TextAndBinaryAreBothSip) {
  WebSocketClientForTest client;
  const std::string binary = "MESSAGE sip:a SIP/2.0\r\n\r\n\xff\xfe" + std::string(1, '\0');
  EXPECT_EQ(client.connected().send(frame(0x82, binary) + frame(0x81, options)), Outcome::more);
  EXPECT_THAT(client.messages, ElementsAre(binary, options));
}

// [RFC7118 5] One message of WebSocket is one of SIP, in whatever pieces the octets come
TEST(WebSocket, MessagesComeOutTheSameFromPiecesOfAnySize) {
  const std::string large = std::string(options) + std::string(20'000, 'x');
  const std::string stream = text_frame(options) + frame(0x82, large) + frame(0x89, "are you there") +
                             text_frame("\r\n\r\n") + frame(0x01, large.substr(0, 5000)) + frame(0x8a, "") +
                             frame(0x00, "") + frame(0x80, large.substr(5000)) + text_frame("last");
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{2}, std::size_t{13}, std::size_t{4096}, std::string::npos}) {
    WebSocketClientForTest client;
    EXPECT_EQ(client.connected().send(stream, step), Outcome::more);
    EXPECT_THAT(client.messages, ElementsAre(options, large, large, "last")) << step;
    EXPECT_EQ(client.keepalives, 1) << step;
    EXPECT_EQ(client.pongs, 1) << step;
    EXPECT_EQ(client.answered, server_frame(0x8a, "are you there") + server_frame(0x81, "\r\n")) << step;
    EXPECT_FALSE(client.socket.in_progress()) << step;
  }
}

// [RFC6455 5.2] Lengths of all three forms are read and written
TEST(WebSocket, LengthsOfAllFormsGoBothWays) {
  for (const std::size_t size : {1u, 125u, 126u, 127u, 4081u, 4082u, 4096u, 65'535u, 65'536u, 200'000u}) {
    WebSocketClientForTest client(rules_of(200'000));
    const std::string message(size, 'm');
    EXPECT_EQ(client.connected().send(text_frame(message), 1460), Outcome::more);
    EXPECT_THAT(client.messages, ElementsAre(message)) << size;
    EXPECT_TRUE(client.socket.write(message, client.answered));
    EXPECT_EQ(client.answered, server_frame(0x81, message)) << size;
  }
}

// [threats 69] Whether something has arrived in part is known, for the deadline
TEST(WebSocket, HalfAFrameAndHalfAMessageAreInProgress) {
  WebSocketClientForTest client;
  client.connected();
  EXPECT_FALSE(client.socket.in_progress());
  EXPECT_EQ(client.send("\x81"), Outcome::more);
  EXPECT_TRUE(client.socket.in_progress());
  EXPECT_EQ(client.send(text_frame("a").substr(1)), Outcome::more);
  EXPECT_FALSE(client.socket.in_progress());
  EXPECT_EQ(client.send(frame(0x01, "b")), Outcome::more);
  EXPECT_TRUE(client.socket.in_progress());
  EXPECT_EQ(client.send(frame(0x89, "")), Outcome::more);
  EXPECT_TRUE(client.socket.in_progress());
  EXPECT_EQ(client.send(frame(0x80, "c")), Outcome::more);
  EXPECT_FALSE(client.socket.in_progress());
  EXPECT_THAT(client.messages, ElementsAre("a", "bc"));
}

// [RFC5626 4.4.1] [RFC7118 6] CRLF CRLF is answered by CRLF, a CRLF alone by nothing; neither is a SIP message
TEST(WebSocket, CrlfKeepAlivesAreMessages) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.connected().send(text_frame("\r\n\r\n")), Outcome::more);
  EXPECT_EQ(client.take_answered(), server_frame(0x81, "\r\n"));
  EXPECT_EQ(client.send(frame(0x82, "\r\n\r\n")), Outcome::more);
  EXPECT_EQ(client.take_answered(), server_frame(0x81, "\r\n"));
  EXPECT_EQ(client.send(text_frame("\r\n") + text_frame("")), Outcome::more);
  EXPECT_EQ(client.answered, "");
  EXPECT_EQ(client.keepalives, 4);
  EXPECT_THAT(client.messages, IsEmpty());
  EXPECT_EQ(client.send(text_frame("\r\n\n") + text_frame("\r\n\r\nSIP")), Outcome::more);
  EXPECT_THAT(client.messages, ElementsAre("\r\n\n", "\r\n\r\nSIP"));
}

// [RFC6455 5.5.2] A ping is answered by a pong with its payload, in the midst of a message too
TEST(WebSocket, PingIsAnsweredByPong) {
  WebSocketClientForTest client;
  const std::string longest(max_control_payload, 'p');
  EXPECT_EQ(client.connected().send(frame(0x01, "a") + frame(0x89, longest) + frame(0x89, "") + frame(0x80, "b")),
            Outcome::more);
  EXPECT_EQ(client.answered, server_frame(0x8a, longest) + server_frame(0x8a, ""));
  EXPECT_THAT(client.messages, ElementsAre("ab"));
}

// [RFC6455 5.5.2] [RFC6455 5.5.3] We ping as well, and hear the pong
TEST(WebSocket, OurPingsAreFramesWithoutMask) {
  WebSocketClientForTest client;
  client.connected().socket.ping(client.answered);
  EXPECT_EQ(client.take_answered(), std::string("\x89\x00", 2));
  EXPECT_EQ(client.send(frame(0x8a, "")), Outcome::more);
  EXPECT_EQ(client.pongs, 1);
}

// [RFC6455 5.1, threats 73] A frame that is not masked closes the connection with 1002.
TEST(WebSocket, UnmaskedFramesAreRefused) {
  const Refused refused{1002, "A frame is not masked."};
  EXPECT_EQ(refusal_of(frame(0x81, options, Masked::no)), refused);
  EXPECT_EQ(refusal_of(frame(0x81, "", Masked::no)), refused);
  EXPECT_EQ(refusal_of(frame(0x89, "", Masked::no)), refused);
  EXPECT_EQ(refusal_of(frame(0x88, "", Masked::no)), refused);
  EXPECT_EQ(refusal_of(frame(0x01, "a") + frame(0x80, "b", Masked::no)), refused);
  EXPECT_EQ(refusal_of(text_frame(options)), Refused{});
}

// [RFC6455 5.2, threats 73] Reserved bits and opcodes close it with 1002: we agreed on no extension.
TEST(WebSocket, ReservedBitsAndOpcodesAreRefused) {
  for (const unsigned bit : {0x40u, 0x20u, 0x10u, 0x70u})
    for (const unsigned opcode : {1u, 2u, 8u, 9u, 10u})
      EXPECT_EQ(refusal_of(frame(0x80 | bit | opcode, "")), (Refused{1002, "A frame has reserved bits set."}));
  for (const unsigned opcode : {3u, 4u, 5u, 6u, 7u, 11u, 12u, 13u, 14u, 15u})
    EXPECT_EQ(refusal_of(frame(0x80 | opcode, "")), (Refused{1002, "A frame has a reserved opcode."}));
}

// [RFC6455 5.5, threats 73] Control frames are short and whole.
TEST(WebSocket, LongOrFragmentedControlFramesAreRefused) {
  const Refused refused{1002, "A frame is malformed."};
  for (const unsigned opcode : {8u, 9u, 10u}) {
    EXPECT_EQ(refusal_of(frame(0x80 | opcode, std::string(126, 'x'))), refused);
    EXPECT_EQ(refusal_of(frame(opcode, "x")), refused);
  }
}

// [RFC6455 5.4] Fragments of two messages do not mix, and a continuation continues something
TEST(WebSocket, FragmentsOutOfOrderAreRefused) {
  EXPECT_EQ(refusal_of(frame(0x80, "a")), (Refused{1002, "A continuation continues nothing."}));
  EXPECT_EQ(refusal_of(frame(0x00, "a")), (Refused{1002, "A continuation continues nothing."}));
  EXPECT_EQ(refusal_of(text_frame("a") + frame(0x80, "b")), (Refused{1002, "A continuation continues nothing."}));
  EXPECT_EQ(refusal_of(frame(0x01, "a") + frame(0x81, "b")), (Refused{1002, "A message begins within another."}));
  EXPECT_EQ(refusal_of(frame(0x02, "") + frame(0x02, "b")), (Refused{1002, "A message begins within another."}));
}

// [RFC6455 5.2, threats 73] A length stands in its shortest form and below 2^63.
TEST(WebSocket, LengthsThatAreNoLengthsAreRefused) {
  const auto header = [](std::string_view length) { return "\x82" + std::string(length) + "\x37\xfa\x21\x3dx"; };
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(refusal_of(header("\xff\x80\0\0\0\0\0\0\0"sv)), (Refused{1002, "A frame is malformed."}));
  EXPECT_EQ(refusal_of(header("\xff\0\0\0\0\0\0\xff\xff"sv)), (Refused{1002, "A frame is malformed."}));
  EXPECT_EQ(refusal_of(header("\xfe\0\x7d"sv)), (Refused{1002, "A frame is malformed."}));
  EXPECT_EQ(refusal_of(header("\xff\x7f\xff\xff\xff\xff\xff\xff\xff"sv)), (Refused{1009, "A message is too big."}));
  EXPECT_EQ(refusal_of(header("\xff\0\0\0\0\xff\xff\xff\xff"sv)), (Refused{1009, "A message is too big."}));
}

// [RFC6455 7.4.1] A message above the limit is refused with 1009 by what its frames announce, one frame or many
TEST(WebSocket, MessagesAboveTheLimitAreRefused) {
  EXPECT_EQ(refusal_of(text_frame(std::string(1000, 'x'))), Refused{});
  EXPECT_EQ(refusal_of(text_frame(std::string(1001, 'x')).substr(0, 9)), (Refused{1009, "A message is too big."}));
  EXPECT_EQ(refusal_of(frame(0x01, std::string(600, 'x')) + frame(0x00, std::string(400, 'x')) + frame(0x80, "")),
            Refused{});
  EXPECT_EQ(refusal_of(frame(0x01, std::string(600, 'x')) + frame(0x00, std::string(401, 'x')).substr(0, 9)),
            (Refused{1009, "A message is too big."}));
}

// [threats 73] Fragments without end are refused, even if they are empty
TEST(WebSocket, EndlessFragmentsAreRefused) {
  std::string stream = frame(0x01, "");
  for (int i = 1; i < 1000; ++i) stream += frame(0x00, "");
  EXPECT_EQ(refusal_of(stream), Refused{});
  EXPECT_EQ(refusal_of(stream + frame(0x80, "")), (Refused{1009, "A message has too many fragments."}));
}

// [RFC6455 8.1] Text that is not UTF-8 closes it with 1007; a character may lie across fragments
TEST(WebSocket, TextMustBeUtf8) {
  const Refused refused{1007, "A text message is not UTF-8."};
  EXPECT_EQ(refusal_of(text_frame("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x93\x9e")), Refused{});
  EXPECT_EQ(refusal_of(frame(0x01, "gr\xc3") + frame(0x80, "\xbc")), Refused{});
  EXPECT_EQ(refusal_of(text_frame("gr\xfc\xdf")), refused);
  EXPECT_EQ(refusal_of(frame(0x01, "gr\xc3") + frame(0x80, "")), refused);
  EXPECT_EQ(refusal_of(frame(0x82, "gr\xfc\xdf")), Refused{});
}

// [RFC3629 3] Overlong forms, surrogates and what lies above U+10FFFF are no UTF-8; all the borders are
TEST(WebSocket, Utf8IsCheckedToTheLetter) {
  for (const std::string_view good :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "12345678\xc3\xbc"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const std::string_view bad : {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf",
                                     "\xe1\x80", "\xed\xa0\x80", "\xe1\x80\xc0", "\xf0\x8f\xbf\xbf", "\xf1\x80\x80",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "1234567\x80", "12345678\xc3"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

// [RFC7118 4.2] What we send is text if it is UTF-8, else binary, and never masked
TEST(WebSocket, WhatWeSendIsTextIfItCanBe) {
  WebSocketClientForTest client;
  client.connected();
  EXPECT_TRUE(client.socket.write(options, client.answered));
  EXPECT_EQ(client.take_answered(), server_frame(0x81, options));
  EXPECT_TRUE(client.socket.write("gr\xc3\xbc", client.answered));
  EXPECT_EQ(client.take_answered(), server_frame(0x81, "gr\xc3\xbc"));
  EXPECT_TRUE(client.socket.write("gr\xfc", client.answered));
  EXPECT_EQ(client.take_answered(), server_frame(0x82, "gr\xfc"));
}

// [RFC6455 5.5.1] A close is answered with its code, and that is the end
TEST(WebSocket, ACloseIsAnsweredWithItsCode) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.connected().send(text_frame("a") + close_frame(1001, "leaving") + text_frame("b")), Outcome::closed);
  EXPECT_EQ(client.take_answered(), server_close(1001, ""));
  EXPECT_EQ(client.socket.close_code(), CloseCode::going_away);
  EXPECT_THAT(client.messages, ElementsAre("a"));
  EXPECT_EQ(client.socket.refusal(), "");
  EXPECT_FALSE(client.socket.write("c", client.answered));
  client.socket.ping(client.answered);
  client.socket.close(CloseCode::going_away, "", client.answered);
  EXPECT_EQ(client.send(text_frame("d")), Outcome::closed);
  EXPECT_EQ(client.answered, "");
  EXPECT_FALSE(client.socket.in_progress());
}

// [RFC6455 7.1.5] A close without a code is answered without one
TEST(WebSocket, ACloseWithoutCodeIsAnsweredInKind) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.connected().send(frame(0x88, "")), Outcome::closed);
  EXPECT_EQ(client.answered, server_frame(0x88, ""));
  EXPECT_EQ(client.socket.close_code(), CloseCode::no_status);
}

// [RFC6455 7.4] A close frame has a code that may be sent and a reason in UTF-8, or neither
TEST(WebSocket, CloseCodesAreChecked) {
  for (const int code : {1000, 1003, 1007, 1011, 1014, 3000, 4999})
    EXPECT_EQ(refusal_of(close_frame(code)), Refused{}) << code;
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535})
    EXPECT_EQ(refusal_of(close_frame(code)), (Refused{1002, "A close frame has no valid code."})) << code;
  EXPECT_EQ(refusal_of(frame(0x88, "\x03")), (Refused{1002, "A close frame has no valid code."}));
  EXPECT_EQ(refusal_of(close_frame(1000, "\xff")), (Refused{1007, "The reason of a close frame is not UTF-8."}));
}

// [RFC6455 7.1.2] At the drain we close with 1001 and wait for the answer; nothing more is written, and what comes is
// dropped
TEST(WebSocket, WeCloseAndWaitForTheAnswer) {
  WebSocketClientForTest client;
  EXPECT_EQ(client.connected().send(frame(0x01, "half a mess")), Outcome::more);
  client.socket.close(CloseCode::going_away, "Bellhop is going away", client.answered);
  EXPECT_EQ(client.take_answered(), server_close(1001, "Bellhop is going away"));
  client.socket.close(CloseCode::normal, "", client.answered);
  EXPECT_FALSE(client.socket.write("SIP", client.answered));
  EXPECT_EQ(client.send(frame(0x80, "age") + text_frame("b") + frame(0x89, "") + frame(0x01, "c")), Outcome::more);
  EXPECT_EQ(client.send(close_frame(1001)), Outcome::closed);
  EXPECT_EQ(client.answered, "");
  EXPECT_EQ(client.socket.close_code(), CloseCode::going_away);
  EXPECT_THAT(client.messages, IsEmpty());
}

// [RFC6455 7.1.7] A fault while we wait for the close ends it without a second close frame
TEST(WebSocket, AFaultAfterOurCloseIsTheEnd) {
  WebSocketClientForTest client;
  client.connected().socket.close(CloseCode::going_away, "", client.answered);
  EXPECT_EQ(client.take_answered(), server_close(1001, ""));
  EXPECT_EQ(client.send(frame(0x81, "", Masked::no)), Outcome::refused);
  EXPECT_EQ(client.answered, "");
  EXPECT_EQ(client.socket.refusal(), "A frame is not masked.");
}

// [RFC6455 5.5] A reason is cut so that the frame stays a control frame, and not within a character
TEST(WebSocket, LongReasonsAreCut) {
  WebSocketClientForTest ascii, umlauts;
  ascii.connected().socket.close(CloseCode::policy, std::string(200, 'r'), ascii.answered);
  EXPECT_EQ(ascii.answered, server_close(1008, std::string(123, 'r')));
  std::string reason;
  while (reason.size() < 122) reason += "\xc3\xbc";
  umlauts.connected().socket.close(CloseCode::policy, reason + "\xc3\xbc", umlauts.answered);
  EXPECT_EQ(umlauts.answered, server_close(1008, reason));
}

// [RFC6455 7.1.7] The receiver of a message may answer it, or close, while octets are still being read
TEST(WebSocket, TheReceiverMayWriteAndCloseMeanwhile) {
  WebSocketClientForTest client;
  client.on_each = [](WebSocketClientForTest& self) {
    EXPECT_TRUE(self.socket.write("SIP/2.0 200 OK", self.answered));
    if (self.messages.size() == 2) self.socket.close(CloseCode::policy, "enough", self.answered);
  };
  EXPECT_EQ(client.connected().send(text_frame("a") + text_frame("b") + text_frame("c")), Outcome::more);
  EXPECT_EQ(client.answered,
            server_frame(0x81, "SIP/2.0 200 OK") + server_frame(0x81, "SIP/2.0 200 OK") + server_close(1008, "enough"));
  EXPECT_THAT(client.messages, ElementsAre("a", "b"));
}

// [threats 73] Memory follows what has arrived, not what is announced
TEST(WebSocket, AnnouncedOctetsTakeNoMemory) {
  WebSocketClientForTest client(rules_of(std::size_t{1} << 30));
  client.connected();
  using std::string_view_literals::operator""sv;
  const std::size_t before = heap_in_use();
  EXPECT_EQ(client.send("\x82\xff\0\0\0\0\x3f\xff\xff\xff\x37\xfa\x21\x3dxyz"sv), Outcome::more);
  EXPECT_LT(heap_in_use(), before + 6 * 1024);
}

// [threats 69] An idle connection is the object and nothing else
TEST(WebSocket, IdleConnectionsHoldNothing) {
  EXPECT_LE(sizeof(WebSocket), 24u);
  const WebSocketRules rules;
  const std::string stream =
      std::string(upgrade_of_rfc7118) + text_frame("a") + frame(0x89, "ping") + frame(0x01, "b") + frame(0x80, "c");
  WebSocketClientForTest ears;
  std::vector<WebSocket> sockets;
  sockets.reserve(1001);
  const auto connect = [&] {
    WebSocket& socket = sockets.emplace_back(rules);
    for (std::size_t at = 0; at < stream.size(); at += 100)
      EXPECT_EQ(socket.take(std::string_view(stream).substr(at, 100), ears, ears.answered), Outcome::more);
    ears.messages.clear();
    ears.answered.clear();
  };
  connect();  // what the libraries allocate once is not counted
  const std::size_t before = heap_in_use();
  for (int i = 0; i < 1000; ++i) connect();
  EXPECT_LT(heap_in_use(), before + 8 * 1024);
}

// [RFC6455 5.2] A connection can be moved while a frame is under way
TEST(WebSocket, MovesWithHalfAFrame) {
  const WebSocketRules rules;
  WebSocketClientForTest ears;
  std::string out;
  WebSocket first(rules);
  const std::string stream = std::string(upgrade_of_rfc7118) + text_frame("moved");
  EXPECT_EQ(first.take(stream.substr(0, stream.size() - 2), ears, out), Outcome::more);
  WebSocket second(std::move(first));
  EXPECT_EQ(second.take(stream.substr(stream.size() - 2), ears, out), Outcome::more);
  EXPECT_THAT(ears.messages, ElementsAre("moved"));
}

}  // namespace
}  // namespace bellhop::transport
