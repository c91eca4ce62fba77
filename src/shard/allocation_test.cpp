#include <gtest/gtest.h>

#include "auth/phone_for_test.hpp"
#include "base/allocations_for_test.hpp"
#include "base/temporary_folder_for_test.hpp"
#include "shard/lone_shard_for_test.hpp"

namespace bellhop::shard {
namespace {

constexpr const char* open_house =
    "[server]\ndata_dir = \"/nonexistent/test\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"\n"
    "[[domain]]\nname = \"example.test\"\nauthenticate = \"none\"\n";

constexpr const char* closed_house =
    "[server]\ndata_dir = \"/nonexistent/test\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"\n"
    "[[domain]]\nname = \"example.test\"\nauthenticate = \"register\"\n"
    "[guard]\nexempt = [\"127.0.0.0/8\"]\n";

class ShardAllocations : public testing::Test {
 protected:
  explicit ShardAllocations(const char* config = open_house) : shard_(config) {}

  /// What hearing the phone's next request costs, once everything is warm.
  template <class Next>
  std::size_t allocations_of_hearing(const Next& next, std::string_view expected = "SIP/2.0 200 ") {
    std::string octets;
    for (int i = 0; i < 3; ++i) shard_.hear(from_, octets = next());
    octets = next();
    const std::size_t before = allocations_made;
    const std::string& answer = shard_.hear(from_, octets);
    const std::size_t made = allocations_made - before;
    EXPECT_TRUE(answer.starts_with(expected)) << answer;
    return made;
  }

  TemporaryFolder folder_;
  LoneShard shard_;
  PhoneText phone_{.number = 4711};
  const Endpoint from_ = *Endpoint::parse(PhoneText::address);
};

// [house 3] OPTIONS that we answer ourselves costs no heap allocation.
TEST_F(ShardAllocations, AnswerToOptionsCostsNone) {
  EXPECT_EQ(allocations_of_hearing([&] {
              ++phone_.sequence;
              return phone_.options();
            }),
            0U);
}

// [house 3] A phone that keeps its registration up costs no heap allocation, the journal included.
TEST_F(ShardAllocations, RefreshOfABindingCostsNone) {
  shard_.open_journal(folder_.file("location.journal"));
  EXPECT_EQ(allocations_of_hearing([&] {
              ++phone_.sequence, ++phone_.cseq;
              return phone_.registration();
            }),
            0U);
}

/// A domain that asks its phones for a password.
class ClosedShardAllocations : public ShardAllocations {
 protected:
  ClosedShardAllocations() : ShardAllocations(closed_house) {
    shard_.open_journal(folder_.file("location.journal"));
    shard_.add_account("u4711", "secret");
    shard_.accounts_added();
    const std::string& challenge = shard_.hear(from_, next());
    const std::string_view key = "nonce=\"";
    const auto at = challenge.find(key) + key.size();
    secret_.nonce = challenge.substr(at, challenge.find('"', at) - at);
    secret_.username = "u4711";
    secret_.password = "secret";
  }
  std::string next() {
    ++phone_.sequence, ++phone_.cseq;
    return phone_.registration();
  }

  auth::Phone secret_;
};

// [house 3] Nor does a challenge.
TEST_F(ClosedShardAllocations, ChallengeCostsNone) {
  EXPECT_EQ(allocations_of_hearing([&] { return next(); }, "SIP/2.0 401 "), 0U);
}

// [house 3] Nor do credentials that use a nonce again.
TEST_F(ClosedShardAllocations, RefreshWithCredentialsCostsNone) {
  EXPECT_EQ(allocations_of_hearing([&] {
              phone_.credentials = fmt::format("Authorization: {}\r\n", secret_.value());
              return next();
            }),
            0U);
}

}  // namespace
}  // namespace bellhop::shard
