// HttpReader: whatever the size of the pieces in which octets arrive, the same requests come out, none of them made of
// more octets than allowed, and a Host comes from the header alone. The first octet of the input is the size of the
// pieces.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/http_request.hpp"
#include "admin/http_server.hpp"
#include "base/text.hpp"
#include "properties.hpp"

namespace {

using namespace bellhop::admin;
using bellhop::fuzz::require;
using Outcome = HttpReader::Outcome;

constexpr std::size_t limit = 512;

struct Played {
  std::vector<HttpRequest> requests;
  std::vector<std::size_t> ends;  ///< where in the stream each of them ended
  Outcome last = Outcome::more;
};

/// In any of its lines: http_parser bears line breaks where no other reader would, and takes whatever follows a CR for
/// its LF.
bool names_host(std::string_view head) {
  for (std::size_t at = head.find_first_of("\r\n"); at != std::string_view::npos;
       at = head.find_first_of("\r\n", at + 1))
    for (const std::size_t next : {at + 1, at + 2})
      if (next < head.size() && bellhop::starts_with_ignore_case(head.substr(next), "host")) return true;
  return false;
}

void check(const HttpRequest& request, std::string_view octets) {
  require(!octets.empty() && octets.size() <= limit);
  std::size_t size = request.method.size() + request.path.size() + request.host.size();
  for (const std::string& argument : request.arguments) {
    require(!argument.empty());
    size += argument.size();
  }
  require(size < octets.size());
  require(octets.find(request.method) != std::string_view::npos);
  require(request.has_host ? names_host(octets) : request.host.empty());
  if (is_loopback_host(request.host)) require(!request.host.empty());
}

Played play(std::string_view stream, std::size_t step) {
  Played played;
  HttpReader reader(limit);
  std::size_t start = 0;  // of the request under way
  for (std::size_t at = 0; at < stream.size();) {
    std::string_view piece = stream.substr(at, step);
    while (!piece.empty()) {
      const std::size_t before = piece.size();
      played.last = reader.feed(piece);
      at += before - piece.size();
      require(at - start <= limit);
      if (played.last == Outcome::malformed || played.last == Outcome::too_large) return played;
      if (played.last == Outcome::more) {
        require(piece.empty() && reader.in_request());
        continue;
      }
      played.requests.push_back(reader.take());
      played.ends.push_back(at);
      require(!reader.in_request());
      check(played.requests.back(), stream.substr(start, at - start));
      start = at;
    }
  }
  return played;
}

bool equal(const HttpRequest& a, const HttpRequest& b) {
  return a.method == b.method && a.path == b.path && a.arguments == b.arguments && a.host == b.host &&
         a.has_host == b.has_host && a.keep_alive == b.keep_alive;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const Played whole = play(stream, stream.size());
  const Played pieces = play(stream, data[0] == 0 ? 1 : data[0]);
  require(whole.last == pieces.last && whole.ends == pieces.ends);
  for (std::size_t i = 0; i < whole.requests.size(); ++i) require(equal(whole.requests[i], pieces.requests[i]));
  require(percent_decoded(stream).size() <= stream.size());
  return 0;
}
