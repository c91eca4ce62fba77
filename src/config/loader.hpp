#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/snapshot.hpp"

namespace bellhop::config {

/// One fault of a configuration file, told so that it can be mended: "bellhop.toml:12:1: unknown key 'wrokers' in
/// [server]; did you mean 'workers'?".
struct Fault {
  std::string file;
  unsigned line = 0, column = 0;
  std::string message;
  [[nodiscard]] std::string to_string() const;
};

/// Reads, checks every key against the table of settings, cross-checks the whole, and returns the snapshot or all
/// faults found (not only the first). Relative paths are taken from the file's folder.
[[nodiscard]] Result<SnapshotPtr, std::vector<Fault>> load_file(const std::string& path);
[[nodiscard]] Result<SnapshotPtr, std::vector<Fault>> load_text(std::string_view toml, const std::string& file_name);

/// What a reload of `next` over `running` would change: settings that need a restart to change are named, and the
/// reload is refused as a whole when there are any. Empty: can be applied.
[[nodiscard]] std::vector<std::string> restart_needed(const Snapshot& running, const Snapshot& next);

/// docs/settings.md, generated from the table.
[[nodiscard]] std::string settings_markdown();

}  // namespace bellhop::config
