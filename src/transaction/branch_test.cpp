#include "transaction/branch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "transaction/sent_via.hpp"
#include "transaction/tables_for_test.hpp"

namespace bellhop::transaction {
namespace {

constexpr crypto::Key key{1, 2, 3, 4};
constexpr crypto::Key other_key{4, 3, 2, 1};

std::string text_of(const Branch& branch) {
  std::string text;
  branch.append_to(text, key);
  return text;
}

// [RFC3261 8.1.1.7] A branch begins with the cookie, is a token and gives back what was put in.
TEST(Branch, GivesBackWhatWasPutIn) {
  for (const Branch& in : {Branch{0, {0, 1}, 0}, Branch{7, {499'999, 0xffffffff}, 0x0123456789abcdef},
                           Branch{0xffff, {0xfffffffe, 5}, UINT64_MAX}}) {
    const std::string text = text_of(in);
    EXPECT_TRUE(text.starts_with("z9hG4bK"));
    EXPECT_TRUE(sip::is_token(text));
    const auto out = Branch::parse(text, key);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->shard, in.shard);
    EXPECT_EQ(out->slot, in.slot);
    EXPECT_EQ(out->loop, in.loop);
  }
}

// [RFC3261 7.3.1] Tokens are compared without case: a peer that changes it is still understood.
TEST(Branch, IsReadInAnyCase) {
  std::string text = text_of({3, {12, 34}, 56});
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto out = Branch::parse(text, key);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->slot, (SlotId{12, 34}));
}

// [threats 34] Any change of any character, cut or addition makes it a stranger's; so does another key.
TEST(Branch, ForgedOrDamagedIsNotOurs) {
  const std::string text = text_of({3, {12, 34}, 56});
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = damaged[i] == '1' ? '2' : '1';
    EXPECT_FALSE(Branch::parse(damaged, key)) << damaged;
    EXPECT_FALSE(Branch::parse(text.substr(0, i), key));
  }
  EXPECT_FALSE(Branch::parse(text + "0", key));
  EXPECT_FALSE(Branch::parse(text, other_key));
  EXPECT_FALSE(Branch::parse("z9hG4bK776asdhds", key));
  EXPECT_FALSE(Branch::parse("", key));
}

// [RFC3261 18.1.2] Sent-by, CSeq method and number of Via values are read alike from the request and its response.
TEST(SentVia, RequestAndResponseAgree) {
  Parsed parsed;
  Text text;
  for (const std::string more : {"", "Via: SIP/2.0/UDP a.test;branch=z9hG4bK1\r\n",
                                 "v: SIP/2.0/TCP a.test , SIP/2.0/UDP b.test\r\nVIA : SIP/2.0/UDP c.test\r\n",
                                 "Via: SIP/2.0/UDP a.test,\r\n SIP/2.0/UDP b.test\r\nVersion: 3\r\n"}) {
    text.more_vias = more;
    const SentVia sent = SentVia::of_request(text.request());
    EXPECT_GE(sent.count, 1);
    EXPECT_EQ(sent, SentVia::of_response(parsed(text.response(200)))) << more;
  }
}

// [RFC3261 18.1.2] What looks like a Via in the body does not count.
TEST(SentVia, BodyIsNotLookedAt) {
  Text text;
  const SentVia without = SentVia::of_request(text.request());
  EXPECT_EQ(SentVia::of_request(text.request() + "v=0\r\nVia: SIP/2.0/UDP x.test\r\n"), without);
  EXPECT_EQ(without.count, 1);
}

}  // namespace
}  // namespace bellhop::transaction
