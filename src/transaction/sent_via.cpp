#include "transaction/sent_via.hpp"

#include <array>

#include "base/copy_octets.hpp"
#include "base/fold_case.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "sip/lines.hpp"
#include "sip/values.hpp"

namespace bellhop::transaction {

namespace {

constexpr std::size_t longest = 512;  ///< of branch, host and method; above it nothing is ours

/// The hash of branch, host and method, written one behind the other. The seed is no secret: the 64-bit mac in the
/// branch is, so that whoever has not seen the branch can hit its 64-bit hash by chance only.
template <class CopyBranch, class CopyHost>
std::uint64_t hash_of_parts(std::string_view branch, std::string_view host, std::uint64_t port, std::string_view method,
                            CopyBranch copy_branch, CopyHost copy_host) {
  constexpr std::size_t separators = 2;
  if (branch.size() + host.size() + method.size() + separators > longest)
    return hash64(method, hash64(host, hash64(branch, port)));
  std::array<char, longest> room;
  char* end = copy_branch(branch, room.data());
  *end++ = ' ';
  end = copy_host(host, end);
  *end++ = ' ';
  end = copy_octets(method, end);
  return hash64({room.data(), static_cast<std::size_t>(end - room.data())}, port);
}

constexpr auto as_it_is = [](std::string_view text, char* out) { return copy_octets(text, out); };
constexpr auto in_lower_case = [](std::string_view text, char* out) { return copy_lower(text, out); };
/// In lower case but for the cookie, as we write branches.
constexpr auto as_ours = [](std::string_view branch, char* out) {
  constexpr std::string_view cookie = "z9hG4bK", folded = "z9hg4bk";
  char* const end = copy_lower(branch, out);
  if (branch.size() >= cookie.size() && std::string_view(out, cookie.size()) == folded) copy_octets(cookie, out);
  return end;
};

/// Branch and host without case (section 7.3.1).
std::uint64_t origin_of(std::string_view branch, std::string_view host, std::uint64_t port, std::string_view method) {
  return hash_of_parts(branch, host, port, method, as_ours, in_lower_case);
}

}  // namespace

SentVia SentVia::of_written(std::string_view sent_by, std::string_view branch, std::string_view method,
                            std::size_t count) {
  const std::size_t colon = sent_by.find(':', sent_by.starts_with('[') ? sent_by.find(']') : 0);
  const auto port = colon == std::string_view::npos ? std::nullopt : parse_decimal(sent_by.substr(colon + 1), 65535);
  return {origin_of(branch, sent_by.substr(0, colon), port.value_or(0), method), static_cast<std::uint16_t>(count)};
}

SentVia SentVia::of_request(std::string_view octets) {
  SentVia sent;
  const std::string_view method = octets.substr(0, octets.find(' '));
  for (std::size_t at = octets.find('\n'); at != std::string_view::npos; at = octets.find('\n', at)) {
    if (++at == octets.size() || octets[at] == '\r') break;
    if (lower(octets[at]) != 'v') continue;
    const sip::HeaderLine line = sip::next_line(octets, at);
    if (line.kind != sip::HeaderLine::Kind::field || line.field.id != sip::HeaderId::via) continue;
    std::string_view values = octets.substr(line.field.value_at, line.field.value_size);
    while (const auto value = sip::next_in_list(values)) {
      if (sent.count++ > 0) continue;
      if (const auto via = sip::parse_via(*value)) sent.origin = origin_of(via->branch, via->host, via->port, method);
    }
  }
  return sent;
}

SentVia SentVia::of_response(const sip::Message& response) {
  const sip::Via& top = response.top_via();
  return {origin_of(top.branch, top.host, top.port, response.cseq().method_text),
          static_cast<std::uint16_t>(response.via_count())};
}

SentVia SentVia::of_unfolded(const sip::Message& response) {
  const sip::Via& top = response.top_via();
  return {hash_of_parts(top.branch, top.host, top.port, response.cseq().method_text, as_it_is, as_it_is),
          static_cast<std::uint16_t>(response.via_count())};
}

}  // namespace bellhop::transaction
