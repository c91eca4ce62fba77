// URIs: parse, walk, compare, decode. Input: two URIs, one a line.
#include "sip/uri.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "properties.hpp"

using namespace bellhop;
using namespace bellhop::sip;

using fuzz::require;
using fuzz::inside;

namespace {

void check(std::string_view text, const Uri& uri) {
  for (const std::string_view part : {uri.scheme_text, uri.user, uri.password, uri.host, uri.parameters, uri.headers})
    require(inside(part, text));
  require(uri.text == text && text.find_first_of(std::string_view("\0\r\n \"<>", 7)) == std::string_view::npos);
  if (uri.scheme == Scheme::sip || uri.scheme == Scheme::sips) require(host_length(uri.host) == uri.host.size());
  std::size_t parameters = 0;
  for (const Parameter& p : uri.parameter_list()) {
    require(!p.name.empty() && inside(p.name, uri.parameters) && inside(p.value, uri.parameters));
    require(uri.parameter(p.name).has_value() || parameters > 64);
    if (++parameters > 64) break;
  }
  (void)host_address(uri.host);
  (void)address_of_record(uri, true);
  require(unescape(escape_user(unescape(uri.user))) == unescape(uri.user));
  require(equivalent(uri, uri));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string first(input.substr(0, input.find('\n')));
  const std::string second(input.substr(std::min(first.size() + 1, input.size())));
  const auto a = parse_uri(first);
  const auto b = parse_uri(second);
  if (a) check(first, *a);
  if (b) check(second, *b);
  if (a && b) require(equivalent(*a, *b) == equivalent(*b, *a));
  require(host_length(input) <= input.size());
  return 0;
}
