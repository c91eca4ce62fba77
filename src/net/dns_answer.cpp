#include "net/dns_answer.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace bellhop::net {

namespace {

constexpr std::uint16_t class_internet = 1, type_cname = 5, type_soa = 6;
constexpr std::size_t most_read = 512;  ///< records of one message that are looked at
constexpr int most_aliases = 8;
constexpr std::size_t longest_name = 253;

/// Walks a message. What does not fit makes it bad for good, and everything read from then on zero or empty.
class Reader {
 public:
  explicit Reader(std::string_view message, std::size_t at = 0, std::size_t end = std::string_view::npos)
      : message_(message), at_(at), end_(std::min(end, message.size())) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  std::uint8_t octet() { return take(1) ? static_cast<std::uint8_t>(message_[at_ - 1]) : std::uint8_t{0}; }
  std::uint16_t two() {
    const std::uint16_t high = octet();
    return static_cast<std::uint16_t>(high << 8 | octet());
  }
  std::uint32_t four() {
    const std::uint32_t high = two();
    return high << 16 | two();
  }
  /// RFC 2181 section 8: one with the highest bit set counts as none.
  Duration ttl() {
    const std::uint32_t value = four();
    return seconds(value > 0x7fffffff ? 0 : value);
  }
  std::string_view octets(std::size_t count) {
    return take(count) ? message_.substr(at_ - count, count) : std::string_view();
  }
  std::string_view text() { return octets(octet()); }
  std::string name();
  void skip(std::size_t count) { (void)take(count); }

 private:
  bool take(std::size_t count) {
    good_ = good_ && count <= end_ - at_;
    if (good_) at_ += count;
    return good_;
  }
  std::string bad() {
    good_ = false;
    return {};
  }

  std::string_view message_;
  std::size_t at_, end_;
  bool good_ = true;
};

/// Lower case, dots between the labels, empty for the root. An octet that no host name has is shown as '?', so that the
/// name equals none that we asked for.
std::string Reader::name() {
  std::string name;
  std::size_t next = at_, before = at_;  // every pointer goes to before the last one: no loops
  bool jumped = false;
  for (;;) {
    if (next >= message_.size() || (!jumped && next >= end_)) return bad();
    const auto length = static_cast<std::uint8_t>(message_[next]);
    if (length >= 0xc0) {
      if (next + 1 >= message_.size() || (!jumped && next + 1 >= end_)) return bad();
      const std::size_t to = (length & 0x3fu) << 8 | static_cast<std::uint8_t>(message_[next + 1]);
      if (to >= before) return bad();
      if (!jumped) at_ = next + 2;
      jumped = true;
      next = before = to;
      continue;
    }
    ++next;
    if (length == 0) break;
    if (length > 63 || length > message_.size() - next || name.size() + 1 + length > longest_name) return bad();
    if (!name.empty()) name += '.';
    for (const char c : message_.substr(next, length)) {
      const char l = lower(c);
      name += (l >= 'a' && l <= 'z') || (l >= '0' && l <= '9') || l == '-' || l == '_' ? l : '?';
    }
    next += length;
  }
  if (!jumped) {
    if (next > end_) return bad();
    at_ = next;
  }
  return name;
}

struct Record {
  std::string owner;
  std::uint16_t type = 0;
  Duration ttl{};
  std::size_t begin = 0, end = 0;  ///< of its data in the message
};

std::optional<Record> read_record(Reader& reader) {
  Record record;
  record.owner = reader.name();
  record.type = reader.two();
  if (reader.two() != class_internet) record.type = 0;
  record.ttl = reader.ttl();
  const std::uint16_t size = reader.two();
  record.begin = reader.at();
  reader.skip(size);
  record.end = reader.at();
  return reader.good() ? std::optional(std::move(record)) : std::nullopt;
}

std::optional<std::vector<Record>> read_records(Reader& reader, std::size_t count) {
  std::vector<Record> records;
  for (; count > 0; --count) {
    auto record = read_record(reader);
    if (!record || records.size() == most_read) return std::nullopt;
    records.push_back(std::move(*record));
  }
  return records;
}

/// The data of one record into the answer; false when it is malformed.
bool add(DnsAnswer& answer, DnsType type, std::string_view message, const Record& record) {
  Reader data(message, record.begin, record.end);
  switch (type) {
    case DnsType::a:
    case DnsType::aaaa: {
      const std::size_t size = type == DnsType::a ? 4 : 16;
      const std::string_view octets = data.octets(size);
      if (!data.good() || data.at() != record.end) return false;
      std::array<std::uint8_t, 16> bytes{};
      std::copy(octets.begin(), octets.end(), bytes.begin());
      const IpAddress address =
          size == 16 ? IpAddress::v6(bytes) : IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
      // An IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is none that anybody could be sent to over IPv6.
      if (address.is_v6() == (type == DnsType::aaaa)) answer.addresses.push_back(address);
      return true;
    }
    case DnsType::srv: {
      SrvRecord srv;
      srv.priority = data.two();
      srv.weight = data.two();
      srv.port = data.two();
      srv.target = data.name();
      answer.services.push_back(std::move(srv));
      break;
    }
    case DnsType::naptr: {
      NaptrRecord naptr;
      naptr.order = data.two();
      naptr.preference = data.two();
      naptr.flags = data.text();
      naptr.service = data.text();
      const bool regular_expression = !data.text().empty();
      naptr.replacement = data.name();
      if (!regular_expression) answer.pointers.push_back(std::move(naptr));
      break;
    }
  }
  return data.good() && data.at() == record.end;
}

template <class T>
void put_in_order(std::vector<T>& records) {
  std::sort(records.begin(), records.end());
  records.erase(std::unique(records.begin(), records.end()), records.end());
  if (records.size() > most_records) records.resize(most_records);
}

/// RFC 2308 section 5: the SOA's own time to live or its MINIMUM field, whichever is less.
std::optional<Duration> time_of_absence(std::string_view message, const std::vector<Record>& authority) {
  for (const Record& record : authority) {
    if (record.type != type_soa) continue;
    Reader data(message, record.begin, record.end);
    (void)data.name();
    (void)data.name();
    data.skip(16);  // serial, refresh, retry, expire
    const Duration minimum = data.ttl();
    if (data.good()) return std::min(record.ttl, minimum);
  }
  return std::nullopt;
}

/// The name at the end of the aliases; `ttl` becomes theirs when it is less.
std::string follow_aliases(std::string_view message, const std::vector<Record>& records, std::string name,
                           Duration& ttl) {
  for (int i = 0; i < most_aliases; ++i) {
    const auto alias = std::find_if(records.begin(), records.end(),
                                    [&](const Record& r) { return r.type == type_cname && r.owner == name; });
    if (alias == records.end()) break;
    Reader data(message, alias->begin, alias->end);
    name = data.name();
    if (!data.good()) return {};
    ttl = std::min(ttl, alias->ttl);
  }
  return name;
}

}  // namespace

std::optional<DnsAnswer> parse_dns_answer(std::string_view message, std::string_view name, DnsType type) {
  constexpr std::uint16_t response = 0x8000, opcode = 0x7800, cut = 0x0200, code = 0x000f, name_error = 3;
  Reader reader(message);
  reader.skip(2);  // c-ares compared the id
  const std::uint16_t flags = reader.two(), questions = reader.two(), answers = reader.two(),
                      authorities = reader.two();
  reader.skip(2);
  if (!reader.good() || (flags & response) == 0 || (flags & (opcode | cut)) != 0 || questions != 1) return std::nullopt;
  if (reader.name() != name || reader.two() != static_cast<std::uint16_t>(type) || reader.two() != class_internet)
    return std::nullopt;

  DnsAnswer answer;
  if ((flags & code) != 0 && (flags & code) != name_error) return reader.good() ? std::optional(answer) : std::nullopt;
  const auto records = read_records(reader, answers);
  if (!records) return std::nullopt;
  Duration ttl = Duration::max();
  const std::string owner = follow_aliases(message, *records, std::string(name), ttl);
  for (const Record& record : *records) {
    if (record.type != static_cast<std::uint16_t>(type) || record.owner != owner) continue;
    if (!add(answer, type, message, record)) return std::nullopt;
    ttl = std::min(ttl, record.ttl);
  }
  put_in_order(answer.services);
  put_in_order(answer.pointers);
  if (answer.addresses.size() > most_records) answer.addresses.resize(most_records);
  const bool found = !answer.addresses.empty() || !answer.services.empty() || !answer.pointers.empty();
  if (found) {
    answer.outcome = Answer::Outcome::found;
    answer.ttl = ttl;
    return answer;
  }
  answer.outcome = Answer::Outcome::absent;
  if (const auto authority = read_records(reader, authorities)) answer.ttl = time_of_absence(message, *authority);
  return answer;
}

}  // namespace bellhop::net
