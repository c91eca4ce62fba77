#include "crypto/sealed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bellhop::crypto {
namespace {

// [RFC5627 3.1.2] What is sealed comes back, whatever it is, and looks different each time
TEST(Sealed, ComesBack) {
  const Key key = random_key();
  for (const std::size_t size : {0u, 1u, 7u, 16u, 200u}) {
    const std::string octets(size, '\xa5');
    const std::string text = seal(key, octets);
    EXPECT_THAT(text, testing::MatchesRegex("[0-9a-v]+"));
    EXPECT_EQ(text.size(), ((size + 28) * 8 + 4) / 5);
    EXPECT_NE(text, seal(key, octets));
    EXPECT_EQ(unseal(key, text), octets);
  }
}

// [RFC5627 5.5] Nobody else can make, change or read it
TEST(Sealed, CannotBeMadeUp) {
  const Key key = random_key();
  const std::string text = seal(key, "bob@example.test");
  EXPECT_EQ(text.find("bob"), std::string::npos);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '7' ? '8' : '7';
    EXPECT_FALSE(unseal(key, changed)) << i;
  }
  EXPECT_FALSE(unseal(random_key(), text));
  for (const char* bad : {"", "0", "zzzz", "0123456789"}) EXPECT_FALSE(unseal(key, bad));
  EXPECT_FALSE(unseal(key, text.substr(0, text.size() - 1)));
}

// [RFC5627 5.5] There is one text for what was sealed: none with a digit more
TEST(Sealed, HasOneText) {
  const Key key = random_key();
  for (std::size_t size = 0; size < 10; ++size) {
    const std::string text = seal(key, std::string(size, 'x'));
    ASSERT_TRUE(unseal(key, text));
    for (const char* more : {"0", "00", "1", "v", "=", " "}) EXPECT_FALSE(unseal(key, text + more)) << size << more;
  }
}

}  // namespace
}  // namespace bellhop::crypto
