#include "sip/octets.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <string>

#include "sip/lines.hpp"

namespace bellhop::sip {
namespace {

// A heap copy of exact size: an octet read behind the end is then seen by the address sanitizer.
struct Exact {
  explicit Exact(const std::string& text) : octets(new char[text.size()]), size(text.size()) {
    std::copy(text.begin(), text.end(), octets.get());
  }
  [[nodiscard]] const char* end() const { return octets.get() + size; }
  std::unique_ptr<char[]> octets;
  std::size_t size;
};

std::string random_text(std::mt19937& random, std::size_t size, std::string_view of) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += of[random() % of.size()];
  return text;
}

TEST(Octets, APartIsLoadedWithZerosBehindIt) {
  for (std::size_t size = 0; size <= octets::step; ++size) {
    const Exact exact(std::string("ABCDEFGHIJKLMNOP").substr(0, size));
    const octets::Sixteen loaded = octets::load_part(exact.octets.get(), size);
    for (std::size_t i = 0; i < octets::step; ++i) EXPECT_EQ(loaded[i], i < size ? 'A' + i : 0) << size << ' ' << i;
  }
}

TEST(Octets, GatheringIsTheSameWithAndWithoutTheInstructionForIt) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    octets::Sixteen some;
    for (std::size_t lane = 0; lane < octets::step; ++lane) some[lane] = static_cast<unsigned char>(random());
    EXPECT_EQ(octets::bits_of(some), octets::gathered(some));
  }
}

TEST(Octets, EveryOctetIsClassedAsItShouldBe) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    octets::Sixteen some{};
    some[3] = static_cast<unsigned char>(octet);
    const char c = static_cast<char>(octet);
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    EXPECT_EQ((octets::plain(some) & 8) != 0, alphanumeric || c == '-' || c == '_' || c == '.') << octet;
    EXPECT_EQ((octets::controls(some) & 8) != 0, octet < 0x20 || octet == 0x7f) << octet;
  }
}

// Whatever instructions the machine has, a block is classed as its octets are one by one.
TEST(Octets, BlocksAreClassedAsSixteenOctetsAre) {
  for (unsigned octet = 0; octet < 256; ++octet) {
    for (std::size_t size = 0; size <= 130; size += size % 7 + 1) {
      const Exact exact(std::string(size, static_cast<char>(octet)));
      const std::string_view text(exact.octets.get(), exact.size);
      octets::Sixteen some{};
      some[0] = static_cast<unsigned char>(octet);
      const char* const at = text.data() + size / 3;
      const char* const end = exact.end() - size / 9;
      const octets::BlockBits all = end - at >= 64 ? ~octets::BlockBits{0} : (octets::BlockBits{1} << (end - at)) - 1;
      EXPECT_EQ(octets::next_delimiters(text, at, end), (octets::plain(some) & 1) != 0 ? 0 : all);
      EXPECT_EQ(octets::next_controls(text, at, end), (octets::controls(some) & 1) != 0 ? all : 0);
    }
  }
}

TEST(Octets, BlocksAreClassedAlikeByWideStepsAndByShortOnes) {
  std::mt19937 random(4);
  for (int i = 0; i < 1000; ++i) {
    char some[octets::block];
    for (char& octet : some) octet = static_cast<char>(random());
    EXPECT_EQ(octets::controls_in_block(some), octets::in_four_steps(some, octets::controls));
    EXPECT_EQ(octets::delimiters_in_block(some), ~octets::in_four_steps(some, octets::plain));
  }
}

TEST(Octets, FindLooksAtAllOctetsAndAtNoneBehindThem) {
  std::mt19937 random(2);
  for (std::size_t size = 0; size < 70; ++size) {
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_text(random, size, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa:");
      const Exact exact(text);
      const char* const found = octets::find(exact.octets.get(), exact.end(),
                                             [](octets::Sixteen some) { return octets::bits_of(some == ':'); });
      EXPECT_EQ(found - exact.octets.get(), static_cast<std::ptrdiff_t>(std::min(text.find(':'), size)));
    }
  }
}

void expect_same(const HeaderField& quick, const HeaderLine& slow, const std::string& text) {
  ASSERT_EQ(slow.kind, HeaderLine::Kind::field) << text;
  EXPECT_EQ(quick.name_at, slow.field.name_at);
  EXPECT_EQ(quick.value_at, slow.field.value_at);
  EXPECT_EQ(quick.value_size, slow.field.value_size);
  EXPECT_EQ(quick.end_at, slow.field.end_at);
  EXPECT_EQ(quick.name_size, slow.field.name_size);
  EXPECT_EQ(quick.id, slow.field.id);
  EXPECT_EQ(quick.folded, slow.field.folded);
}

/// How many of a text's lines, all of which odd_line() cuts, were taken quickly.
int compare_ways_to_cut(const std::string& text, bool wide) {
  const Exact exact(text);
  const std::string_view octets(exact.octets.get(), exact.size);
  int quick = 0;
  for (Lines lines(octets, 0);;) {
    HeaderField fields[3];
    std::size_t at = lines.at();
    const HeaderField* const end = lines.take_usual(std::begin(fields), std::end(fields), wide);
    for (const HeaderField* field = fields; field != end; ++field, ++quick) {
      expect_same(*field, odd_line(octets, at), text);
      at = field->end_at;
      EXPECT_EQ(find_forbidden_octet(octets.substr(field->name_at, at - field->name_at)), std::string::npos);
    }
    EXPECT_EQ(lines.at(), at);
    const HeaderLine slow = odd_line(octets, at);
    const HeaderLine line = lines.next();
    EXPECT_EQ(line.kind, slow.kind);
    EXPECT_EQ(lines.at(), slow.field.end_at);
    if (line.kind == HeaderLine::Kind::field) expect_same(line.field, slow, text);
    const std::string_view whole = octets.substr(at, lines.at() - at);
    EXPECT_TRUE(!line.plain || find_forbidden_octet(whole) == std::string::npos);
    if (slow.kind == HeaderLine::Kind::unterminated) return quick;
  }
}

// The quick ways to cut a line and the one that looks at each octet agree, whatever stands in it.
TEST(Lines, UsualLinesAreCutAsAllOthers) {
  std::mt19937 random(3);
  int quick = 0, quick_by_sixteen = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int line = 0; line < 6; ++line) {
      text += random_text(random, random() % 3, "ToVia-x \t") +
              std::array{"To", "X-A", "m", "Proxy-Authorization", "User-Agent"}[random() % 5] +
              (random() % 9 != 0 ? ":" : "") +
              random_text(random, random() % 70, random() % 3 == 0 ? "ab :\t\r\n\x7f\\" : "abc :,") +
              (random() % 9 != 0 ? "\r\n" : "\n");
    }
    quick += compare_ways_to_cut(text, octets::has_wide);
    quick_by_sixteen += compare_ways_to_cut(text, false);
  }
  EXPECT_GT(quick, 5'000);
  EXPECT_GT(quick_by_sixteen, 5'000);
}

}  // namespace
}  // namespace bellhop::sip
