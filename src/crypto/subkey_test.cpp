#include "crypto/subkey.hpp"

#include <gtest/gtest.h>

namespace bellhop::crypto {
namespace {

// [threats 57] Each purpose has a key of its own, and the same one after a restart
TEST(Subkey, IsOfItsPurpose) {
  const Key key = random_key();
  EXPECT_EQ(subkey(key, "dialog"), subkey(key, "dialog"));
  EXPECT_NE(subkey(key, "dialog"), subkey(key, "path"));
  EXPECT_NE(subkey(key, "dialog"), key);
  EXPECT_NE(subkey(key, "dialog"), subkey(random_key(), "dialog"));
  EXPECT_NE(short_mac(subkey(key, "nonce"), "x"), short_mac(subkey(key, "dialog"), "x"));
}

}  // namespace
}  // namespace bellhop::crypto
