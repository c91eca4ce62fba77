#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/snapshot.hpp"

namespace bellhop::config {

/// Where things were declared, for faults that only show when the whole is seen: "sip.timer_c", "domain.0",
/// "domain.0.name".
class Places {
 public:
  void note(std::string name, Place place) { places_.insert_or_assign(std::move(name), place); }
  /// The place of the name, or of the nearest part of it in front of a dot; the top of the file when there is none.
  [[nodiscard]] Place of(std::string name) const;

 private:
  std::map<std::string, Place, std::less<>> places_;
};

struct Finding {
  Place place;
  std::string message;
};

struct Findings {
  std::vector<Finding> faults;  ///< what no single setting can tell: duplicates, references to nothing, files
  std::vector<Finding> doubts;  ///< what is allowed but probably not meant
};
/// For a snapshot whose single settings are all right. Reads the files of certificates.
[[nodiscard]] Findings check(const Snapshot& snapshot, const Places& places);

}  // namespace bellhop::config
