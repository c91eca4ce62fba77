// StreamFramer: whatever the size of the pieces in which octets arrive, the same messages come out.
// The first octet of the input is the size of the pieces.
#include "sip/framing.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace bellhop::sip;
using Outcome = StreamFramer::Outcome;

struct Played {
  std::vector<std::size_t> sizes;  ///< of messages
  std::size_t crlfs = 0;           ///< octets of keep-alives
  bool refused = false;
};

Played play(std::string_view stream, std::size_t step) {
  Played played;
  StreamFramer framer;
  std::size_t start = 0;
  std::size_t end = 0;
  while (end < stream.size() && !played.refused) {
    end = end + step < stream.size() ? end + step : stream.size();
    for (;;) {
      const std::string_view unread = stream.substr(start, end - start);
      const auto found = framer.look(unread, Limits{.message_size = 4096, .header_block_size = 2048});
      if (found.outcome == Outcome::need_more) break;
      played.refused = found.outcome == Outcome::refused;
      if (played.refused) break;
      if (found.size == 0 || found.size > unread.size()) std::abort();
      if (found.outcome == Outcome::message) played.sizes.push_back(found.size);
      if (found.outcome != Outcome::message) played.crlfs += found.size;
      start += found.size;
      framer.consumed();
    }
  }
  return played;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const Played whole = play(stream, stream.size());
  const Played pieces = play(stream, data[0] == 0 ? 1 : data[0]);
  if (whole.sizes != pieces.sizes || whole.crlfs != pieces.crlfs || whole.refused != pieces.refused) std::abort();
  return 0;
}
