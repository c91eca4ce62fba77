#include "base/fold_case.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bellhop {
namespace {

// [house 1] every octet, at every place of texts of every size, folds as lower() does
TEST(CopyLower, FoldsAToZAndNothingElse) {
  for (std::size_t size = 0; size < 40; ++size)
    for (std::size_t place = 0; place < size; ++place)
      for (int octet = 0; octet < 256; ++octet) {
        std::string text(size, 'Q');
        text[place] = static_cast<char>(octet);
        std::string expected(size, 'q'), copy(size + 1, '!');
        expected[place] = lower(text[place]);
        EXPECT_EQ(copy_lower(text, copy.data()), copy.data() + size);
        EXPECT_EQ(copy, expected + '!');
        copy_lower(text, text.data());
        EXPECT_EQ(text, expected);
      }
}

// [RFC3261 7.3.1] however long they are, texts are compared octet by octet, without case
TEST(EqualsIgnoreCase, LooksAtEveryOctet) {
  for (std::size_t size = 0; size < 20; ++size) {
    const std::string text(size, 'k');
    EXPECT_TRUE(equals_ignore_case(text, std::string(size, 'K')));
    for (std::size_t place = 0; place < size; ++place)
      for (int octet = 0; octet < 256; ++octet) {
        std::string other = text;
        other[place] = static_cast<char>(octet);
        EXPECT_EQ(equals_ignore_case(text, other), lower(other[place]) == 'k') << size << ' ' << octet;
      }
  }
}

}  // namespace
}  // namespace bellhop
