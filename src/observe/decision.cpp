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

constexpr std::size_t longest_name = std::ranges::max(step_names, {}, &std::string_view::size).size();
constexpr std::size_t between = 4;         // two entries: "; ", and two spaces
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
  out.resize(start + used_ + count_ * (longest_name + between));
  char* const begin = out.data() + start;
  char* at = begin;
  const auto put = [&at](std::string_view text) { at = copy_octets(text, at); };
  const auto put_behind_space = [&](std::string_view text) {
    if (text.empty()) return;
    *at++ = ' ';
    put(text);
  };
  for_each([&](Step step, std::string_view verdict, std::string_view detail) {
    if (at != begin) put("; ");
    put(name_of(step));
    put_behind_space(verdict);
    put_behind_space(detail);
  });
  out.resize(static_cast<std::size_t>(at - out.data()));
  if (truncated_) out += " ...";
}

}  // namespace bellhop::observe
