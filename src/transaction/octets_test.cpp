#include "transaction/octets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bellhop::transaction {
namespace {

// [house 3] A held message is what was put in, whatever its buffer held before and however long it is.
TEST(OctetPool, BuffersAreUsedAgain) {
  OctetPool pool;
  Octets first, second;
  for (const std::size_t size : {1U, 127U, 128U, 129U, 700U, 2048U, 2049U, 70000U}) {
    const std::string text(size, 'a'), other(size, 'b');
    pool.hold(first, text);
    const char* const buffer = first.view().data();
    EXPECT_EQ(first.view(), text);
    pool.hold(first, other);
    EXPECT_EQ(first.view(), other);
    pool.release(first);
    EXPECT_TRUE(first.empty());
    pool.hold(second, text);
    EXPECT_EQ(second.view(), text);
    if (size <= 2048) {
      EXPECT_EQ(second.view().data(), buffer) << size;
    }
    pool.hold(second, "");
    EXPECT_TRUE(second.empty());
  }
}

}  // namespace
}  // namespace bellhop::transaction
