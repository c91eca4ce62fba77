// Header field values: each parser sees each input, and what one accepts must hold together.
#include "sip/values.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "properties.hpp"
#include "sip/auth_parameters.hpp"

using namespace bellhop;
using namespace bellhop::sip;

using fuzz::inside;
using fuzz::require;

namespace {

void via_list(std::string_view input) {
  for (std::string_view rest = input; !rest.empty();) {
    const std::string_view value = rest;
    const auto via = parse_via(value, &rest);
    if (!via) return;
    for (const std::string_view part : {via->protocol, via->transport, via->host, via->branch, via->received,
                                        via->maddr, via->ttl, via->rport_text, via->parameters, via->text})
      require(inside(part, value));
    require(host_length(via->host) == via->host.size() && !via->host.empty());
    require(rest.size() < value.size());
    const auto again = parse_via(via->text);
    require(again && again->branch == via->branch && again->port == via->port);
  }
}

void address_list(std::string_view input) {
  for (std::string_view rest = input; !rest.empty();) {
    const std::string_view value = rest;
    const auto address = parse_name_addr(value, &rest);
    if (!address) return;
    for (const std::string_view part : {address->display_name, address->uri.text, address->parameters, address->text})
      require(inside(part, value));
    require(rest.size() < value.size());
    const auto again = parse_name_addr(address->text);
    require(again && again->uri.text == address->uri.text && again->tag() == address->tag());
    // The list walker and the parser must agree where a value ends.
    std::string_view walked = value;
    require(next_in_list(walked) == address->text);
    (void)parse_contact(value);
  }
}

void list(std::string_view input) {
  std::size_t left = input.size();
  for (std::string_view rest = input; const auto element = next_in_list(rest);) {
    require(inside(*element, input) && rest.size() < left);
    left = rest.size();
  }
  (void)list_has_token(input, "x");
}

void credentials(std::string_view input) {
  const auto auth = parse_auth(input);
  const DigestParameters by_name(input);
  require(by_name.good() == auth.has_value());
  if (!auth) return;
  require(by_name.value(DigestName::nonce) == auth->value("nonce"));
  require(!auth->items.empty() && auth->items.size() <= 32);
  for (const auto& item : auth->items) require(inside(item.value, input) && auth->find(item.name) == &item);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A heap copy of exact size: a string literal's or libFuzzer's own padding would hide a read behind the end.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy_n(data, size, copy.get());
  const std::string_view input(copy.get(), size);
  via_list(input);
  address_list(input);
  list(input);
  credentials(input);
  if (const auto cseq = parse_cseq(input)) require(cseq->number < 0x80000000U && is_token(cseq->method_text));
  if (const auto number = parse_number(input, 3600)) require(*number <= 3600);
  if (const auto q = parse_q(input)) require(*q <= 1000);
  require(unquote(quote(input)) == input);
  return 0;
}
