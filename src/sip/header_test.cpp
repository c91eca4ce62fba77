#include "sip/header.hpp"

#include <gmock/gmock.h>

#include <map>
#include <string>

#include "base/text.hpp"

namespace bellhop::sip {
namespace {

template <class F>
void for_each_header(F&& visit) {
  for (int i = 1; i < static_cast<int>(HeaderId::count_); ++i) visit(static_cast<HeaderId>(i));
}

// [MSG-08] Every known header is found by its name.
TEST(Header, EveryNameIsFoundInAnyCase) {
  for_each_header([](HeaderId id) {
    const std::string name(name_of(id).name);
    ASSERT_FALSE(name.empty());
    std::string upper = name;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    EXPECT_EQ(header_from(name), id) << name;
    EXPECT_EQ(header_from(to_lower(name)), id) << name;
    EXPECT_EQ(header_from(upper), id) << name;
  });
}

// [RFC3261 7.3.1] Names are compared without case and in no other way loosely.
TEST(Header, OneWrongOctetAnywhereIsAnotherHeader) {
  for_each_header([](HeaderId id) {
    const std::string name(name_of(id).name);
    for (std::size_t i = 0; i < name.size(); ++i) {
      for (const char wrong : {'#', static_cast<char>(name[i] ^ 0x80), static_cast<char>(name[i] ^ 0x40)}) {
        std::string changed = name;
        changed[i] = wrong;
        EXPECT_EQ(header_from(changed), HeaderId::other) << changed;
      }
    }
    EXPECT_EQ(header_from(name + "x"), HeaderId::other);
    EXPECT_EQ(header_from(std::string("x") + name), HeaderId::other);
  });
  EXPECT_EQ(header_from("call\rid"), HeaderId::other);
  EXPECT_EQ(header_from(""), HeaderId::other);
  EXPECT_EQ(header_from(std::string(70000, 'a')), HeaderId::other);
}

// [RFC3261 7.3.3] The compact forms, with those of the extensions.
TEST(Header, CompactFormsAreTheRegisteredLetters) {
  const std::map<char, HeaderId> registered{
      {'a', HeaderId::accept_contact},
      {'b', HeaderId::referred_by},
      {'c', HeaderId::content_type},
      {'d', HeaderId::request_disposition},
      {'e', HeaderId::content_encoding},
      {'f', HeaderId::from},
      {'i', HeaderId::call_id},
      {'j', HeaderId::reject_contact},
      {'k', HeaderId::supported},
      {'l', HeaderId::content_length},
      {'m', HeaderId::contact},
      {'n', HeaderId::identity_info},
      {'o', HeaderId::event},
      {'r', HeaderId::refer_to},
      {'s', HeaderId::subject},
      {'t', HeaderId::to},
      {'u', HeaderId::allow_events},
      {'v', HeaderId::via},
      {'x', HeaderId::session_expires},
      {'y', HeaderId::identity},
  };
  for (char c = 'a'; c <= 'z'; ++c) {
    const auto at = registered.find(c);
    const HeaderId expected = at == registered.end() ? HeaderId::other : at->second;
    EXPECT_EQ(header_from(std::string(1, c)), expected) << c;
    EXPECT_EQ(header_from(std::string(1, static_cast<char>(c - 32))), expected) << c;
    EXPECT_EQ(name_of(expected).compact, expected == HeaderId::other ? '\0' : c);
  }
  EXPECT_EQ(header_from("@"), HeaderId::other);
  EXPECT_EQ(header_from("{"), HeaderId::other);
}

// [RFC3261 7.3.1] Credentials and challenges have commas inside one value and are no lists; nor is free text.
TEST(Header, CommasSeparateValuesOnlyWhereTheGrammarSaysSo) {
  for (const HeaderId id : {HeaderId::via, HeaderId::route, HeaderId::record_route, HeaderId::contact, HeaderId::path,
                            HeaderId::allow, HeaderId::supported, HeaderId::p_asserted_identity, HeaderId::warning,
                            HeaderId::history_info, HeaderId::accept_contact, HeaderId::reason}) {
    EXPECT_TRUE(name_of(id).list) << name_of(id).name;
  }
  for (const HeaderId id : {HeaderId::authorization, HeaderId::proxy_authorization, HeaderId::www_authenticate,
                            HeaderId::proxy_authenticate, HeaderId::date, HeaderId::subject, HeaderId::from,
                            HeaderId::to, HeaderId::cseq, HeaderId::refer_to, HeaderId::event, HeaderId::user_agent,
                            HeaderId::organization, HeaderId::server, HeaderId::retry_after, HeaderId::other}) {
    EXPECT_FALSE(name_of(id).list) << name_of(id).name;
  }
}

}  // namespace
}  // namespace bellhop::sip
