#include "observe/tap.hpp"

#include <array>

#include "base/text.hpp"

namespace bellhop::observe {
namespace {

constexpr std::array<std::string_view, 8> call_methods{"INVITE", "ACK",    "BYE",  "CANCEL",
                                                       "PRACK",  "UPDATE", "INFO", "REFER"};

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find_first_of(" \t\r\n"));
}

std::string_view last_word(std::string_view text) {
  const auto blank = text.find_last_of(" \t");
  return blank == std::string_view::npos ? text : text.substr(blank + 1);
}

/// The method named by the CSeq header, which has no compact form; empty when there is none in the header block.
std::string_view cseq_method(std::string_view octets) {
  for (auto line_end = octets.find('\n'); line_end != std::string_view::npos; line_end = octets.find('\n')) {
    octets.remove_prefix(line_end + 1);
    const std::string_view line = trim(octets.substr(0, octets.find('\n')));
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (equals_ignore_case(trim(line.substr(0, colon)), "CSeq")) return last_word(line.substr(colon + 1));
  }
  return {};
}

/// By the words of the message alone: this room knows no SIP grammar, and the dump must show broken messages too.
bool is_call_related(std::string_view octets) {
  std::string_view method = first_word(octets);
  if (starts_with_ignore_case(method, "SIP/")) method = cseq_method(octets);
  for (const auto known : call_methods) {
    if (method == known) return true;
  }
  return false;
}

}  // namespace

Tap::Tap(Log& log, Metrics& metrics)
    : log_(log),
      received_(metrics.counter("messages.received")),
      sent_(metrics.counter("messages.sent")),
      received_octets_(metrics.counter("messages.received_octets")),
      sent_octets_(metrics.counter("messages.sent_octets")) {}

void Tap::set_ring_size(std::size_t octets) {
  ring_limit_ = octets;
  shrink_ring();
}

void Tap::message(Direction direction, const char* transport, const Endpoint& local, const Endpoint& remote,
                  std::string_view octets, TimePoint now) {
  const bool received = direction == Direction::received;
  (received ? received_ : sent_).add();
  (received ? received_octets_ : sent_octets_).add(octets.size());
  const bool all_info = log_.enabled(Tag::sip_data, Level::all_info);
  if (ring_limit_ == 0 && !all_info && !dump_call_packets_) return;
  record(direction, transport, local, remote, octets, now);
}

void Tap::record(Direction direction, const char* transport, const Endpoint& local, const Endpoint& remote,
                 std::string_view octets, TimePoint now) {
  const bool dumped = dump_call_packets_ && is_call_related(octets);
  if (dumped || log_.enabled(Tag::sip_data, Level::all_info)) {
    const bool received = direction == Direction::received;
    log_.write(Tag::sip_data, Level::all_info,
               fmt::format("{} {} octets {} {}[{}] at [{}]\n{}", received ? "received" : "sent", octets.size(),
                           received ? "from" : "to", transport, remote.to_string(), local.to_string(), octets));
  }
  if (octets.size() > ring_limit_) return;
  ring_.push_back({now, direction, transport, local, remote, std::string(octets)});
  ring_octets_ += octets.size();
  shrink_ring();
}

void Tap::shrink_ring() {
  while (ring_octets_ > ring_limit_) {
    ring_octets_ -= ring_.front().octets.size();
    ring_.pop_front();
  }
}

std::vector<Tap::Entry> Tap::find(std::string_view needle) const {
  std::vector<Entry> found;
  for (const Entry& entry : ring_) {
    if (entry.octets.find(needle) != std::string::npos) found.push_back(entry);
  }
  return found;
}

}  // namespace bellhop::observe
