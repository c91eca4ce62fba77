// Answers of name servers. Input: one octet that chooses the type, then the message, which is to answer for "a.test".
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/dns_answer.hpp"
#include "properties.hpp"

using namespace bellhop;
using namespace bellhop::net;

using fuzz::require;

namespace {

bool is_name(std::string_view name) {
  return name.size() <= 253 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.?") == std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::array types = {DnsType::a, DnsType::aaaa, DnsType::srv, DnsType::naptr};
  const DnsType type = types[data[0] % types.size()];
  const auto answer = parse_dns_answer({reinterpret_cast<const char*>(data) + 1, size - 1}, "a.test", type);
  if (!answer) return 0;
  const std::size_t records = answer->addresses.size() + answer->services.size() + answer->pointers.size();
  require(records <= most_records && (records > 0) == (answer->outcome == Answer::Outcome::found));
  require(answer->outcome != Answer::Outcome::found || answer->ttl.has_value());
  require(!answer->ttl || (*answer->ttl >= Duration::zero() && *answer->ttl <= seconds(0x7fffffff)));
  require(answer->addresses.empty() || type == DnsType::a || type == DnsType::aaaa);
  require((answer->services.empty() || type == DnsType::srv) && (answer->pointers.empty() || type == DnsType::naptr));
  for (const IpAddress& address : answer->addresses) require(address.is_v6() == (type == DnsType::aaaa));
  for (std::size_t i = 0; i < answer->services.size(); ++i)
    require(is_name(answer->services[i].target) && (i == 0 || answer->services[i - 1] < answer->services[i]));
  for (std::size_t i = 0; i < answer->pointers.size(); ++i)
    require(is_name(answer->pointers[i].replacement) && (i == 0 || answer->pointers[i - 1] < answer->pointers[i]));
  return 0;
}
