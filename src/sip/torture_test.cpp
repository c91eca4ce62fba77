#include "sip/torture_test.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "sip/framing.hpp"

namespace bellhop::sip {
namespace {

std::string name_of(const ParseRefusal& refusal) {
  using Kind = ParseRefusal::Kind;
  switch (refusal.kind) {
    case Kind::not_sip: return "not_sip";
    case Kind::bad_response: return "bad_response";
    case Kind::malformed: return "malformed " + std::to_string(refusal.status.value);
    case Kind::version: return "version " + std::to_string(refusal.status.value);
    case Kind::too_large: return "too_large " + std::to_string(refusal.status.value);
    case Kind::too_many_headers: return "too_many_headers " + std::to_string(refusal.status.value);
    case Kind::bad_content_length: return "bad_content_length " + std::to_string(refusal.status.value);
  }
  return "unknown";
}

std::string name_of(UriError error) {
  constexpr std::array<const char*, 12> names{"empty",         "no_scheme",  "bad_scheme", "bad_user",
                                              "bad_password",  "no_host",    "bad_host",   "bad_port",
                                              "bad_parameter", "bad_header", "bad_number", "too_long"};
  return names.at(static_cast<std::size_t>(error));
}

/// The first message of a stream whose octets arrive `step` at a time.
std::string outcome_of_stream(std::string_view octets, std::size_t step) {
  StreamFramer framer;
  for (std::size_t shown = std::min(step, octets.size());; shown = std::min(shown + step, octets.size())) {
    const auto found = framer.look(octets.substr(0, shown), Limits{});
    if (found.outcome == StreamFramer::Outcome::refused) return name_of(found.refusal);
    if (found.outcome == StreamFramer::Outcome::message) {
      Message message;
      const auto parsed = message.parse(octets.substr(0, found.size), Limits{}, /*stream=*/true);
      return parsed ? "accepted" : name_of(parsed.error());
    }
    if (shown == octets.size()) return "need_more";
  }
}

}  // namespace

Played play(std::string_view file) {
  Played played;
  played.octets = torture_octets(std::string(file));
  EXPECT_FALSE(played.octets.empty()) << file;

  played.message = std::make_unique<Message>();
  const auto parsed = played.message->parse(played.octets, Limits{}, /*stream=*/false);
  played.datagram = parsed ? "accepted" : name_of(parsed.error());
  if (!parsed) played.reason = parsed.error().reason;
  const Message& m = *played.message;
  const auto& uri = m.request_uri();
  const bool looked_at = m.is_request() && (uri || uri.error() != UriError::empty);
  played.request_uri = !looked_at ? "-" : uri ? "ok" : name_of(uri.error());
  played.stream = outcome_of_stream(played.octets, played.octets.size());
  EXPECT_EQ(outcome_of_stream(played.octets, 1), played.stream) << file << " octet by octet";
  return played;
}

// [RFC4475 3] every message of the table has the parser outcome the table says, and every file is in the table
TEST(TortureTable, SaysWhatTheParserDoes) {
  const auto rows = torture_rows();
  EXPECT_EQ(rows.size(), 49U + 12U);
  std::size_t files = 0;
  for (const char* folder : {"tests/data/rfc4475", "tests/data/rfc5118"})
    files += static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  EXPECT_EQ(files, rows.size());
  for (const TortureRow& row : rows) {
    const Played played = play(row.file);
    EXPECT_EQ(played.datagram, row.datagram) << row.file;
    EXPECT_EQ(played.stream, row.stream) << row.file;
    EXPECT_EQ(played.request_uri, row.request_uri) << row.file;
    EXPECT_FALSE(row.server.empty()) << row.file;
  }
}

// [RFC4475 4] a torture message cut after any octet is refused or accepted, and nothing is read behind the cut
TEST(TortureTable, SurvivesEveryCut) {
  Message message;
  for (const TortureRow& row : torture_rows()) {
    const Played played = play(row.file);
    for (std::size_t size = 0; size < played.octets.size(); ++size) {
      // A buffer of exactly this size lets AddressSanitizer see a read behind it.
      const std::unique_ptr<char[]> cut(new char[size]);
      std::copy_n(played.octets.data(), size, cut.get());
      const auto parsed = message.parse({cut.get(), size}, Limits{}, /*stream=*/false);
      EXPECT_TRUE(!parsed || size >= message.blank_line_at() + 2) << row.file;
    }
  }
}

}  // namespace bellhop::sip
