#include "storage/accounts.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/temporary_folder_for_test.hpp"
#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "storage/directory.hpp"

namespace bellhop::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::string hex(const PasswordHashes& hashes) {
  return to_hex({reinterpret_cast<const char*>(hashes.md5.data()), hashes.md5.size()});
}
std::string md5(std::string_view name, std::string_view realm, std::string_view password) {
  return std::string(crypto::ha1(crypto::HashAlgorithm::md5, name, realm, password).view());
}

class Accounts : public ::testing::Test {
 protected:
  Accounts() {
    path_ = directory_ / "bellhop.db";
    store_ = open_sqlite_accounts(path_);
  }

  std::vector<std::string> users() {
    std::vector<std::string> out;
    store_->for_each_account([&](const Account& a) { out.push_back(a.user + "@" + a.domain + (a.sip ? "" : " off")); });
    return out;
  }
  std::map<std::string, Credential> credentials() {
    std::map<std::string, Credential> out;
    store_->for_each_credential([&](const Credential& c) { out[c.name + "@" + c.realm] = c; });
    return out;
  }
  std::vector<std::string> aliases() {
    std::vector<std::string> out;
    store_->for_each_alias([&](const Alias& a) { out.push_back(a.user + "@" + a.domain + " -> " + a.target); });
    return out;
  }

  TemporaryFolder folder_;
  std::filesystem::path directory_ = folder_.path(), path_;
  std::unique_ptr<AccountStore> store_;
};

// [PAR-06] what is kept of a password are H(A1) values for both algorithms and both spellings of the user name
TEST_F(Accounts, KeepHashesOfThePasswordForEachFormOfTheName) {
  ASSERT_TRUE(store_->put_account({"alice", "example.test"}, "wonderland", false));
  const auto kept = credentials();
  ASSERT_EQ(kept.size(), 1U);
  const Credential& alice = kept.at("alice@example.test");
  EXPECT_EQ(hex(alice.plain), md5("alice", "example.test", "wonderland"));
  EXPECT_EQ(hex(alice.qualified), md5("alice@example.test", "example.test", "wonderland"));
  EXPECT_EQ(to_hex({reinterpret_cast<const char*>(alice.plain.sha256.data()), 32}),
            crypto::ha1(crypto::HashAlgorithm::sha256, "alice", "example.test", "wonderland").view());
}

PasswordHashes ha1_of(std::initializer_list<std::string_view> hex) {
  PasswordHashes out;
  for (const auto one : hex) EXPECT_TRUE(add_ha1(one, out)) << one;
  return out;
}
const std::string hex_md5 = "0123456789abcdef0123456789ABCDEF";
const std::string hex_sha256 = hex_md5 + "00000000000000000000000000000001";

// [PAR-06] an H(A1) made elsewhere is kept as it is, for the name as it was written and nothing else
TEST_F(Accounts, TakeAnHa1MadeElsewhere) {
  ASSERT_TRUE(store_->put_alias({"a2", "example.test", "alice"}));
  ASSERT_TRUE(store_->put_account({"Alice", "Example.test"}, ha1_of({hex_md5}), false));
  EXPECT_THAT(users(), ElementsAre("alice@example.test"));
  const auto kept = credentials();
  ASSERT_EQ(kept.size(), 1U);
  const Credential& alice = kept.at("Alice@example.test");
  EXPECT_EQ(alice.account_user, "alice");
  EXPECT_EQ(hex(alice.plain), to_lower(hex_md5));
  EXPECT_FALSE(alice.plain.has_sha256());
  EXPECT_EQ(alice.qualified, PasswordHashes{});
  EXPECT_FALSE(store_->can_authenticate("a2", "example.test"));
}

// [PAR-06] an H(A1) takes the place of a password with all it opened, and the other way round
TEST_F(Accounts, Ha1AndPasswordReplaceEachOther) {
  ASSERT_TRUE(store_->put_alias({"a2", "example.test", "alice"}));
  ASSERT_TRUE(store_->put_account({"alice", "example.test"}, "w", false));
  const PasswordHashes both = ha1_of({hex_md5, hex_sha256});
  EXPECT_EQ(store_->put_account({"alice", "example.test"}, both, false).error(), StoreError::exists);
  ASSERT_TRUE(store_->put_account({"alice", "example.test"}, both, true));
  ASSERT_EQ(credentials().size(), 1U);
  EXPECT_EQ(credentials().at("alice@example.test").plain, both);
  ASSERT_TRUE(store_->put_account({"alice", "example.test"}, "w", true));
  EXPECT_EQ(credentials().size(), 2U);
  EXPECT_EQ(store_->put_account({"alice", "example.test"}, PasswordHashes{}, true).error(), StoreError::invalid);
  EXPECT_EQ(store_->put_account({"alice", "example.test"}, "", true).error(), StoreError::invalid);
}

// [PAR-06] what is imported by H(A1) stands beside what is imported by password
TEST_F(Accounts, ImportTakesHa1) {
  ASSERT_TRUE(store_->import({{"a", "example.test", "w"}, {"b", "example.test", "", ha1_of({hex_md5})}}));
  EXPECT_EQ(hex(credentials().at("b@example.test").plain), to_lower(hex_md5));
  EXPECT_TRUE(credentials().at("a@example.test").plain.has_sha256());
  EXPECT_EQ(store_->import({{"c", "example.test", ""}}).error(), StoreError::invalid);
}

// [PAR-06] one challenge is for all of a domain, so none may have MD5 alone beside others that have SHA-256 alone
TEST_F(Accounts, OfADomainHaveAnAlgorithmInCommon) {
  const PasswordHashes md5_only = ha1_of({hex_md5}), sha256_only = ha1_of({hex_sha256});
  ASSERT_TRUE(store_->put_account({"a", "example.test"}, md5_only, false));
  EXPECT_EQ(store_->put_account({"b", "example.test"}, sha256_only, false).error(), StoreError::no_common_algorithm);
  EXPECT_EQ(store_->import({{"c", "example.test", "w"}, {"b", "Example.test", "", sha256_only}}).error(),
            StoreError::no_common_algorithm);
  EXPECT_THAT(users(), ElementsAre("a@example.test"));
  EXPECT_TRUE(store_->put_account({"b", "other.test"}, sha256_only, false));
  EXPECT_TRUE(store_->put_account({"b", "example.test"}, ha1_of({hex_md5, hex_sha256}), false));
  EXPECT_TRUE(store_->import({{"a", "example.test", "", sha256_only}, {"b", "example.test", "", sha256_only}}));
}

// [DET-01] the password is never in clear on the disk
TEST_F(Accounts, NeverWriteTheClearPassword) {
  ASSERT_TRUE(store_->put_account({"alice", "example.test"}, "clear-as-day", false));
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(in), {}};
    EXPECT_THAT(octets, Not(HasSubstr("clear-as-day"))) << file.path();
  }
}

// [house 6] accounts survive a restart of the program
TEST_F(Accounts, AreThereAfterReopening) {
  ASSERT_TRUE(store_->put_account({"alice", "example.test"}, "w", false));
  ASSERT_TRUE(store_->put_alias({"a2", "example.test", "alice"}));
  ASSERT_TRUE(store_->put_domain("example.test"));
  store_.reset();
  store_ = open_sqlite_accounts(path_);
  EXPECT_THAT(users(), ElementsAre("alice@example.test"));
  EXPECT_THAT(aliases(), ElementsAre("a2@example.test -> alice"));
  EXPECT_EQ(credentials().size(), 1U);
}

// [PAR-06] only the owner reads the hashes, whatever mask or mode the file had
TEST_F(Accounts, FileIsForItsOwnerOnly) {
  struct stat status{};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  store_.reset();
  ASSERT_EQ(chmod(path_.c_str(), 0644), 0);
  store_ = open_sqlite_accounts(path_);
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

// [REG-09] users and domains ignore case; a phone configured with capitals can log in as well
TEST_F(Accounts, FoldNamesButKeepTheWrittenSpellingAsAuthenticationName) {
  ASSERT_TRUE(store_->put_account({"Alice", "Example.TEST"}, "w", false));
  EXPECT_THAT(users(), ElementsAre("alice@example.test"));
  EXPECT_EQ(store_->put_account({"ALICE", "example.test"}, "w", false).error(), StoreError::exists);
  const auto kept = credentials();
  EXPECT_EQ(kept.size(), 2U);
  EXPECT_EQ(hex(kept.at("Alice@example.test").plain), md5("Alice", "example.test", "w"));
  EXPECT_EQ(hex(kept.at("alice@example.test").plain), md5("alice", "example.test", "w"));
}

// [PAR-06] a new password replaces every credential of the old one
TEST_F(Accounts, ReplacingLeavesNoOldCredentialBehind) {
  ASSERT_TRUE(store_->put_account({"Alice", "example.test"}, "old", false));
  ASSERT_TRUE(store_->put_account({"alice", "example.test", false}, "new", true));
  EXPECT_THAT(users(), ElementsAre("alice@example.test off"));
  const auto kept = credentials();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(hex(kept.at("alice@example.test").plain), md5("alice", "example.test", "new"));
}

// [CGP-12] an alias authenticates with its account's password, once that is set with the alias in place
TEST_F(Accounts, AliasGetsItsCredentialWhenThePasswordIsSet) {
  ASSERT_TRUE(store_->put_account({"a1", "example.test"}, "w", false));
  ASSERT_TRUE(store_->put_alias({"A2", "example.test", "sip:A1@example.test"}));
  EXPECT_THAT(aliases(), ElementsAre("a2@example.test -> a1"));
  EXPECT_FALSE(store_->can_authenticate("a2", "example.test"));
  ASSERT_TRUE(store_->put_account({"a1", "example.test"}, "w", true));
  EXPECT_TRUE(store_->can_authenticate("a2", "example.test"));
  EXPECT_TRUE(store_->can_authenticate("A1", "example.test"));
  const auto kept = credentials();
  EXPECT_EQ(kept.at("a2@example.test").account_user, "a1");
  EXPECT_EQ(hex(kept.at("a2@example.test").plain), md5("a2", "example.test", "w"));
}

// [CGP-12] a name that stops standing for an account stops opening it
TEST_F(Accounts, RemovedOrMovedAliasLosesItsCredential) {
  ASSERT_TRUE(store_->put_alias({"x", "example.test", "a1"}));
  ASSERT_TRUE(store_->put_alias({"y", "example.test", "a1"}));
  ASSERT_TRUE(store_->put_account({"a1", "example.test"}, "w", false));
  ASSERT_EQ(credentials().size(), 3U);
  ASSERT_TRUE(store_->remove_alias("x", "example.test"));
  ASSERT_TRUE(store_->put_alias({"y", "example.test", "sip:elsewhere@other.test"}));
  EXPECT_EQ(credentials().size(), 1U);
  EXPECT_EQ(store_->remove_alias("x", "example.test").error(), StoreError::not_found);
}

// [CGP-12] an alias put again with the same target keeps its credential
TEST_F(Accounts, RepeatedAliasKeepsItsCredential) {
  ASSERT_TRUE(store_->put_alias({"x", "example.test", "a1"}));
  ASSERT_TRUE(store_->put_account({"a1", "example.test"}, "w", false));
  ASSERT_TRUE(store_->put_alias({"x", "example.test", "a1@example.test"}));
  EXPECT_TRUE(store_->can_authenticate("x", "example.test"));
}

// [CGP-12] a removed account takes its credentials and its names along
TEST_F(Accounts, RemovalTakesCredentialsAndAliasesAlong) {
  ASSERT_TRUE(store_->put_alias({"x", "example.test", "a1"}));
  ASSERT_TRUE(store_->put_alias({"f", "example.test", "tel:+15551234"}));
  ASSERT_TRUE(store_->put_account({"a1", "example.test"}, "w", false));
  ASSERT_TRUE(store_->put_account({"b", "example.test"}, "w", false));
  ASSERT_TRUE(store_->remove_account("A1", "Example.test"));
  EXPECT_THAT(users(), ElementsAre("b@example.test"));
  EXPECT_THAT(aliases(), ElementsAre("f@example.test -> tel:+15551234"));
  EXPECT_EQ(credentials().size(), 1U);
  EXPECT_EQ(store_->remove_account("a1", "example.test").error(), StoreError::not_found);
}

// [CGP-12] one name is an account or an alias, never both
TEST_F(Accounts, ShareNoNamesWithAliases) {
  ASSERT_TRUE(store_->put_account({"a", "example.test"}, "w", false));
  EXPECT_EQ(store_->put_alias({"A", "example.test", "b"}).error(), StoreError::exists);
  ASSERT_TRUE(store_->put_alias({"b", "example.test", "a"}));
  EXPECT_EQ(store_->put_account({"B", "example.test"}, "w", true).error(), StoreError::exists);
  EXPECT_EQ(store_->put_alias({"c", "example.test", "C"}).error(), StoreError::invalid);
}

// [CGP-42] the SIP Service right is switched without touching the password
TEST_F(Accounts, SipRightIsSwitchedAlone) {
  ASSERT_TRUE(store_->put_account({"a", "example.test"}, "w", false));
  ASSERT_TRUE(store_->set_sip("A", "example.test", false));
  EXPECT_THAT(users(), ElementsAre("a@example.test off"));
  EXPECT_EQ(credentials().size(), 1U);
  EXPECT_EQ(store_->set_sip("nobody", "example.test", false).error(), StoreError::not_found);
}

// [house 6] stored domains are added, listed and removed
TEST_F(Accounts, DomainsComeAndGo) {
  ASSERT_TRUE(store_->put_domain("Example.TEST"));
  EXPECT_EQ(store_->put_domain("example.test").error(), StoreError::exists);
  EXPECT_EQ(store_->put_domain("no domain").error(), StoreError::invalid);
  std::vector<std::string> names;
  store_->for_each_domain([&](const std::string& name) { names.push_back(name); });
  EXPECT_THAT(names, ElementsAre("example.test"));
  ASSERT_TRUE(store_->remove_domain("EXAMPLE.test"));
  EXPECT_EQ(store_->remove_domain("example.test").error(), StoreError::not_found);
}

// [house 6] an import is all or nothing, adds and renews
TEST_F(Accounts, ImportIsOneTransaction) {
  ASSERT_TRUE(store_->put_account({"a", "example.test", false}, "old", false));
  EXPECT_EQ(store_->import({{"b", "example.test", "w"}, {"no good", "example.test", "w"}}).error(),
            StoreError::invalid);
  EXPECT_THAT(users(), ElementsAre("a@example.test off"));
  EXPECT_EQ(store_->import({{"b", "example.test", "w"}, {"a", "example.test", "new"}}).value(), 2U);
  EXPECT_THAT(users(), UnorderedElementsAre("a@example.test off", "b@example.test"));
  EXPECT_EQ(hex(credentials().at("a@example.test").plain), md5("a", "example.test", "new"));
}

// [house 6] a running server notices what the command line does to the file it has open
TEST_F(Accounts, VersionGrowsWithEveryChangeOfAnyConnection) {
  const auto other = open_sqlite_accounts(path_);
  std::int64_t seen = store_->version();
  const auto grew = [&] {
    const std::int64_t before = std::exchange(seen, store_->version());
    return seen > before;
  };
  EXPECT_FALSE(grew());
  ASSERT_TRUE(other->put_account({"a", "example.test"}, "w", false));
  EXPECT_TRUE(grew());
  EXPECT_THAT(users(), ElementsAre("a@example.test"));
  ASSERT_TRUE(store_->put_alias({"x", "example.test", "a"}));
  EXPECT_TRUE(grew());
  ASSERT_TRUE(other->remove_alias("x", "example.test"));
  EXPECT_TRUE(grew());
  EXPECT_FALSE(other->remove_alias("x", "example.test"));
  EXPECT_FALSE(grew());
  ASSERT_TRUE(other->set_sip("a", "example.test", false));
  EXPECT_TRUE(grew());
  EXPECT_EQ(other->version(), store_->version());
}

// [house 6] readers are not disturbed by a writer at work, nor it by them
TEST_F(Accounts, ReadingGoesOnWhileAnotherProcessWrites) {
  ASSERT_TRUE(store_->import({{"a", "example.test", "w"}, {"b", "example.test", "w"}}));
  const auto other = open_sqlite_accounts(path_);
  int count = 0;
  store_->for_each_account([&](const Account&) {
    ++count;
    EXPECT_TRUE(other->put_account({"late" + std::to_string(count), "example.test"}, "w", false));
  });
  EXPECT_EQ(count, 2);
  EXPECT_EQ(users().size(), 4U);
}

// [house 6] what is no account file is refused at start with a clear text, and left as it is
TEST_F(Accounts, ForeignAndNewerFilesAreRefused) {
  const auto refusal = [&](const std::string& path) -> std::string {
    try {
      (void)open_sqlite_accounts(path);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "opened";
  };
  const auto run = [](const std::string& path, const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  };
  run(directory_ / "other.db", "CREATE TABLE t (x)");
  EXPECT_THAT(refusal(directory_ / "other.db"), HasSubstr("another program"));
  store_.reset();
  run(path_, "PRAGMA user_version = 99");
  EXPECT_THAT(refusal(path_), HasSubstr("newer Bellhop"));
  std::ofstream(directory_ / "text.db") << std::string(4096, 'x');
  EXPECT_THAT(refusal(directory_ / "text.db"), HasSubstr("text.db"));
  EXPECT_THAT(refusal(directory_ / "missing" / "bellhop.db"), HasSubstr("No such file"));
}

// [house 4] a disk that refuses is an error value with a text, not an exception
TEST_F(Accounts, RefusedWriteIsUnavailableAndSaysWhy) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_exec(db, "CREATE TRIGGER no BEFORE INSERT ON account BEGIN SELECT RAISE(ABORT, 'disk is cheese'); END",
                   nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(db);
  EXPECT_EQ(store_->put_account({"a", "example.test"}, "w", false).error(), StoreError::unavailable);
  EXPECT_THAT(std::string(store_->last_error()), HasSubstr("disk is cheese"));
  EXPECT_THAT(users(), IsEmpty());
}

// [house 6] what the store holds is what the directory answers
TEST_F(Accounts, AreTakenOverByTheDirectory) {
  ASSERT_TRUE(store_->put_alias({"a2", "example.test", "alice"}));
  ASSERT_TRUE(store_->put_account({"alice", "example.test"}, "w", false));
  ASSERT_TRUE(store_->put_domain("stored.test"));
  Directory directory;
  directory.replace(read_all(*store_));
  EXPECT_EQ(directory.credential("a2@example.test", "example.test")->account_user, "alice");
  EXPECT_TRUE(directory.is_name_of("a2", "alice", "example.test"));
  EXPECT_TRUE(directory.stored_domain("stored.test"));
}

// [CGP-12] names that could not be told apart in a header or a hash are refused
TEST(AccountNames, AreChecked) {
  for (const char* good : {"alice", "a.b-c_d", "+15551234", "J\xc3\xbcrgen", "100"})
    EXPECT_TRUE(valid_user(good)) << good;
  for (const char* bad : {"", "a b", "a@b", "a:b", "a\"b", "a\\b", "<a>", "a\nb", "a\tb"})
    EXPECT_FALSE(valid_user(bad)) << bad;
  EXPECT_FALSE(valid_user(std::string(129, 'a')));
  for (const char* good : {"example.test", "Example.Test", "192.168.80.100", "[2001:db8::1]", "localhost"})
    EXPECT_TRUE(valid_domain(good)) << good;
  for (const char* bad : {"", "a b", "a@b", "a:5060", "[nonsense]", "a\"b", "[2001:db8::1"})
    EXPECT_FALSE(valid_domain(bad)) << bad;
  EXPECT_TRUE(valid_password("with space and \"quotes\""));
  EXPECT_FALSE(valid_password(""));
  EXPECT_FALSE(valid_password("line\nbreak"));
}

// [PAR-06] an H(A1) is told by its length; what is none is refused
TEST(Ha1, IsReadByItsLength) {
  PasswordHashes ha1;
  for (const std::string& bad : {std::string(), std::string("0"), std::string(31, 'a'), std::string(33, 'a'),
                                 std::string(63, 'a'), std::string(65, 'a'), std::string(31, 'a') + "g",
                                 std::string(31, 'a') + " ", std::string(32, '0'), std::string(64, '0')})
    EXPECT_FALSE(add_ha1(bad, ha1)) << bad;
  EXPECT_EQ(ha1, PasswordHashes{});
  EXPECT_TRUE(add_ha1(std::string(32, 'F'), ha1));
  EXPECT_TRUE(ha1.has_md5() && !ha1.has_sha256());
  EXPECT_FALSE(add_ha1(std::string(32, 'e'), ha1)) << "there is one already";
  EXPECT_TRUE(add_ha1(std::string(64, '1'), ha1));
  EXPECT_EQ(ha1.md5[15], 0xff);
  EXPECT_EQ(ha1.sha256[31], 0x11);
}

// [CGP-12] a target is a user of the same domain or a URI
TEST(AliasTargets, HaveOneKeptForm) {
  EXPECT_EQ(canonical_target("Bob", "example.test"), "bob");
  EXPECT_EQ(canonical_target("Bob@Example.test", "example.test"), "bob");
  EXPECT_EQ(canonical_target("SIP:Bob@example.test", "example.test"), "bob");
  EXPECT_EQ(canonical_target("sip:bob@example.test;user=phone", "example.test"), "sip:bob@example.test;user=phone");
  EXPECT_EQ(canonical_target("bob@other.test", "example.test"), "sip:bob@other.test");
  EXPECT_EQ(canonical_target("sips:bob@other.test", "example.test"), "sips:bob@other.test");
  EXPECT_EQ(canonical_target("tel:+15551234", "example.test"), "tel:+15551234");
  for (const char* bad : {"", "a b", "<sip:bob@other.test>", "a\r\nb", "mailto:x", "bob@other domain", "sip:"})
    EXPECT_EQ(canonical_target(bad, "example.test"), "") << bad;
}

}  // namespace
}  // namespace bellhop::storage
