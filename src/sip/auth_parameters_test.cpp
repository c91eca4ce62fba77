#include "sip/auth_parameters.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(DigestName::count_)> names{
    "username", "username*", "realm", "nonce", "uri", "response", "algorithm", "qop", "nc", "cnonce", "opaque"};

/// What is found by name is what stands in the list.
void expect_agreement(const std::string& value) {
  const auto list = parse_auth(value);
  const DigestParameters by_name(value);
  ASSERT_EQ(by_name.good(), list.has_value()) << value;
  if (!list) return;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto name = static_cast<DigestName>(i);
    const auto* item = list->find(names[i]);
    EXPECT_EQ(by_name.has(name), item != nullptr) << names[i] << " of " << value;
    EXPECT_EQ(by_name.value(name), list->value(names[i])) << names[i] << " of " << value;
    EXPECT_EQ(by_name.has_quoted_pairs(name), list->value(names[i]).find('\\') != std::string_view::npos) << value;
  }
}

const std::string usual =
    "Digest username=\"u1\", realm=\"example.test\", nonce=\"0q5c2v0000000h2ag1k9m3f5qv\", uri=\"sip:example.test\", "
    "response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, nc=00000001";

// [RFC7616 3.4] the parameters of credentials, found by name in whatever form
TEST(DigestParameters, AreWhatTheListHolds) {
  for (const char* value : {
           "Digest USERNAME=\"a\",Realm = \"r\" , nOnCe=n,\r\n uri=\"sip:h\"\t,response=\"\"",
           "Digest username*=UTF-8''a, username=\"b\"",
           "Digest username=\"a\\\"b\\\\\",opaque=\"\",cnonce=\"x\\y\",realm=\"a\tb\",nonce=\"a\r\n b\"",
           "Digest charset=UTF-8,userhash=false,nd=1,usernamf=2,q=3,realms=4,username**=5,algorithn=6",
           "digest\trealm=\"\xc3\xa4\",a=b",
           "Other a=b",
           "Digest nc=1",
           "Digest algorithm=MD5=x",
       })
    expect_agreement(value);
  expect_agreement(usual);
}

// [threats 20] cut after every octet, or with any octet exchanged, both see the same
TEST(DigestParameters, RefuseWhatTheListRefuses) {
  for (const char* text :
       {"", "Digest", "Digest ", "Digest ,", "Digest a", "Digest a=", "Digest a=\"", "Digest =b", "Digest nc=b,",
        "Digest nc=b,,c=d", "Digest nc=b c=d", "Digest nc=b;c=d", "Digest nc=b, NC=c", "Digest x=b, X=c",
        "\"Digest\" a=b", "Digest uri=sip:h", "Digest realm=\"a\nb\"", "Digest nc\r\n=1", "Digest =================="})
    expect_agreement(text);
  for (std::size_t size = 0; size < usual.size(); ++size) {
    expect_agreement(usual.substr(0, size));
    for (const char octet : {'"', '\\', ',', '=', ' ', '\0', '\n', 'q', '\x7f'}) {
      std::string changed = usual;
      changed[size] = octet;
      expect_agreement(changed);
    }
  }
}

// However long the text is, and wherever in a block of it a delimiter stands
TEST(DigestParameters, AreFoundInTextsOfAnyLength) {
  for (const std::size_t around : {64, 128, 192, 256, 1024}) {
    for (std::size_t size = around - 5; size <= around + 5; ++size) {
      for (const std::string_view end : {"\"", ", nc=1", "\", nc=1", ",", "\","}) {
        const std::string begin = std::string("Digest realm=") + (end.starts_with('"') ? "\"" : "");
        const std::string text = begin + std::string(size - begin.size() - end.size(), 'x') + std::string(end);
        const std::vector<char> exact(text.begin(), text.end());
        EXPECT_EQ(DigestParameters({exact.data(), exact.size()}).good(), parse_auth(text).has_value()) << text;
        expect_agreement(text);
      }
    }
  }
}

// [threats 20] no more than 32 parameters, ours or not
TEST(DigestParameters, AreBounded) {
  std::string value = "Digest nc=1";
  for (int i = 1; i < 34; ++i) {
    value += ",p" + std::to_string(i) + "=v";
    expect_agreement(value);
  }
  EXPECT_FALSE(DigestParameters(value).good());
}

}  // namespace
}  // namespace bellhop::sip
