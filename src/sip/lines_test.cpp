#include "sip/lines.hpp"

#include <gmock/gmock.h>

#include <string>

namespace bellhop::sip {
namespace {

using Kind = HeaderLine::Kind;

std::string_view name(std::string_view text, const HeaderLine& line) {
  return text.substr(line.field.name_at, line.field.name_size);
}
std::string_view value(std::string_view text, const HeaderLine& line) {
  return text.substr(line.field.value_at, line.field.value_size);
}

// [RFC3261 7.3.1] "Subject:lunch" and "Subject  :   lunch" are the same field.
TEST(NextLine, WhiteSpaceAroundTheColonAndBehindTheValueIsNoPartOfThem) {
  for (const std::string_view text :
       {"Subject:lunch\r\nx", "Subject  \t:   lunch\r\nx", "Subject: lunch  \t \r\nx", "sUBJECT:\r\n lunch\r\nx"}) {
    const HeaderLine line = next_line(text, 0);
    ASSERT_EQ(line.kind, Kind::field) << text;
    EXPECT_EQ(line.field.id, HeaderId::subject);
    EXPECT_EQ(name(text, line).size(), 7u);
    EXPECT_EQ(value(text, line), "lunch");
    EXPECT_FALSE(line.field.folded);
    EXPECT_EQ(text.substr(line.field.end_at), "x");
  }
}

// [RFC3261 7.3.1] A line that starts with white space continues the one above; the break belongs to the value.
TEST(NextLine, FoldsStayInsideTheValueAsReceived) {
  const std::string_view text = "X-New: one\r\n  two\r\n\tthree\r\nTo: x\r\n";
  const HeaderLine line = next_line(text, 0);
  ASSERT_EQ(line.kind, Kind::field);
  EXPECT_EQ(value(text, line), "one\r\n  two\r\n\tthree");
  EXPECT_TRUE(line.field.folded);
  EXPECT_EQ(text.substr(line.field.end_at), "To: x\r\n");
}

// [RFC3261 25.1] A field without value is allowed for many headers; editing needs to know where it would go.
TEST(NextLine, AnEmptyValueStandsBehindItsColon) {
  for (const std::string_view text :
       {"Subject:\r\nTo: x\r\n", "Subject:   \r\nTo: x\r\n", "Subject:\r\n \r\nTo: x\r\n"}) {
    const HeaderLine line = next_line(text, 0);
    ASSERT_EQ(line.kind, Kind::field);
    EXPECT_EQ(line.field.value_size, 0u);
    EXPECT_EQ(line.field.value_at, 8u);
    EXPECT_EQ(text.substr(line.field.end_at), "To: x\r\n");
  }
}

// [threats 19] white space before the colon: SP/HTAB legal and matched by the same rules; other octets 400
TEST(NextLine, AnyOtherOctetInANameIsRefused) {
  for (const char odd : {'\0', '\x0b', '\x0c', '\x7f', '\xa0', '(', '"', '/', '@', ',', ';', '\r'}) {
    const std::string text = std::string("Subject") + odd + ": lunch\r\nx";
    EXPECT_EQ(next_line(text, 0).kind, Kind::malformed) << static_cast<int>(odd);
    EXPECT_EQ(next_line(text, 0).field.end_at, text.size() - 1);
  }
  EXPECT_EQ(next_line("Sub ject: lunch\r\nx", 0).kind, Kind::malformed);
  EXPECT_EQ(next_line(": lunch\r\nx", 0).kind, Kind::malformed);
  EXPECT_EQ(next_line("lunch\r\nx", 0).kind, Kind::malformed);
  EXPECT_EQ(next_line("To\r\n : lunch\r\nx", 0).kind, Kind::malformed);
}

// [RFC3261 7] Lines end with CRLF; what does not is told apart from a line that is not there yet.
TEST(NextLine, EndsAreToldApart) {
  EXPECT_EQ(next_line("\r\nbody", 0).kind, Kind::blank);
  EXPECT_EQ(next_line("\r\nbody", 0).field.end_at, 2u);
  EXPECT_EQ(next_line("To: x\n\r\n", 0).kind, Kind::bare_newline);
  EXPECT_EQ(next_line("\nTo: x\r\n", 0).kind, Kind::bare_newline);
  EXPECT_EQ(next_line("To: x\r\n y\nz\r\n", 0).kind, Kind::bare_newline);
  for (const std::string_view text : {"", "T", "To: x", "To: x\r", "\r"}) {
    EXPECT_EQ(next_line(text, 0).kind, Kind::unterminated) << text;
    EXPECT_EQ(next_line(text, 0).field.end_at, text.size());
  }
}

// [threats 22] NUL, DEL, bare CR: as the grammar says, wherever they stand; 8-bit octets and HTAB pass
TEST(FindForbiddenOctet, ControlOctetsAreFoundAtEveryPositionButInQuotedPairs) {
  const std::string sound(70, 'x');
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (const char odd : {'\0', '\x01', '\x0b', '\x1f', '\x7f', '\r', '\n'}) {
      std::string text = sound + "\r\n";
      text[at] = odd;
      EXPECT_EQ(find_forbidden_octet(text), at);
      if (at == 0 || odd == '\r' || odd == '\n') continue;
      text[at - 1] = '\\';
      EXPECT_EQ(find_forbidden_octet(text), std::string::npos);
    }
    for (const char fine : {'\t', '\x80', '\xff', ' ', '~'}) {
      std::string text = sound + "\r\n";
      text[at] = fine;
      EXPECT_EQ(find_forbidden_octet(text), std::string::npos);
    }
  }
}

// [threats 25] 60 kB header, 15,000 folds: normal or 400/513
TEST(FindForbiddenOctet, FoldsAndLongTextsAreNoFault) {
  std::string text;
  for (int i = 0; i < 15'000; ++i) text += "xy\r\n ";
  text += "\r\n";
  EXPECT_EQ(find_forbidden_octet(text), std::string::npos);
  EXPECT_EQ(find_forbidden_octet(std::string(100'000, 'x')), std::string::npos);
}

}  // namespace
}  // namespace bellhop::sip
