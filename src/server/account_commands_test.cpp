#include "server/account_commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temporary_folder_for_test.hpp"
#include "server/account_feed.hpp"
#include "server/data_dir.hpp"

namespace bellhop::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct AccountCommandsTest : testing::Test {
  AccountCommandsTest() {
    config.file = "bellhop.toml";
    config.domains.resize(1);
    config.domains[0].name = "example.test";
    config.domains[0].aliases = {"sip.example.test"};
    config::StaticAccount fixed;
    fixed.user = "static";
    fixed.domain = "example.test";
    fixed.password = "x";
    fixed.aliases = {"fixed"};
    fixed.line = 7;
    config.accounts.push_back(fixed);
  }

  static std::string text(const Outcome& outcome) { return outcome ? outcome->write() : "error: " + outcome.error(); }

  TemporaryFolder temporary;
  std::string folder = temporary.path().string();
  config::Snapshot config;
  std::unique_ptr<storage::AccountStore> store = storage::open_sqlite_accounts(DataDir(folder + "/data").accounts());
  AccountCommands commands{*store, config};
};

// [contract] account add, list, remove.
TEST_F(AccountCommandsTest, AccountsAreAddedListedAndRemoved) {
  EXPECT_TRUE(commands.add_account("alice@example.test", "secret", false));
  EXPECT_THAT(text(commands.list_accounts("")), HasSubstr(R"("account":"alice@example.test")"));
  EXPECT_THAT(text(commands.list_accounts("static")), HasSubstr(R"("kept":"configuration")"));
  EXPECT_TRUE(commands.remove_account("ALICE@EXAMPLE.TEST"));
  EXPECT_EQ(text(commands.list_accounts("alice")), "[]");
  EXPECT_THAT(text(commands.remove_account("alice@example.test")), HasSubstr("error: alice@example.test:"));
}

// [contract] An account that exists is not overwritten by accident.
TEST_F(AccountCommandsTest, AnAccountThatExistsIsReplacedOnlyOnDemand) {
  EXPECT_TRUE(commands.add_account("alice@example.test", "secret", false));
  EXPECT_THAT(text(commands.add_account("alice@example.test", "other", false)), HasSubstr("use --replace"));
  EXPECT_TRUE(commands.add_account("alice@example.test", "other", true));
}

// [contract] What makes no sense is told with what would be right.
TEST_F(AccountCommandsTest, NamesThatMakeNoSenseAreRefused) {
  EXPECT_THAT(text(commands.add_account("alice", "x", false)), HasSubstr("write NAME@DOMAIN"));
  EXPECT_THAT(text(commands.add_account("alice@other.test", "x", false)), HasSubstr("bellhop domain add other.test"));
  EXPECT_THAT(text(commands.add_account("alice@example.test", "", false)), HasSubstr("the password is empty"));
  EXPECT_THAT(text(commands.add_account("static@example.test", "x", true)), HasSubstr("in line 7 of bellhop.toml"));
}

// [CGP-12] The alias of a domain means the domain.
TEST_F(AccountCommandsTest, TheAliasOfADomainMeansTheDomain) {
  EXPECT_THAT(text(commands.add_account("alice@SIP.example.test", "x", false)), HasSubstr("alice@example.test"));
}

// [contract] import takes user,domain,password; all or none.
TEST_F(AccountCommandsTest, ImportTakesAllOrNone) {
  EXPECT_THAT(text(commands.import_accounts("user,domain,password\nalice,example.test,a\nbob,example.test,\n")),
              HasSubstr("line 3: the password is empty"));
  EXPECT_THAT(text(commands.import_accounts("alice,nowhere.test,a\n")), HasSubstr("line 1: there is no domain"));
  EXPECT_THAT(text(commands.import_accounts("alice,example.test\n")), HasSubstr("line 1: write user,domain,password"));
  EXPECT_EQ(text(commands.list_accounts("alice")), "[]");
  EXPECT_EQ(text(commands.import_accounts("user,domain,password\nalice,example.test,a\nbob,example.test,\"b,c\"\n")),
            R"({"imported":2})");
}

const std::string md5(32, 'a'), sha256(64, 'B');

// [PAR-06] account add takes an H(A1) for MD5, SHA-256 or both, and says for which realm it has to be.
TEST_F(AccountCommandsTest, AnAccountIsAddedByHa1) {
  EXPECT_THAT(text(commands.add_account_by_ha1("both@example.test", " " + sha256 + "\t" + md5 + "\r\n", false)),
              AllOf(HasSubstr(R"("realm":"example.test")"), Not(HasSubstr("note"))));
  EXPECT_THAT(text(commands.add_account_by_ha1("alice@example.test", md5, false)),
              HasSubstr("all accounts of example.test are now asked for MD5"));
  EXPECT_THAT(text(commands.add_account_by_ha1("alice@example.test", md5, false)), HasSubstr("use --replace"));
  EXPECT_TRUE(commands.add_account_by_ha1("alice@example.test", md5, true));
  EXPECT_THAT(text(commands.list_accounts("alice")), HasSubstr(R"("algorithms":"MD5","groups")"));
  EXPECT_THAT(text(commands.list_accounts("both")), HasSubstr(R"("algorithms":"MD5 SHA-256")"));
  EXPECT_THAT(text(commands.add_account_by_ha1("carol@example.test", sha256, false)),
              HasSubstr("all of a domain get the same challenge"));
}

// [PAR-06] What is no H(A1), or one that nobody could log in with, is refused with what would be right.
TEST_F(AccountCommandsTest, AnHa1ThatMakesNoSenseIsRefused) {
  for (const std::string& bad : {std::string(), std::string(" \n"), std::string(31, 'a'), std::string(32, 'g'),
                                 md5 + " " + md5, md5 + " x", md5 + "," + sha256})
    EXPECT_THAT(text(commands.add_account_by_ha1("alice@example.test", bad, false)),
                HasSubstr("error: an H(A1) is the hash of NAME:REALM:PASSWORD"))
        << bad;
  EXPECT_THAT(text(commands.add_account_by_ha1("alice@sip.example.test", md5, false)),
              HasSubstr("covers the realm, which for sip.example.test is example.test"));
  EXPECT_THAT(text(commands.add_account_by_ha1("static@example.test", md5, true)), HasSubstr("in line 7"));
  config.auth.md5 = false;
  EXPECT_THAT(text(commands.add_account_by_ha1("alice@example.test", md5, false)),
              HasSubstr("for MD5 alone nobody can log in while [auth] md5 is false in bellhop.toml"));
  EXPECT_TRUE(commands.add_account_by_ha1("alice@EXAMPLE.test", sha256, false));
}

// [PAR-06] Aliases cannot log in by an H(A1), and the operator is told which.
TEST_F(AccountCommandsTest, AnHa1IsForOneName) {
  EXPECT_TRUE(commands.add_alias("a2@example.test", "alice"));
  EXPECT_TRUE(commands.add_account("alice@example.test", "secret", false));
  EXPECT_THAT(text(commands.add_account_by_ha1("alice@example.test", md5 + " " + sha256, true)),
              HasSubstr("nobody can log in as a2"));
}

// [PAR-06] import takes user,domain,,MD5,SHA-256; what is wrong is told with its line, and nothing is kept.
TEST_F(AccountCommandsTest, ImportTakesHa1) {
  const auto refused = [&](const std::string& row, const char* why) {
    EXPECT_THAT(
        text(commands.import_accounts("user,domain,password,md5,sha256\ngood,example.test,," + md5 + "\n" + row)),
        AllOf(HasSubstr("error: line 3: "), HasSubstr(why)))
        << row;
  };
  refused("alice,example.test,," + md5.substr(1), "an H(A1) is the hash");
  refused("alice,example.test,,,", "the password is empty");
  refused("alice,example.test,secret," + md5, "there is a password and an H(A1)");
  refused("alice,example.test,," + md5 + "," + sha256 + ",x", "write user,domain,password or");
  refused("alice,sip.example.test,," + md5, "covers the realm");
  EXPECT_EQ(text(commands.list_accounts("good")), "[]");

  EXPECT_THAT(
      text(commands.import_accounts("User,Domain,Password,MD5,SHA-256\na,example.test,secret\nb,example.test,, " + md5 +
                                    " ,\nc,example.test,," + md5 + "," + sha256 + "\n")),
      AllOf(HasSubstr(R"("imported":3)"), HasSubstr("all accounts of example.test are now asked for MD5")));
  EXPECT_THAT(text(commands.list_accounts("b@")), HasSubstr(R"("algorithms":"MD5","groups")"));
  EXPECT_THAT(text(commands.import_accounts("d,example.test,,," + sha256 + "\n")), HasSubstr("the same challenge"));
}

// [CGP-12] An alias routes at once, and says when it cannot log in yet.
TEST_F(AccountCommandsTest, AnAliasSaysWhenItCannotLogInYet) {
  EXPECT_TRUE(commands.add_account("alice@example.test", "secret", false));
  EXPECT_THAT(text(commands.add_alias("a2@example.test", "alice")), HasSubstr("set its password again"));
  EXPECT_TRUE(commands.add_account("alice@example.test", "secret", true));
  EXPECT_THAT(text(commands.add_alias("a2@example.test", "alice")), Not(HasSubstr("note")));
  EXPECT_THAT(text(commands.add_alias("out@example.test", "bob@far.test")), Not(HasSubstr("note")));
  EXPECT_THAT(text(commands.list_aliases("")),
              HasSubstr(R"({"alias":"fixed@example.test","target":"static","kept":"configuration"})"));
  EXPECT_TRUE(commands.remove_alias("a2@example.test"));
}

// [contract] Domains of the store stand beside those of the configuration.
TEST_F(AccountCommandsTest, DomainsAreAddedAndRemoved) {
  EXPECT_THAT(text(commands.add_domain("example.test")), HasSubstr("is served already"));
  EXPECT_TRUE(commands.add_domain("Two.test"));
  EXPECT_TRUE(commands.add_account("bob@two.test", "x", false));
  EXPECT_TRUE(commands.remove_domain("two.test"));
  EXPECT_THAT(text(commands.remove_domain("example.test")), HasSubstr("remove it from bellhop.toml"));
}

// [contract] What another process writes into the store reaches the directory, and static accounts go before it.
TEST_F(AccountCommandsTest, TheFeedSeesWhatTheStoreGets) {
  storage::Directory directory;
  observe::Log log{observe::null_sink()};
  AccountFeed feed(*store, directory, config, log);
  EXPECT_TRUE(directory.account("static", "example.test"));
  EXPECT_EQ(directory.alias("fixed", "example.test"), "static");
  EXPECT_TRUE(directory.credential("fixed", "example.test"));
  EXPECT_FALSE(directory.account("alice", "example.test"));

  const auto other = storage::open_sqlite_accounts(DataDir(folder + "/data").accounts());
  ASSERT_TRUE(AccountCommands(*other, config).add_account("alice@example.test", "secret", false));
  feed.look_now();
  EXPECT_TRUE(directory.account("alice", "example.test"));

  config.accounts.clear();
  feed.configure(config);
  EXPECT_FALSE(directory.account("static", "example.test"));
  EXPECT_TRUE(directory.account("alice", "example.test"));
}

// [contract] Two servers cannot share a data folder, and the key of our tokens outlives a restart.
TEST_F(AccountCommandsTest, ADataFolderBelongsToOneServerAndKeepsItsKey) {
  const DataDir data(folder + "/data");
  const crypto::Key key = data.key();
  EXPECT_EQ(DataDir(folder + "/data").key(), key);
  const DataDir::Lock lock(data.lock());
  EXPECT_THROW(DataDir::Lock(data.lock()), std::runtime_error);
}

// [MOD-02] account rights: groups, identities and blocked callers, each list replaced when it is given.
TEST_F(AccountCommandsTest, RightsAreKeptAndChangedListByList) {
  ASSERT_TRUE(commands.add_account("alice@example.test", "wonderland", false));
  EXPECT_EQ(
      text(commands.set_rights("Alice@example.test",
                               {.groups = "Staff  int", .identities = "sales@example.test", .blocked = std::nullopt})),
      R"({"account":"alice@example.test","groups":"staff int","identities":"sales@example.test","blocked":""})");
  EXPECT_EQ(text(commands.set_rights("alice@example.test",
                                     {.groups = std::nullopt, .identities = "", .blocked = "*@spam.test"})),
            R"({"account":"alice@example.test","groups":"staff int","identities":"","blocked":"*@spam.test"})");
  ASSERT_TRUE(commands.add_account("alice@example.test", "another", true));
  storage::Directory directory;
  directory.replace(storage::read_all(*store));
  const storage::Rights rights = directory.rights("Alice", "example.test");
  EXPECT_TRUE(rights.in_group("INT")) << "a new password takes no rights away";
  EXPECT_EQ(rights.blocked, std::vector<std::string>{"*@spam.test"});
  EXPECT_FALSE(commands.set_rights("nobody@example.test", {.groups = "x", .identities = {}, .blocked = {}}));
  EXPECT_FALSE(commands.set_rights("alice@example.test", {.groups = {}, .identities = "no-address", .blocked = {}}));
  EXPECT_FALSE(commands.set_rights("static@example.test", {.groups = "x", .identities = {}, .blocked = {}}));
}

}  // namespace
}  // namespace bellhop::server
