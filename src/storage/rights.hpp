#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bellhop::storage {

/// What an account may do beyond its own name, and whom it does not want to hear. All lists are of words without white
/// space.
struct Rights {
  std::vector<std::string> groups;      ///< what barring and caps ask for (MOD-02)
  std::vector<std::string> identities;  ///< other addresses its From may name: "sales@example.test" (MOD-02 uri_db)
  std::vector<std::string> blocked;     ///< patterns of callers it refuses: "*@spam.test", "+49900*" (MOD-04)

  [[nodiscard]] bool none() const { return groups.empty() && identities.empty() && blocked.empty(); }
  [[nodiscard]] bool in_group(std::string_view group) const;
  friend bool operator==(const Rights&, const Rights&) = default;
};

/// As one text, as it is kept: three lines of words. Empty for no rights.
[[nodiscard]] std::string pack(const Rights& rights);
[[nodiscard]] Rights unpack_rights(std::string_view text);

/// The words of a line, in lower case.
[[nodiscard]] std::vector<std::string> words_of(std::string_view line);

/// What can be kept of one account: more is refused.
constexpr std::size_t most_rights_octets = 16 * 1024;

}  // namespace bellhop::storage
