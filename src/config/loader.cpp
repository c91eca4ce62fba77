#include "config/loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/checks.hpp"
#include "config/settings.hpp"

namespace bellhop::config {

namespace {

/// One reading of one file: the snapshot that grows, and everything found wrong on the way.
class Reading {
 public:
  explicit Reading(std::string file) { snapshot_.file = std::move(file); }

  void read(const Value& root) {
    std::vector<std::string_view> names;
    for_each_section([&](const auto& section, auto member) {
      names.push_back(section.name);
      for (const Entry& entry : root.entries)
        if (entry.key == section.name) take(section, entry, snapshot_.*member);
    });
    for (const Entry& entry : root.entries)
      if (std::find(names.begin(), names.end(), entry.key) == names.end())
        fault(entry.place, fmt::format("unknown section or key '{}'{}", entry.key, did_you_mean(entry.key, names)));
    settle_paths();
    snapshot_.order_zones();
    snapshot_.prepare_scanners();
    // Cross-checks of values that were refused would complain about defaults nobody wrote.
    if (!faults_.empty()) return;
    const Findings found = check(snapshot_, places_);
    for (const Finding& finding : found.faults) fault(finding.place, finding.message);
    for (const Finding& finding : found.doubts)
      snapshot_.warnings.push_back(
          Fault{snapshot_.file, finding.place.line, finding.place.column, "warning: " + finding.message}.to_string());
  }

  void fault(Place place, std::string message) {
    faults_.push_back({snapshot_.file, place.line, place.column, std::move(message)});
  }

  Result<SnapshotPtr, std::vector<Fault>> finish() && {
    if (!faults_.empty()) {
      std::stable_sort(faults_.begin(), faults_.end(), [](const Fault& a, const Fault& b) {
        return a.line != b.line ? a.line < b.line : a.column < b.column;
      });
      return failure(std::move(faults_));
    }
    return std::make_shared<const Snapshot>(std::move(snapshot_));
  }

 private:
  template <class S>
  void take(const Section<S>& section, const Entry& entry, S& into) {
    if (entry.value.kind != Value::Kind::table) {
      fault(entry.place,
            fmt::format("{0} is not a section here; write [{0}] once, and its settings below it", entry.key));
      return;
    }
    places_.note(std::string(section.name), entry.place);
    take_settings(section, entry.value, std::string(section.name), into);
  }

  template <class S>
  void take(const Section<S>& section, const Entry& entry, std::vector<S>& into) {
    const auto is_table = [](const Value& item) { return item.kind == Value::Kind::table; };
    if (entry.value.kind != Value::Kind::array ||
        !std::all_of(entry.value.items.begin(), entry.value.items.end(), is_table)) {
      fault(entry.place, fmt::format("{0} can be there several times; write [[{0}]]", entry.key));
      return;
    }
    for (const Value& item : entry.value.items) {
      const std::string name = fmt::format("{}.{}", section.name, into.size());
      places_.note(name, item.place);
      S element;
      if constexpr (requires { element.line; }) element.line = item.place.line;
      take_settings(section, item, name, element);
      into.push_back(std::move(element));
    }
  }

  template <class S>
  void take_settings(const Section<S>& section, const Value& table, const std::string& name, S& into) {
    // In the order of the table of settings, not of the file: [log] levels refine level.
    std::vector<std::string_view> keys;
    for (const Setting<S>& setting : section.settings) {
      keys.push_back(setting.key);
      const auto entry = std::find_if(table.entries.begin(), table.entries.end(),
                                      [&](const Entry& e) { return e.key == setting.key; });
      if (entry == table.entries.end()) {
        if (setting.required)
          fault(table.place, fmt::format("{} has no {}; add {} = ... ({})", section.heading(), setting.key, setting.key,
                                         setting.type));
        continue;
      }
      places_.note(fmt::format("{}.{}", name, setting.key), entry->value.place);
      Complaints complaints;
      setting.read(entry->value, into, complaints);
      for (const auto& [place, message] : complaints.list())
        fault(place, fmt::format("{} in {}: {}", setting.key, section.heading(), message));
    }
    for (const Entry& entry : table.entries)
      if (std::find(keys.begin(), keys.end(), entry.key) == keys.end())
        fault(entry.place,
              fmt::format("unknown key '{}' in {}{}", entry.key, section.heading(), did_you_mean(entry.key, keys)));
  }

  void settle_paths() {
    namespace fs = std::filesystem;
    const auto under = [](const fs::path& folder, std::string& path) {
      if (!path.empty()) path = (folder / path).lexically_normal().string();
    };
    const fs::path folder = fs::absolute(snapshot_.file).parent_path();
    under(folder, snapshot_.server.data_dir);
    under(folder, snapshot_.tls.certificate);
    under(folder, snapshot_.tls.key);
    under(folder, snapshot_.tls.ca);
    for (Domain& domain : snapshot_.domains) {
      under(folder, domain.certificate);
      under(folder, domain.key);
    }
    under(snapshot_.server.data_dir, snapshot_.admin.socket);
  }

  Snapshot snapshot_;
  Places places_;
  std::vector<Fault> faults_;
};

/// Names the restart-only settings of a section whose values differ.
template <class S>
void compare(const Section<S>& section, const S& running, const S& next, std::vector<std::string>& out) {
  for (const Setting<S>& setting : section.settings) {
    if (setting.change == Change::live) continue;
    const std::string before = setting.print(running), after = setting.print(next);
    if (before != after)
      out.push_back(fmt::format("{}.{} ({} -> {})", section.name, setting.key, before.empty() ? "none" : before,
                                after.empty() ? "none" : after));
  }
}

template <class S>
void compare(const Section<S>& section, const std::vector<S>& running, const std::vector<S>& next,
             std::vector<std::string>& out) {
  const auto in_words = [&](const S& element) {
    std::string words;
    for (const Setting<S>& setting : section.settings)
      if (setting.change == Change::restart) words += " " + setting.print(element);
    return words;
  };
  std::vector<std::string> before, after;
  for (const S& element : running) before.push_back(in_words(element));
  for (const S& element : next) after.push_back(in_words(element));
  const auto report = [&](const auto& from, const auto& without, std::string_view what) {
    for (const std::string& words : from)
      if (!words.empty() && std::find(without.begin(), without.end(), words) == without.end())
        out.push_back(fmt::format("{}{} ({})", section.heading(), words, what));
  };
  report(before, after, "removed");
  report(after, before, "added");
}

}  // namespace

std::string Fault::to_string() const {
  return fmt::format("{}:{}:{}: {}", file, line, column, message);
}

Result<SnapshotPtr, std::vector<Fault>> load_text(std::string_view toml, const std::string& file_name) {
  auto document = parse_document(toml, file_name);
  if (!document) return failure(std::vector<Fault>{std::move(document.error())});
  Reading reading(file_name);
  reading.read(*document);
  return std::move(reading).finish();
}

Result<SnapshotPtr, std::vector<Fault>> load_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || std::filesystem::is_directory(path) || !(text << in.rdbuf()))
    return failure(std::vector<Fault>{{path, 0, 0, "cannot be read; check that the file exists and may be read"}});
  return load_text(text.str(), path);
}

std::vector<std::string> restart_needed(const Snapshot& running, const Snapshot& next) {
  std::vector<std::string> out;
  for_each_section([&](const auto& section, auto member) { compare(section, running.*member, next.*member, out); });
  return out;
}

}  // namespace bellhop::config
