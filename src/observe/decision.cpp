#include "observe/decision.hpp"

#include <algorithm>

#include "base/copy_octets.hpp"

namespace bellhop::observe {
namespace {

constexpr std::array<std::string_view, 21> step_names{
    "ingress",   "guard",    "sanity",   "max-forwards", "loop",         "proxy-require", "authentication",
    "identity",  "rights",   "overload", "own-route",    "relay-policy", "alias",         "forwarder",
    "registrar", "location", "routing",  "target",       "branch",       "response",      "answer"};
static_assert(step_names.size() == static_cast<std::size_t>(Step::answer) + 1);

constexpr std::size_t longest_part = 255;  // its length is kept in one octet
constexpr std::size_t entry_head = 3;

}  // namespace

std::string_view name_of(Step step) {
  return step_names[static_cast<std::size_t>(step)];
}

void DecisionRecord::note(Step step, std::string_view verdict, std::string_view detail) {
  const std::size_t room = bytes_.size() - used_;
  if (room < entry_head + verdict.size() || verdict.size() > longest_part) {
    truncated_ = true;
    return;
  }
  const std::size_t detail_room = std::min(room - entry_head - verdict.size(), longest_part);
  if (detail.size() > detail_room) {
    truncated_ = true;
    detail = detail.substr(0, detail_room);
  }
  char* at = bytes_.data() + used_;
  *at++ = static_cast<char>(step);
  *at++ = static_cast<char>(verdict.size());
  *at++ = static_cast<char>(detail.size());
  copy_octets(detail, copy_octets(verdict, at));
  used_ = static_cast<std::uint16_t>(used_ + entry_head + verdict.size() + detail.size());
  ++count_;
}

std::string DecisionRecord::text() const {
  std::string out;
  append_to(out);
  return out;
}

void DecisionRecord::append_to(std::string& out) const {
  const std::size_t start = out.size();
  for_each([&](Step step, std::string_view verdict, std::string_view detail) {
    if (out.size() != start) out += "; ";
    out += name_of(step);
    if (!verdict.empty()) (out += ' ') += verdict;
    if (!detail.empty()) (out += ' ') += detail;
  });
  if (truncated_) out += " ...";
}

}  // namespace bellhop::observe
