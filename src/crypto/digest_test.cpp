#include "crypto/digest.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"

namespace bellhop::crypto {
namespace {

// [RFC1321 A.5] The MD5 test suite.
TEST(Hash, Md5GivesTheVectorsOfItsRfc) {
  const auto md5 = [](std::string_view text) { return std::string(hash_hex(HashAlgorithm::md5, {text}).view()); };
  EXPECT_EQ(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(md5("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(md5("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), "d174ab98d277d9f5a5611c2c9f419d9f");
  EXPECT_EQ(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

// [RFC8760 2.1] SHA-256 as FIPS 180-4 defines it (its one-block example).
TEST(Hash, Sha256GivesTheVectorOfFips180) {
  EXPECT_EQ(hash_hex(HashAlgorithm::sha256, {"abc"}).view(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// [RFC8760 2.1] SHA-512-256 is the truncated variant with its own initial values, not half a SHA-512.
TEST(Hash, Sha512Slash256GivesTheVectorOfFips180) {
  EXPECT_EQ(hash_hex(HashAlgorithm::sha512_256, {"abc"}).view(),
            "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
}

// [RFC7616 3.3] H() of the unquoted values joined together.
TEST(Hash, PartsHashLikeTheirConcatenation) {
  EXPECT_EQ(hash_hex(HashAlgorithm::sha256, {"a", "", "b", "c"}).view(),
            hash_hex(HashAlgorithm::sha256, {"abc"}).view());
  EXPECT_NE(hash_hex(HashAlgorithm::sha256, {"ab"}).view(), hash_hex(HashAlgorithm::sha256, {"abc"}).view());
}

// [RFC7616 3.3] However long the parts are.
TEST(Hash, LongPartsHashLikeTheirConcatenation) {
  for (const std::size_t size : {511, 512, 513, 5000}) {
    const std::string text(size, 'x');
    for (const auto algorithm : {HashAlgorithm::md5, HashAlgorithm::sha256})
      EXPECT_EQ(hash_hex(algorithm, {"a", text, "b", text, "c"}).view(),
                hash_hex(algorithm, {"a" + text + "b" + text + "c"}).view());
  }
}

// [RFC1321 3.1, RFC6234 4.1] The padding is right wherever the text ends in its block, and however it comes in parts.
TEST(Hash, EverySizeHashesAsTheLibraryDoes) {
  const auto by_library = [](const EVP_MD* algorithm, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> octets;
    unsigned size = 0;
    EXPECT_EQ(EVP_Digest(text.data(), text.size(), octets.data(), &size, algorithm, nullptr), 1);
    return to_hex({reinterpret_cast<const char*>(octets.data()), size});
  };
  std::string text;
  for (std::size_t size = 0; size < 200; text += static_cast<char>('a' + ++size % 26)) {
    const auto first = std::string_view(text).substr(0, size / 3), rest = std::string_view(text).substr(size / 3);
    EXPECT_EQ(hash_hex(HashAlgorithm::md5, {first, rest}).view(), by_library(EVP_md5(), text)) << size;
    EXPECT_EQ(hash_hex(HashAlgorithm::sha256, {first, rest}).view(), by_library(EVP_sha256(), text)) << size;
  }
}

// [house 1] Shards hash side by side without sharing a context.
TEST(Hash, ThreadsDoNotDisturbEachOther) {
  const std::string expected(hash_hex(HashAlgorithm::md5, {"alice:example.test:wonderland"}).view());
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        static_cast<void>(hash_hex(HashAlgorithm::sha256, {"noise", std::to_string(i)}));
        wrong[t] += hash_hex(HashAlgorithm::md5, {"alice:", "example.test:", "wonderland"}).view() != expected;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// [RFC8760 2.1] The registered algorithm names, compared without case.
TEST(HashAlgorithmName, IsReadInAnyCaseAndOnlyWhole) {
  for (const auto algorithm : {HashAlgorithm::md5, HashAlgorithm::sha256, HashAlgorithm::sha512_256}) {
    EXPECT_EQ(hash_algorithm_from(name_of(algorithm)), algorithm);
  }
  EXPECT_EQ(hash_algorithm_from("sha-256"), HashAlgorithm::sha256);
  EXPECT_EQ(hash_algorithm_from("mD5"), HashAlgorithm::md5);
  for (const auto* unknown : {"", "SHA", "SHA-1", "SHA-256-sess", "MD55", " MD5"}) {
    EXPECT_EQ(hash_algorithm_from(unknown), std::nullopt) << unknown;
  }
}

struct Example {
  HashAlgorithm algorithm;
  std::string user, realm, password, uri, nonce, cnonce, response;
};

std::string answer(const Example& e, std::string_view qop = "auth", std::string_view nonce_count = "00000001",
                   std::string_view body = {}, bool session = false) {
  const HexDigest secret = ha1(e.algorithm, e.user, e.realm, e.password);
  return std::string(digest_response({.algorithm = e.algorithm,
                                      .session = session,
                                      .ha1 = secret,
                                      .method = "GET",
                                      .uri = e.uri,
                                      .nonce = e.nonce,
                                      .nonce_count = nonce_count,
                                      .cnonce = e.cnonce,
                                      .qop = qop,
                                      .body = body})
                         .view());
}

Example rfc7616(HashAlgorithm algorithm, std::string response) {
  return {algorithm,
          "Mufasa",
          "http-auth@example.org",
          "Circle of Life",
          "/dir/index.html",
          "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
          "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
          std::move(response)};
}

Example rfc2617() {
  return {HashAlgorithm::md5,   "Mufasa",
          "testrealm@host.com", "Circle Of Life",
          "/dir/index.html",    "dcd98b7102dd2f0e8b11d0f600bfb0c093",
          "0a4f113b",           "6629fae49393a05397450978507c4ef1"};
}

// [RFC7616 3.9.1] The example with SHA-256 and MD5.
TEST(DigestResponse, MatchesTheExamplesOfRfc7616) {
  const Example md5 = rfc7616(HashAlgorithm::md5, "8ca523f5e9506fed4657c9700eebdbec");
  const Example sha256 =
      rfc7616(HashAlgorithm::sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  EXPECT_EQ(answer(md5), md5.response);
  EXPECT_EQ(answer(sha256), sha256.response);
}

// [RFC7616 3.9.2] The example with SHA-512-256, with the value of erratum 4897 (the printed one is not SHA-512/256).
TEST(DigestResponse, MatchesTheCorrectedSha512ExampleOfRfc7616) {
  const Example e{HashAlgorithm::sha512_256,
                  "J\xC3\xA4s\xC3\xB8n Doe",
                  "api@example.org",
                  "Secret, or not?",
                  "/doe.json",
                  "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
                  "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
                  "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"};
  EXPECT_EQ(answer(e), e.response);
}

// [RFC2617 3.5] The example every old phone was tested with.
TEST(DigestResponse, MatchesTheExampleOfRfc2617) {
  EXPECT_EQ(answer(rfc2617()), rfc2617().response);
}

// [RFC2617 3.2.2.1] Without qop, KD is H(A1) ":" nonce ":" H(A2), for clients of RFC 2069.
TEST(DigestResponse, WithoutQopLeavesOutNonceCountAndCnonce) {
  const Example e = rfc2617();
  const HexDigest a2 = hash_hex(HashAlgorithm::md5, {"GET:/dir/index.html"});
  const HexDigest a1 = hash_hex(HashAlgorithm::md5, {"Mufasa:testrealm@host.com:Circle Of Life"});
  EXPECT_EQ(answer(e, ""), hash_hex(HashAlgorithm::md5, {a1, ":", e.nonce, ":", a2}).view());
}

// [RFC7616 3.4.3] auth-int covers the body: A2 ends in H(entity-body).
TEST(DigestResponse, AuthIntChangesWithTheBody) {
  const Example e = rfc2617();
  const HexDigest a1 = ha1(HashAlgorithm::md5, e.user, e.realm, e.password);
  const HexDigest a2 =
      hash_hex(HashAlgorithm::md5, {"GET:/dir/index.html:", hash_hex(HashAlgorithm::md5, {"v=0\r\n"})});
  EXPECT_EQ(answer(e, "auth-int", "00000001", "v=0\r\n"),
            hash_hex(HashAlgorithm::md5, {a1, ":", e.nonce, ":00000001:", e.cnonce, ":auth-int:", a2}).view());
  EXPECT_NE(answer(e, "auth-int", "00000001", "v=0\r\n"), answer(e, "auth-int", "00000001", "v=1\r\n"));
  EXPECT_EQ(answer(e, "auth", "00000001", "v=0\r\n"), answer(e, "auth", "00000001", "v=1\r\n"));
}

// [RFC7616 3.4.2] A1 of the -sess algorithms is the hex H(user:realm:password) ":" nonce ":" cnonce.
TEST(DigestResponse, SessionVariantHashesTheSecretAgainInHex) {
  const Example e = rfc2617();
  const HexDigest secret = ha1(HashAlgorithm::md5, e.user, e.realm, e.password);
  const HexDigest a1 = hash_hex(HashAlgorithm::md5, {secret, ":", e.nonce, ":", e.cnonce});
  const HexDigest a2 = hash_hex(HashAlgorithm::md5, {"GET:/dir/index.html"});
  EXPECT_EQ(answer(e, "auth", "00000001", {}, true),
            hash_hex(HashAlgorithm::md5, {a1, ":", e.nonce, ":00000001:", e.cnonce, ":auth:", a2}).view());
}

// [threats 60] Credentials made for one request do not fit another.
TEST(DigestResponse, DependsOnEveryPartOfTheRequest) {
  const Example base = rfc2617();
  std::vector<Example> altered(6, base);
  altered[0].user = "Mufasb";
  altered[1].realm = "other";
  altered[2].password = "Circle of Life";
  altered[3].uri = "/dir/index.htm";
  altered[4].nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c094";
  altered[5].cnonce = "0a4f113c";
  for (const auto& e : altered) EXPECT_NE(answer(e), base.response);
  EXPECT_NE(answer(base, "auth", "00000002"), base.response);
}

// [threats 61] Comparing a response tells nothing about where it differs, and a short one never matches.
TEST(EqualConstantTime, ComparesWholeTexts) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("6629fae4", "6629fae4"));
  EXPECT_FALSE(equal_constant_time("6629fae4", "6629fae5"));
  EXPECT_FALSE(equal_constant_time("6629fae4", "6629fae"));
  EXPECT_FALSE(equal_constant_time("", "6"));
}

// [RFC7616 3.4.1] What is remembered of earlier requests changes no response.
TEST(DigestResponse, IsTheSameWithRememberedHashes) {
  A2Hashes known;
  const std::string long_uri = "sip:" + std::string(300, 'a'), longer_uri = long_uri + "aaaaaaaa";
  for (int round = 0; round < 2; ++round)
    for (const auto algorithm : {HashAlgorithm::md5, HashAlgorithm::sha256})
      for (const std::string_view method : {"REGISTER", "INVITE", "MESSAGE", "I"})
        for (const std::string_view uri :
             {std::string_view("sip:a.test"), std::string_view("sip:b.test"), std::string_view("sip:bob@a.test"),
              std::string_view(), std::string_view(long_uri), std::string_view(longer_uri)})
          for (const std::string_view qop : {"", "auth", "AUTH", "auth-int"}) {
            const DigestInput input{algorithm, false, "00", method, uri, "nonce", "00000001", "c", qop, "body"};
            EXPECT_EQ(digest_response(input, &known).view(), digest_response(input).view()) << method << ' ' << uri;
          }
}

// [house 4] Equal and unequal texts of every size, wherever they differ.
TEST(EqualConstantTime, ComparesEveryOctet) {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string text(size, 'x');
    EXPECT_TRUE(equal_constant_time(text, std::string(size, 'x')));
    EXPECT_FALSE(equal_constant_time(text, text + 'x'));
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = 'y';
      EXPECT_FALSE(equal_constant_time(text, other)) << size << ' ' << at;
    }
  }
}

}  // namespace
}  // namespace bellhop::crypto
