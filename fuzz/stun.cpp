// STUN on the SIP ports. Input: the datagram.
#include "transport/stun.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "properties.hpp"

using namespace bellhop;

using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view datagram(reinterpret_cast<const char*>(data), size);
  for (const char* from : {"192.0.2.1:5060", "[2001:db8::1]:5060"}) {
    std::string answer = "before";
    if (!transport::answer_stun(datagram, *Endpoint::parse(from), answer)) {
      require(answer == "before");
      continue;
    }
    answer.erase(0, 6);
    require(transport::is_stun(datagram) && transport::is_stun(answer));
    require(answer.substr(4, 16) == datagram.substr(4, 16));
    require(answer.size() <= datagram.size() + 52);  // no amplifier
    std::string again;
    require(!transport::answer_stun(answer, *Endpoint::parse(from), again));  // two servers do not talk for ever
  }
  return 0;
}
