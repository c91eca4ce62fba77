#include "storage/rights.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace bellhop::storage {

namespace {

constexpr std::string_view white = " \t\r\n";

}  // namespace

bool Rights::in_group(std::string_view group) const {
  return std::any_of(groups.begin(), groups.end(),
                     [&](const std::string& own) { return equals_ignore_case(own, group); });
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> out;
  for (line = trim(line); !line.empty(); line = trim(line)) {
    const auto end = std::min(line.find_first_of(white), line.size());
    out.push_back(to_lower(line.substr(0, end)));
    line.remove_prefix(end);
  }
  return out;
}

std::string pack(const Rights& rights) {
  if (rights.none()) return {};
  std::string out;
  for (const auto* list : {&rights.groups, &rights.identities, &rights.blocked}) {
    for (const std::string& word : *list) out.append(word).append(" ");
    out += '\n';
  }
  return out;
}

Rights unpack_rights(std::string_view text) {
  Rights out;
  for (auto* list : {&out.groups, &out.identities, &out.blocked}) {
    const auto end = std::min(text.find('\n'), text.size());
    *list = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace bellhop::storage
