#include "transaction/sent_via.hpp"

#include "base/hash.hpp"
#include "base/text.hpp"
#include "sip/lines.hpp"
#include "sip/values.hpp"

namespace bellhop::transaction {

namespace {

/// FNV-1a over the folded host, the port and the method. No secret: the branch's mac is what cannot be guessed.
std::uint32_t origin_of(const sip::Via& via, std::string_view method) {
  std::uint32_t hash = 2166136261U;
  const auto mix = [&hash](unsigned octet) { hash = (hash ^ octet) * 16777619U; };
  for (const char c : via.host) mix(static_cast<unsigned char>(lower(c)));
  mix(via.port & 0xffU);
  mix(via.port >> 8U);
  for (const char c : method) mix(static_cast<unsigned char>(c));
  return hash;
}

}  // namespace

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
      if (const auto via = sip::parse_via(*value)) sent.origin = origin_of(*via, method);
    }
  }
  return sent;
}

SentVia SentVia::of_response(const sip::Message& response) {
  return {origin_of(response.top_via(), response.cseq().method_text), static_cast<std::uint16_t>(response.via_count())};
}

}  // namespace bellhop::transaction
