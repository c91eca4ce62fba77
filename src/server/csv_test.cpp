#include "server/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bellhop::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::vector<std::string>> fields_of(std::string_view text) {
  const auto rows = parse_csv(text);
  std::vector<std::vector<std::string>> out;
  if (!rows) return {{rows.error()}};
  for (const CsvRow& row : *rows) out.push_back(row.fields);
  return out;
}

// [contract] account import reads user,domain,password.
TEST(Csv, RowsAreReadWithAnyLineEnd) {
  EXPECT_THAT(fields_of("a,b,c\r\nd,,f\ng,h,i"),
              ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("d", "", "f"), ElementsAre("g", "h", "i")));
  EXPECT_THAT(fields_of(""), ElementsAre());
}

// [RFC4180 2] Quoted fields may hold commas, quotes and line ends.
TEST(Csv, QuotedFieldsMayHoldAnything) {
  EXPECT_THAT(fields_of("a,\"b,\"\"x\"\"\n2\",c\nd,e,f"),
              ElementsAre(ElementsAre("a", "b,\"x\"\n2", "c"), ElementsAre("d", "e", "f")));
}

// [contract] Comments and empty lines are no rows.
TEST(Csv, CommentsAndEmptyLinesAreLeftOut) {
  EXPECT_THAT(fields_of("# people\n\na,b,c\n\r\n#end"), ElementsAre(ElementsAre("a", "b", "c")));
}

// [contract] A fault is told with its line.
TEST(Csv, FaultsAreToldWithTheirLine) {
  EXPECT_THAT(parse_csv("a,b\n\"c").error(), HasSubstr("line 2: a quote that is never closed"));
  EXPECT_THAT(parse_csv("a,\"b\"c\n").error(), HasSubstr("line 1: text behind a closing quote"));
  EXPECT_THAT(parse_csv("a\n\nb\"c").error(), HasSubstr("line 3: a quote inside a field"));
}

}  // namespace
}  // namespace bellhop::server
