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

class ShardAllocations : public testing::Test {
 protected:
  /// What hearing the phone's next request costs, once everything is warm.
  template <class Next>
  std::size_t allocations_of_hearing(const Next& next) {
    std::string octets;
    for (int i = 0; i < 3; ++i) shard_.hear(from_, octets = next());
    octets = next();
    const std::size_t before = allocations_made;
    const std::string& answer = shard_.hear(from_, octets);
    const std::size_t made = allocations_made - before;
    EXPECT_TRUE(answer.starts_with("SIP/2.0 200 ")) << answer;
    return made;
  }

  TemporaryFolder folder_;
  LoneShard shard_{open_house};
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

}  // namespace
}  // namespace bellhop::shard
