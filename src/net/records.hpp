#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"

namespace bellhop::net {

/// What can be asked about a name. `address` stands for A and AAAA together.
enum class RecordType : std::uint8_t { address, srv, naptr };

struct Question {
  RecordType type = RecordType::address;
  std::string name;  ///< lower case, without the final dot
  friend bool operator==(const Question&, const Question&) = default;
};

/// RFC 2782.
struct SrvRecord {
  std::uint16_t priority = 0, weight = 0, port = 0;
  std::string target;  ///< empty: the root, which says that the service is not offered
  friend auto operator<=>(const SrvRecord&, const SrvRecord&) = default;
};

/// RFC 3403. Records with a regular expression are of no use to SIP (RFC 3263 section 4.1) and are left out.
struct NaptrRecord {
  std::uint16_t order = 0, preference = 0;
  std::string flags, service;  ///< as received, any case
  std::string replacement;
  friend auto operator<=>(const NaptrRecord&, const NaptrRecord&) = default;
};

/// The answer to a Question: the records of its type. An immutable value that the cache and all who wait share.
struct Answer {
  enum class Outcome : std::uint8_t {
    found,
    absent,  ///< there is no such name, or it has no such record
    failed,  ///< the name servers failed or were silent, or too many questions were under way
  };
  Question question;
  Outcome outcome = Outcome::failed;
  std::vector<IpAddress> addresses;   ///< A before AAAA, in the server's order
  std::vector<SrvRecord> services;    ///< in ascending order: by priority first
  std::vector<NaptrRecord> pointers;  ///< in ascending order: by order and preference first
  TimePoint valid_until{};            ///< now or earlier: for those who asked only

  [[nodiscard]] bool found() const { return outcome == Outcome::found; }
};
using AnswerPtr = std::shared_ptr<const Answer>;

}  // namespace bellhop::net
