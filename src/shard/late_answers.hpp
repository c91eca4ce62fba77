#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "net/flow.hpp"
#include "sip/message.hpp"
#include "transaction/tables.hpp"

namespace bellhop::shard {

/// Answers that wait on purpose: wrong credentials are answered late, so that guessing is slow (CGP-47). No thread
/// waits, and a repetition of the request is absorbed meanwhile instead of being judged again.
///
/// Owner   one shard.
/// Memory  bounded: above the limit the answer is dropped and not sent at all; whoever guesses has no right to one.
class LateAnswers {
 public:
  static constexpr std::size_t limit = 4096;

  /// Whether the answer to this very request (branch, method and source) is waiting.
  [[nodiscard]] bool waiting(const sip::Message& request, const net::Flow& from) const;
  /// Sends `octets` when `due` has come; deadlines do not go back from one call to the next.
  void add(const sip::Message& request, const net::Flow& from, const net::Flow& to, std::string_view octets,
           TimePoint due);
  void send_due(transaction::Output& output, TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const { return answers_.empty() ? never : answers_.front().due; }

 private:
  struct Answer {
    TimePoint due;
    std::uint64_t request;
    net::Flow to;
    std::string octets;
  };
  std::deque<Answer> answers_;
  boost::unordered_flat_set<std::uint64_t> requests_;
};

}  // namespace bellhop::shard
