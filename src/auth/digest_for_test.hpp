#pragma once

#include <gtest/gtest.h>

#include <string>

#include "auth/authenticator.hpp"
#include "auth/phone_for_test.hpp"

namespace bellhop::auth {

/// An authenticator of example.test without accounts, and a phone that wants in.
class DigestTest : public ::testing::Test {
 protected:
  DigestTest() { domain_.name = "example.test"; }

  std::string challenge(bool stale = false, Authenticator::Kind kind = Authenticator::Kind::www,
                        const std::string& header_lines = {}) {
    std::string out;
    authenticator_.append_challenge(out, Request(header_lines).message, kind, domain_, settings_, stale, now_);
    return out;
  }
  std::string challenge_nonce() {
    const std::string text = challenge();
    const std::size_t at = text.find("nonce=\"") + 7;
    return text.substr(at, text.find('"', at) - at);
  }
  Authenticator::Outcome check(const Request& request, Authenticator::Kind kind = Authenticator::Kind::www) {
    EXPECT_TRUE(request.well_formed) << request.text;
    return authenticator_.check(request.message, kind, domain_, settings_, now_);
  }
  /// Of a REGISTER with this Authorization value.
  Authenticator::Verdict verdict(const std::string& value) {
    return check(Request("Authorization: " + value + "\r\n")).verdict;
  }

  storage::Directory directory_;
  observe::Metrics metrics_;
  const crypto::Key key_{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  Authenticator authenticator_{directory_, key_, metrics_, 1000};
  config::Domain domain_;
  config::Auth settings_;
  TimePoint now_{seconds(1'700'000'000)};
  Phone phone_;
};

}  // namespace bellhop::auth
