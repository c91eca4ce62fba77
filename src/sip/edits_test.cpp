#include "sip/edits.hpp"

#include <gmock/gmock.h>

#include <string>

#include "sip/test_text.hpp"

namespace bellhop::sip {
namespace {

using test::crlf;

const std::string invite = crlf(
                               "INVITE sip:bob@example.com SIP/2.0\n"
                               "Via: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2\n"
                               "X-Odd :  kept  as it is \n"
                               "Route: <sip:p1;lr>, <sip:p2;lr>\n"
                               "From: <sip:alice@example.com>;tag=a1\n"
                               "To: <sip:bob@example.com>\n"
                               "Call-ID: c1\n"
                               "CSeq: 1 INVITE\n"
                               "route: <sip:p3;lr>\n"
                               "Contact: <sip:alice@192.0.2.1:5060>\n"
                               "Content-Type: application/sdp\n"
                               "Content-Length: 4\n"
                               "\n") +
                           "body";

class EditsTest : public testing::Test {
 protected:
  EditsTest() : edits_(message_) {
    EXPECT_TRUE(message_.parse(invite, Limits{}, false));
    edits_.start(message_);
  }
  std::string written(FieldNames names = FieldNames::as_received) const {
    std::string out;
    edits_.write(out, names);
    return out;
  }
  /// The INVITE with `old_text` replaced, as the edit should have left it.
  static std::string with(std::string_view old_text, std::string_view new_text) {
    return with(invite, old_text, new_text);
  }
  static std::string with(std::string text, std::string_view old_text, std::string_view new_text) {
    const std::size_t at = text.find(old_text);
    EXPECT_NE(at, std::string::npos) << old_text;
    return text.replace(at, old_text.size(), new_text);
  }

  Message message_;
  Edits edits_;
};

// [MSG-08] Unknown headers and bodies pass byte for byte.
TEST_F(EditsTest, NothingEditedIsNothingChanged) {
  EXPECT_EQ(written(), invite);
}

// [RFC3261 16.6] The forwarded request: new Request-URI, Max-Forwards, Record-Route, Via.
TEST_F(EditsTest, AForwardedRequestIsCutAndPasted) {
  edits_.set_request_uri("sip:bob@192.0.2.9:5062");
  edits_.insert_above_first(HeaderId::via, "SIP/2.0/UDP proxy;branch=z9hG4bK3");
  edits_.add_parameter_to_first(HeaderId::via, "received", "192.0.2.1");
  edits_.add_parameter_to_first(HeaderId::via, "keep", {}, false);
  edits_.set(HeaderId::max_forwards, "69");
  edits_.insert_above_first(HeaderId::record_route, "<sip:proxy;lr>");
  EXPECT_EQ(written(),
            crlf("INVITE sip:bob@192.0.2.9:5062 SIP/2.0\n"
                 "Via: SIP/2.0/UDP proxy;branch=z9hG4bK3\n"
                 "Record-Route: <sip:proxy;lr>\n"
                 "Via: SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.1;keep, SIP/2.0/UDP b;branch=z9hG4bK2\n"
                 "X-Odd :  kept  as it is \n"
                 "Route: <sip:p1;lr>, <sip:p2;lr>\n"
                 "From: <sip:alice@example.com>;tag=a1\n"
                 "To: <sip:bob@example.com>\n"
                 "Call-ID: c1\n"
                 "CSeq: 1 INVITE\n"
                 "route: <sip:p3;lr>\n"
                 "Contact: <sip:alice@192.0.2.1:5060>\n"
                 "Content-Type: application/sdp\n"
                 "Content-Length: 4\n"
                 "Max-Forwards: 69\n"
                 "\n") +
                "body");
}

// [RFC3261 16.4] Our own Route values are taken off one after the other, over commas and lines.
TEST_F(EditsTest, RouteValuesAreRemovedOneByOne) {
  edits_.remove_first_value(HeaderId::route);
  EXPECT_EQ(written(), with("<sip:p1;lr>, <sip:p2;lr>", "<sip:p2;lr>"));
  edits_.remove_first_value(HeaderId::route);
  EXPECT_EQ(written(), with("Route: <sip:p1;lr>, <sip:p2;lr>\r\n", ""));
  edits_.remove_first_value(HeaderId::route);
  const std::string none_left = with(with("Route: <sip:p1;lr>, <sip:p2;lr>\r\n", ""), "route: <sip:p3;lr>\r\n", "");
  EXPECT_EQ(written(), none_left);
  edits_.remove_first_value(HeaderId::route);
  EXPECT_EQ(written(), none_left);
}

// [RFC3261 16.7] The top Via of a response is removed, whether it shares its line or not.
TEST_F(EditsTest, TheTopViaGoesAndTheNextStays) {
  edits_.remove_first_value(HeaderId::via);
  EXPECT_EQ(written(), with("SIP/2.0/UDP a;branch=z9hG4bK1, ", ""));
}

// [RFC3261 16.6] A part of a value, named by a view into the message, is replaced in place.
TEST_F(EditsTest, APartOfAValueIsReplaced) {
  edits_.replace_part(parse_contact(message_.value_of(HeaderId::contact))->address.uri.host, "203.0.113.7");
  edits_.replace_part(message_.from().uri.text, "sip:anonymous@anonymous.invalid");
  EXPECT_EQ(written(), with(with("<sip:alice@example.com>", "<sip:anonymous@anonymous.invalid>"), "192.0.2.1:5060",
                            "203.0.113.7:5060"));
}

// [RFC3261 20.22] Max-Forwards exists once, however often it is set.
TEST_F(EditsTest, SettingTwiceLeavesTheLastValue) {
  edits_.set(HeaderId::max_forwards, "69");
  edits_.set(HeaderId::max_forwards, "68");
  edits_.set(HeaderId::call_id, "c2");
  edits_.set(HeaderId::call_id, "c3");
  EXPECT_EQ(written(), with(with("Call-ID: c1", "Call-ID: c3"), "Content-Length: 4\r\n",
                            "Content-Length: 4\r\nMax-Forwards: 68\r\n"));
}

// [RFC3261 16.6] A field removed and set again is there, once.
TEST_F(EditsTest, SettingARemovedFieldBringsItBack) {
  edits_.remove_all(HeaderId::contact);
  edits_.set(HeaderId::contact, "<sip:new@h>");
  EXPECT_EQ(written(), with(with("Contact: <sip:alice@192.0.2.1:5060>\r\n", ""), "Content-Length: 4\r\n",
                            "Content-Length: 4\r\nContact: <sip:new@h>\r\n"));
}

// [RFC3325 5] A field is removed in all its spellings; an edit inside a removed field is gone with it.
TEST_F(EditsTest, RemovalSwallowsWhatWasEditedInside) {
  edits_.replace_part(message_.value(*message_.first(HeaderId::route)), "<sip:other>");
  edits_.add_parameter_to_first(HeaderId::route, "x", "y");
  edits_.remove_all(HeaderId::route);
  EXPECT_EQ(written(), with(with("Route: <sip:p1;lr>, <sip:p2;lr>\r\n", ""), "route: <sip:p3;lr>\r\n", ""));
}

// [RFC3261 7.3.1] Lines put at one place keep the order in which they were put there.
TEST_F(EditsTest, InsertionsAtOnePlaceKeepTheirOrder) {
  edits_.insert_above_first(HeaderId::path, "<sip:1>");
  edits_.insert_above_first(HeaderId::path, "<sip:2>");
  edits_.append("X-Last", "1");
  edits_.append("supported", "path");
  EXPECT_EQ(written(), with(with("SIP/2.0\r\nVia", "SIP/2.0\r\nPath: <sip:1>\r\nPath: <sip:2>\r\nVia"), "Length: 4\r\n",
                            "Length: 4\r\nX-Last: 1\r\nSupported: path\r\n"));
}

// [RFC3261 20.14] A new body has its length and type; without a type the old one goes.
TEST_F(EditsTest, ANewBodyBringsItsHeaders) {
  edits_.set_body("text/plain", "a longer body");
  EXPECT_EQ(written(), with(with(with("application/sdp", "text/plain"), "Length: 4", "Length: 13"), "\r\n\r\nbody",
                            "\r\n\r\na longer body"));
  edits_.set_body({}, {});
  EXPECT_EQ(written(), with(with(with("Content-Type: application/sdp\r\n", ""), "Length: 4", "Length: 0"),
                            "\r\n\r\nbody", "\r\n\r\n"));
}

// [CGP-30] Short field names: every known field, received or inserted, takes its one-letter form.
TEST_F(EditsTest, CompactNamesAreUsedForAllFields) {
  edits_.remove_first_value(HeaderId::route);
  edits_.insert_above_first(HeaderId::via, "SIP/2.0/UDP proxy");
  edits_.replace_value(*message_.first(HeaderId::to), "<sip:robert@example.com>");
  edits_.append(HeaderId::max_forwards, "69");
  EXPECT_EQ(written(FieldNames::compact), crlf("INVITE sip:bob@example.com SIP/2.0\n"
                                               "v: SIP/2.0/UDP proxy\n"
                                               "v: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2\n"
                                               "X-Odd :  kept  as it is \n"
                                               "Route: <sip:p2;lr>\n"
                                               "f: <sip:alice@example.com>;tag=a1\n"
                                               "t: <sip:robert@example.com>\n"
                                               "i: c1\n"
                                               "CSeq: 1 INVITE\n"
                                               "route: <sip:p3;lr>\n"
                                               "m: <sip:alice@192.0.2.1:5060>\n"
                                               "c: application/sdp\n"
                                               "l: 4\n"
                                               "Max-Forwards: 69\n"
                                               "\n") +
                                              "body");
}

// [house 3] One edit list serves message after message.
TEST_F(EditsTest, StartForgetsTheEditsOfTheLastMessage) {
  edits_.set_request_uri("sip:elsewhere");
  edits_.start(message_);
  EXPECT_EQ(written(), invite);
}

// [RFC3261 20] A field whose value is empty can be given one, and given another.
TEST(Edits, AnEmptyValueIsReplaced) {
  const std::string octets = test::options_with("Subject:\n");
  Message message;
  ASSERT_TRUE(message.parse(octets, Limits{}, false));
  Edits edits(message);
  edits.set(HeaderId::subject, " one");
  edits.set(HeaderId::subject, " two");
  std::string out;
  edits.write(out);
  EXPECT_EQ(out, test::options_with("Subject: two\n"));
}

}  // namespace
}  // namespace bellhop::sip
