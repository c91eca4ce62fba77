#include "storage/directory.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace bellhop::storage {
namespace {

constexpr std::string_view domain = "example.test";

void add_account(Directory::Contents& contents, std::string_view user, std::string_view password, bool sip = true) {
  contents.accounts.push_back({std::string(user), std::string(domain), sip});
  for (auto& credential : make_credentials(user, domain, user, password)) contents.credentials.push_back(credential);
}

std::string md5(const Directory::Secret& secret) {
  return to_hex({reinterpret_cast<const char*>(secret.ha1.md5.data()), secret.ha1.md5.size()});
}

class DirectoryOfAlice : public ::testing::Test {
 protected:
  DirectoryOfAlice() {
    Directory::Contents contents;
    add_account(contents, "Alice", "w");
    add_account(contents, "bob", "b", false);
    contents.aliases = {{"A2", "example.test", "alice"}, {"desk", "example.test", "sip:x@other.test"}};
    for (auto& credential : make_credentials("a2", domain, "alice", "w")) contents.credentials.push_back(credential);
    contents.domains = {"Stored.test"};
    directory_.replace(std::move(contents));
  }
  Directory directory_;
};

// [CUCM-03] user, user@realm, alias and alias@realm are authentication names of one account
TEST_F(DirectoryOfAlice, FindsEachFormOfTheAuthenticationName) {
  for (const std::string name :
       {"alice", "Alice", "alice@example.test", "Alice@example.test", "a2", "a2@example.test"}) {
    const auto secret = directory_.credential(name, domain);
    ASSERT_TRUE(secret) << name;
    EXPECT_EQ(secret->account_user, "alice") << name;
    EXPECT_EQ(md5(*secret), crypto::ha1(crypto::HashAlgorithm::md5, name, domain, "w").view()) << name;
  }
}

// [DET-01] H(A1) covers the letters of the name, so another spelling has no credential
TEST_F(DirectoryOfAlice, FindsNoOtherSpelling) {
  for (const std::string name : {"ALICE", "alice@EXAMPLE.test", "alice@other.test", "@example.test", "", "alice@",
                                 "alice@example.test@example.test", "example.test"})
    EXPECT_FALSE(directory_.credential(name, domain)) << name;
  EXPECT_FALSE(directory_.credential("alice", "other.test"));
  EXPECT_FALSE(directory_.credential(std::string(5000, 'a'), domain));
}

// [PAR-06] a realm lacks SHA-256 while one of its accounts has an H(A1) for MD5 alone
TEST_F(DirectoryOfAlice, TellsWhichRealmLacksSha256) {
  EXPECT_FALSE(directory_.lacks_sha256(domain));
  Directory::Contents contents;
  add_account(contents, "alice", "w");
  contents.accounts.push_back({"old", "old.test"});
  PasswordHashes md5_only;
  ASSERT_TRUE(add_ha1(std::string(32, 'a'), md5_only));
  contents.credentials.push_back(given_credential("old", "Old.test", md5_only));
  // Left out of the directory, so it does not count: it has no account, or a static one stands before it.
  contents.credentials.push_back(given_credential("nobody", domain, md5_only));
  contents.credentials.push_back(given_credential("alice", domain, md5_only));
  directory_.replace(contents);
  EXPECT_TRUE(directory_.lacks_sha256("old.test"));
  EXPECT_FALSE(directory_.lacks_sha256(domain));
  EXPECT_FALSE(directory_.lacks_sha256("nowhere.test"));
  contents.credentials.erase(contents.credentials.end() - 3, contents.credentials.end());
  directory_.replace(std::move(contents));
  EXPECT_FALSE(directory_.lacks_sha256("old.test"));
}

// [REG-09] accounts and aliases are found in any case
TEST_F(DirectoryOfAlice, FindsAccountsAndAliasesInAnyCase) {
  EXPECT_EQ(directory_.account("ALICE", "EXAMPLE.test")->user, "alice");
  EXPECT_EQ(directory_.account("ALICE", "EXAMPLE.test")->domain, "example.test");
  EXPECT_FALSE(directory_.account("bob", domain)->sip);
  EXPECT_FALSE(directory_.account("carol", domain));
  EXPECT_EQ(directory_.alias("a2", domain), "alice");
  EXPECT_EQ(directory_.alias("Desk", domain), "sip:x@other.test");
  EXPECT_FALSE(directory_.alias("alice", domain));
  EXPECT_TRUE(directory_.stored_domain("STORED.test"));
  EXPECT_FALSE(directory_.stored_domain("example.test"));
  EXPECT_EQ(directory_.accounts(), 2U);
}

// [CGP-42] the account's SIP right comes with the credential
TEST_F(DirectoryOfAlice, CredentialTellsTheSipRight) {
  EXPECT_TRUE(directory_.credential("alice", domain)->sip);
  EXPECT_FALSE(directory_.credential("bob", domain)->sip);
}

// [threats 58] a name belongs to its account and to no other
TEST_F(DirectoryOfAlice, KnowsWhoseANameIs) {
  EXPECT_TRUE(directory_.is_name_of("Alice", "alice", domain));
  EXPECT_TRUE(directory_.is_name_of("a2", "alice", domain));
  EXPECT_FALSE(directory_.is_name_of("bob", "alice", domain));
  EXPECT_FALSE(directory_.is_name_of("desk", "alice", domain));
  EXPECT_FALSE(directory_.is_name_of("a2", "bob", domain));
  EXPECT_FALSE(directory_.is_name_of("a2", "alice", "other.test"));
}

// [threats 58] the domain ends where it ends: no shift of octets makes another key
TEST_F(DirectoryOfAlice, KeepsUserAndDomainApart) {
  EXPECT_FALSE(directory_.account("talice", "example.tes"));
  EXPECT_FALSE(directory_.account("test\0alice", "example."));
  EXPECT_FALSE(directory_.account("", domain));
}

// [house 6] a reload replaces all; what is gone is gone
TEST_F(DirectoryOfAlice, ReplaceForgetsWhatIsGone) {
  Directory::Contents contents;
  add_account(contents, "carol", "c");
  add_account(contents, "carol", "second is ignored", false);
  contents.credentials.push_back(make_credentials("ghost", domain, "ghost", "x").front());
  directory_.replace(std::move(contents));
  EXPECT_FALSE(directory_.credential("alice", domain));
  EXPECT_FALSE(directory_.alias("a2", domain));
  EXPECT_FALSE(directory_.stored_domain("stored.test"));
  EXPECT_EQ(md5(*directory_.credential("carol", domain)),
            crypto::ha1(crypto::HashAlgorithm::md5, "carol", domain, "c").view());
  EXPECT_TRUE(directory_.account("carol", domain)->sip);
  EXPECT_FALSE(directory_.credential("ghost", domain)) << "a credential without an account opens nothing";
  EXPECT_EQ(directory_.accounts(), 1U);
}

// [house 3] shards ask while the side thread replaces
TEST(Directory, AnswersWhileItIsReplaced) {
  Directory directory;
  const auto fill = [&](bool with_bob) {
    Directory::Contents contents;
    add_account(contents, "alice", "w");
    if (with_bob) add_account(contents, "bob", "b");
    directory.replace(std::move(contents));
  };
  fill(true);
  std::atomic<bool> done = false;
  std::thread asking([&] {
    while (!done) {
      const auto alice = directory.credential("alice", domain);
      ASSERT_TRUE(alice);
      EXPECT_EQ(alice->account_user, "alice");
      const auto bob = directory.account("bob", domain);
      EXPECT_TRUE(!bob || bob->user == "bob");
    }
  });
  for (int i = 0; i < 200; ++i) fill(i % 2 == 0);
  done = true;
  asking.join();
}

}  // namespace
}  // namespace bellhop::storage
