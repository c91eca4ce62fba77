#include "proxy/neighbour_load.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace bellhop::proxy {

namespace {

constexpr std::size_t most_neighbours = 1024;
constexpr Duration default_validity = milliseconds(500);
constexpr Duration longest_validity = hours(1);
/// Requests that may leave at once after a silence (TAU of RFC 7415 section 3.5.1, in intervals).
constexpr int burst = 4;

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

/// "1282321615.782" as two numbers that compare as the sequence does; a fraction counts by its digits (section 4.4).
std::optional<std::pair<std::uint64_t, std::uint64_t>> sequence_of(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::string fraction(text.substr(dot + 1));
  if (fraction.empty() || fraction.size() > 5) return std::nullopt;
  fraction.resize(5, '0');
  const auto whole = parse_decimal(text.substr(0, dot), 999'999'999'999), part = parse_decimal(fraction);
  if (!whole || !part) return std::nullopt;
  return std::pair{*whole, *part};
}

}  // namespace

void NeighbourLoad::heard(const Endpoint& neighbour, const sip::Via& via, TimePoint now) {
  const sip::ParameterList parameters(via.parameters);
  const auto oc = parameters.find("oc");
  const auto seq = parameters.find("oc-seq");
  if (!oc || !oc->has_value || !seq) return;
  const auto value = parse_decimal(oc->value, 1'000'000'000);
  const auto sequence = sequence_of(seq->value);
  if (!value || !sequence) return;
  Duration validity = default_validity;
  if (const auto given = parameters.find("oc-validity")) {
    const auto number = parse_decimal(given->value, UINT32_MAX);
    if (!number) return;
    validity = std::min<Duration>(milliseconds(static_cast<std::int64_t>(*number)), longest_validity);
  }
  const auto algorithm = parameters.find("oc-algo");
  const bool rate = algorithm && equals_ignore_case(unquoted(algorithm->value), "rate");
  if (!rate && *value > 100) return;

  const auto known = asked_.find(neighbour);
  if (known != asked_.end() && *sequence <= known->second.sequence && known->second.until > now) return;
  const bool nothing = validity == Duration::zero() || (!rate && *value == 0);
  if (known == asked_.end()) {
    if (nothing) return;
    if (asked_.size() >= most_neighbours)
      boost::unordered::erase_if(asked_, [&](const auto& entry) { return entry.second.until <= now; });
    if (asked_.size() >= most_neighbours) return;
  }
  Asked& asked = asked_[neighbour];
  asked.sequence = *sequence;
  asked.until = now + validity;
  asked.rate = rate;
  asked.percent = nothing || rate ? 0 : static_cast<std::uint32_t>(*value);
  asked.interval = {};
  if (rate && !nothing)
    asked.interval =
        *value == 0 ? longest_validity
                    : Duration(seconds(1)) * static_cast<std::int64_t>(shards_) / static_cast<std::int64_t>(*value);
}

bool NeighbourLoad::admits(const Endpoint& neighbour, unsigned dice, TimePoint now) {
  if (asked_.empty()) return true;
  const auto found = asked_.find(neighbour);
  if (found == asked_.end() || found->second.until <= now) return true;
  Asked& asked = found->second;
  if (!asked.rate) return dice >= asked.percent;
  if (asked.interval == longest_validity) return false;
  const TimePoint earliest = std::max(asked.next_free, now - burst * asked.interval);
  if (earliest > now) return false;
  asked.next_free = earliest + asked.interval;
  return true;
}

}  // namespace bellhop::proxy
