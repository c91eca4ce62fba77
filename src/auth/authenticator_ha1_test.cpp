#include <gmock/gmock.h>

#include "auth/digest_for_test.hpp"

namespace bellhop::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Verdict = Authenticator::Verdict;

/// Besides alice, whose password is known, an account that was given by H(A1).
class DigestByHa1 : public DigestTest {
 protected:
  void give(const storage::PasswordHashes& ha1) {
    storage::Directory::Contents contents;
    contents.accounts = {{"alice", "example.test"}, {"given", "example.test"}};
    contents.credentials = storage::make_credentials("alice", "example.test", "alice", "wonderland");
    contents.credentials.push_back(storage::given_credential("given", "example.test", ha1));
    directory_.replace(std::move(contents));
    phone_.username = "given";
    phone_.nonce = challenge_nonce();
  }
  std::string challenge_of(const std::string& realm) {
    domain_.name = realm;
    std::string out = challenge();
    domain_.name = "example.test";
    return out;
  }
  static storage::PasswordHashes ha1(std::initializer_list<crypto::HashAlgorithm> algorithms) {
    storage::PasswordHashes out;
    for (const auto a : algorithms)
      EXPECT_TRUE(storage::add_ha1(crypto::ha1(a, "given", "example.test", "wonderland"), out));
    return out;
  }
  Verdict verdict_with(const char* algorithm) {
    phone_.algorithm = algorithm;
    return verdict(phone_.value());
  }
};

// [PAR-06] an H(A1) for MD5 alone: everybody in the realm is asked for MD5, whoever it is, so that no phone answers
// with what cannot be checked and no stranger learns who has an account
TEST_F(DigestByHa1, ForMd5AloneAsksTheWholeRealmForMd5) {
  give(ha1({crypto::HashAlgorithm::md5}));
  EXPECT_THAT(challenge(), Not(HasSubstr("SHA-256")));
  EXPECT_THAT(challenge(), HasSubstr("algorithm=MD5"));
  EXPECT_EQ(verdict_with("MD5"), Verdict::passed);
  EXPECT_EQ(verdict_with("MD5-sess"), Verdict::passed);
  EXPECT_EQ(verdict_with("SHA-256"), Verdict::wrong);
  phone_.username = "alice";
  EXPECT_EQ(verdict_with("SHA-256"), Verdict::passed) << "who has both may still use it";
  EXPECT_THAT(challenge_of("other.test"), HasSubstr("SHA-256"));
}

// [PAR-06] without MD5 among the settings there is nothing else to ask for
TEST_F(DigestByHa1, ForMd5AloneNeverLeavesAChallengeEmpty) {
  give(ha1({crypto::HashAlgorithm::md5}));
  settings_.md5 = false;
  EXPECT_THAT(challenge(), HasSubstr("algorithm=SHA-256"));
}

// [PAR-06] an H(A1) for SHA-256, alone or with MD5, leaves the challenge as it is: MD5 phones of others need it
TEST_F(DigestByHa1, ForSha256LeavesTheChallengeAsItIs) {
  give(ha1({crypto::HashAlgorithm::sha256}));
  EXPECT_THAT(challenge(), AllOf(HasSubstr("algorithm=SHA-256"), HasSubstr("algorithm=MD5")));
  EXPECT_EQ(verdict_with("SHA-256"), Verdict::passed);
  EXPECT_EQ(verdict_with("MD5"), Verdict::wrong);
  give(ha1({crypto::HashAlgorithm::sha256, crypto::HashAlgorithm::md5}));
  EXPECT_EQ(verdict_with("SHA-256"), Verdict::passed);
  EXPECT_EQ(verdict_with("MD5"), Verdict::passed);
}

// [PAR-06] a hash that is not known is no key: nothing passes that was made with zeros, for whichever name
TEST_F(DigestByHa1, AnUnknownHashIsNoKey) {
  give(ha1({crypto::HashAlgorithm::md5}));
  const auto forged = [&](const std::string& user, crypto::HashAlgorithm algorithm, std::size_t digits) {
    const std::string zeros(digits, '0');
    const std::string response(crypto::digest_response({algorithm, false, zeros, "REGISTER", "sip:example.test",
                                                        phone_.nonce, "00000001", "c", "auth", ""})
                                   .view());
    return verdict("Digest username=\"" + user + "\", realm=\"example.test\", nonce=\"" + phone_.nonce +
                   "\", uri=\"sip:example.test\", response=\"" + response + "\", cnonce=\"c\", qop=auth, " +
                   "nc=00000001, algorithm=" + std::string(crypto::name_of(algorithm)));
  };
  for (const char* user : {"given", "given@example.test", "nobody"}) {
    EXPECT_EQ(forged(user, crypto::HashAlgorithm::sha256, 64), Verdict::wrong) << user;
    EXPECT_EQ(forged(user, crypto::HashAlgorithm::md5, 32), Verdict::wrong) << user;
  }
}

}  // namespace
}  // namespace bellhop::auth
